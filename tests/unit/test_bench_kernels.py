"""The benchmark of kernels holds figures against goals, and never passes for want of figures."""

from __future__ import annotations

import pytest

from benchmarks.kernels import CPU_BATCHES, DIMS, DTYPES, goals_of, told
from perfgate.records.kernels import KernelTable
from perfgate.report.words import NOTHING
from tests.timed_kernels import a_table, results_of

SHAPES = [f"B{b} D{d} L1 {t}" for t in DTYPES for d in DIMS for b in CPU_BATCHES]
GOOD = {"eager": (15.0,) * 6, "compiled": (9.0,) * 6, "native": (2.5,) * 6}


def tables(reference=(40.0,) * 6, copy=(1.0,) * 6, **variants):
    times = GOOD | variants
    return [
        a_table(reference, copy=copy, shape=shape, moved_bytes=4_000, **times) for shape in SHAPES
    ]


def goals(*found, **rest):
    return {goal.name: goal for goal in goals_of(results_of(*found, **rest))}


def test_goals__are_geometric_means_over_the_cells():
    found = goals(*tables())
    assert all(goal.met for goal in found.values())
    assert found["native, times as fast as the reference in float32"].found == pytest.approx(16.0)
    assert found["native, share of the copy in float32"].found == pytest.approx(0.8)
    assert found["native, share of the copy in float32"].cells == 9
    assert found["eager, times as fast as the reference in bfloat16"].cells == 9


def test_goals__that_are_missed_say_so():
    found = goals(*tables(eager=(20.0,) * 6, native=(5.0,) * 6))
    met = {name.split(",")[0]: goal.met for name, goal in found.items() if "times" in name}
    assert met == {"eager": False, "compiled": True, "native": False}
    assert "**missed**" in found["eager, times as fast as the reference in bfloat16"].row()
    assert not found["native, share of the copy in float32"].met


def test_goals__a_cell_without_a_number_is_a_miss_however_good_the_others():
    found = tables()
    found[3] = a_table(shape=SHAPES[3], **(GOOD | {"native": "not available: no compiler"}))
    goal = goals(*found)["native, times as fast as the reference in float32"]
    assert (goal.timed, goal.cells, goal.met) == (8, 9, False)


@pytest.mark.parametrize("of", ["nothing", "a reference that failed"])
def test_goals__nothing_measured_meets_none(of):
    found = tables(reference="failed: TypeError") if of != "nothing" else []
    assert not any(goal.met for goal in goals(*found).values() if "times" in goal.name)


def test_goals__of_a_gpu_are_tritons_share_at_the_largest_batch():
    large = a_table(copy=(1.0,) * 6, shape="B256 D2048 L1 bfloat16", triton=(2.2,) * 6)
    small = a_table(copy=(1.0,) * 6, shape="B1 D2048 L1 bfloat16", triton=(99.0,) * 6)
    (goal,) = goals(large, small, device="cuda").values()
    assert (goal.cells, goal.met) == (1, True)


def test_text__has_goals_cells_and_what_was_not_there():
    found = tables(native="not available: needs a compiler", eager="failed: a | b")
    found[0] = KernelTable(kernel="conv", shape=SHAPES[0], cache="warm", failure="was killed")
    results = results_of(*found)
    text = told(results, goals_of(results))
    assert text.startswith("## Kernels on cpu-test-x2, 2026-01-01\n")
    assert f"| {SHAPES[0]} | was killed | | | | |" in text
    row = f"reference | 40.0 µs | {NOTHING} | 0.1 GB/s | 5 % |"
    assert f"| {SHAPES[1]} (copy 2.0 GB/s) | {row}" in text
    assert "| eager | failed: a \\| b |" in text
    assert text.count("`native` (needs a compiler)") == 1
    assert "| native |" not in text
    assert "No GPU or NPU was at hand" in text
