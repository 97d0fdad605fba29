"""One kernel at one shape: hazards first, then times; what goes wrong ends its own row alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from perfgate.profile.devices.cpu import CpuDevice
from perfgate.profile.devices.device import Capability
from perfgate.records.kernels import KernelTable
from perfgate.workloads.kernels.caches import UNKNOWN_CPU_CACHE_BYTES, last_cache_bytes
from perfgate.workloads.kernels.calling import (
    bound_of,
    copy_of,
    make_inputs,
    product_of,
    sets_of,
)
from perfgate.workloads.kernels.kernel import Shape
from perfgate.workloads.kernels.launch import STAGE, launch
from perfgate.workloads.kernels.run import Asked, table
from perfgate.workloads.kernels.timing import LEAST_ROUNDS, Plan
from perfgate.workloads.pipelines.failing import LaunchError
from tests.timed_kernels import SHAPE, doubled, doubling, gone

PLAN = Plan(rounds=LEAST_ROUNDS, block_ms=0.05)


class SmallCpu(CpuDevice):
    """A CPU of a machine with next to no memory."""

    def capability(self):
        return Capability(version="", fast_dtype="float32", memory_bytes=2_000, graphs=False)


def right(_):
    return doubled


def wrong(_):
    return lambda arguments: doubled(arguments, by=3.0)


def broken(_):
    raise TypeError("unsupported\noperand")


def hungry(_):
    raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: 3 bytes")


def asked(kernel, *, shape=SHAPE, cache="warm", variants=None):
    chosen = (kernel.reference, *kernel.variants) if variants is None else variants
    return Asked(kernel=kernel, shape=shape, variants=chosen, cache=cache, plan=PLAN)


def measured(kernel, device=None, **told):
    return KernelTable.model_validate(table(asked(kernel, **told), device or CpuDevice()))


def rows(found):
    return {row.name: row for row in found.variants}


def test_table__times_reference_variants_and_bound_in_the_same_rounds():
    found = measured(doubling(twice=right))
    assert [row.name for row in found.variants] == ["reference", "twice"]
    times = [row.times for row in found.variants] + [found.bound.times]
    assert [len(one.samples_us) for one in times] == [LEAST_ROUNDS] * 3
    assert all(one.method == "host clock" for one in times)
    assert found.reference == "reference"
    assert (found.moved_bytes, found.operations, found.sets) == (256, 32, 1)
    assert (found.bound.name, found.bound.moved_bytes) == ("copy", 256)
    assert rows(found)["twice"].first_call_ms > 0


def test_table__a_variant_with_a_finding_is_named_and_never_timed():
    found = rows(measured(doubling(thrice=wrong)))
    assert found["thrice"].state == "hazard"
    assert found["thrice"].reason == "reference"
    assert "differs" in found["thrice"].findings[0].text
    assert found["reference"].state == "timed"


def test_table__what_is_missing_broken_or_too_large_ends_its_own_row_alone():
    found = rows(measured(doubling(gone=gone, broken=broken, hungry=hungry, twice=right)))
    assert {name: row.state for name, row in found.items()} == {
        "reference": "timed",
        "gone": "not available",
        "broken": "failed",
        "hungry": "out of memory",
        "twice": "timed",
    }
    assert found["gone"].reason == "needs the package doubling, which is not installed"
    assert found["broken"].reason == "TypeError: unsupported operand"


def test_table__of_nothing_that_runs_makes_no_inputs():
    kernel = replace(doubling(gone=gone), inputs=None)
    found = measured(kernel, variants=kernel.variants)
    assert not found.timed
    assert found.sets == 0


def test_table__inputs_that_fail_are_told():
    def no_inputs(shape, device, seed):
        raise KeyError("D")

    kernel = replace(doubling(), inputs=no_inputs, hazards=())
    found = measured(kernel)
    assert not found.timed
    assert "KeyError" in found.variants[0].findings[0].text


def test_table__a_shape_that_does_not_fit_is_skipped_before_anything_is_allocated():
    kernel = replace(doubling(twice=right), inputs=None, held_bytes=lambda _: 2**60)
    found = measured(kernel)
    assert found.skipped.startswith("does not fit: the inputs take 2147483648.0 GiB")
    assert found.variants == ()
    assert measured(doubling(), device=SmallCpu()).skipped == ""
    larger = Shape(sizes={"B": 1_000, "D": 100})
    cold = measured(doubling(), device=SmallCpu(), cache="cold", shape=larger)
    assert "sets, which is what a cold cache needs" in cold.skipped


def test_table__of_a_cold_cache_goes_through_all_sets_in_every_block():
    shape = Shape(sizes={"B": 256, "D": last_cache_bytes(CpuDevice()) // 2**15})
    found = measured(doubling(twice=right), cache="cold", shape=shape)
    assert found.cache == "cold"
    assert found.sets == sets_of("cold", found.moved_bytes, last_cache_bytes(CpuDevice()))
    times = [row.times for row in found.variants] + [found.bound.times]
    assert all(one.calls >= found.sets for one in times)


def test_table__of_inputs_too_small_for_a_cold_cache_is_skipped():
    found = measured(doubling(twice=right), cache="cold", shape=Shape(sizes={"B": 1, "D": 1}))
    assert "sets of inputs as small as these, and 8192 are the most" in found.skipped


def test_inputs__of_a_cold_cache_are_twice_what_it_holds():
    assert sets_of("warm", 100, 1_000) == 1
    assert sets_of("cold", 100, 1_000) == 21
    assert sets_of("cold", 10_000, 1_000) == 2
    assert sets_of("cold", 0, 10) == 21


def test_inputs__calls_go_through_the_sets_in_turn_and_begin_as_they_were_made():
    kernel, device = doubling(), CpuDevice()
    large = Shape(sizes={"B": 1_000, "D": 8 * last_cache_bytes(device) // 64_000})
    inputs = make_inputs(kernel, large, device, cache="cold", changed=kernel.state)
    assert len(inputs.sets) >= 3
    assert not torch.equal(inputs.sets[0]["x"], inputs.sets[1]["x"])
    contender = inputs.contender("twice", doubled)
    assert contender.least_calls == len(inputs.sets)
    contender.calls(len(inputs.sets) + 1)()
    assert [float(one["calls"]) for one in inputs.sets] == [2.0, *[1.0] * (len(inputs.sets) - 1)]
    contender.prepare()
    assert all(float(one["calls"]) == 0.0 for one in inputs.sets)


@pytest.mark.parametrize("moved_bytes", [1, 1_000, 100_000])
def test_bounds__have_the_footprint_that_was_asked_for(moved_bytes):
    copy = copy_of(moved_bytes, CpuDevice(), sets=1)
    assert copy.moved_bytes == max(8, moved_bytes // 8 * 8)
    product = product_of(moved_bytes, "float32", CpuDevice(), sets=2)
    side = round((product.operations / 2) ** (1 / 3))
    assert product.moved_bytes == 12 * side * side
    assert side % 16 == 0
    assert product.moved_bytes <= max(moved_bytes, 12 * 16 * 16)


def test_bounds__of_a_kernel_that_multiplies_is_a_product_of_its_type():
    kernel = replace(doubling(), bound="matmul")
    shape = Shape(sizes={"B": 768, "D": 64}, dtype="bfloat16")
    bound = bound_of(kernel, shape, CpuDevice(), sets=1)
    assert bound.moved_bytes == 3 * 256**2 * 2
    assert bound.operations == 2 * 256**3


def test_cache__is_what_the_kernel_tells_or_a_large_one(tmp_path):
    caches = tmp_path / "sys/devices/system/cpu/cpu0/cache"
    for index, size in enumerate(["32K", "512K", "32768K", "odd"]):
        (caches / f"index{index}").mkdir(parents=True)
        (caches / f"index{index}" / "size").write_text(f"{size}\n")
    assert last_cache_bytes(CpuDevice(), root=tmp_path) == 32 * 2**20
    assert last_cache_bytes(CpuDevice(), root=tmp_path / "none") == UNKNOWN_CPU_CACHE_BYTES


def launched(kernel, *, requests=2):
    return launch(
        asked(kernel, variants=kernel.variants),
        CpuDevice(),
        requests=requests,
        told_too={"threads": 1},
    )


def test_launch__a_report_a_request_with_a_call_as_the_whole_time():
    one, other = launched(doubling(twice=right))
    assert one["total_duration_ms"] > 0
    assert one["steps"] == [{"name": STAGE, "duration_ms": one["total_duration_ms"]}]
    own = one["perfgate"]
    assert own["threads"] == 1
    assert [row["name"] for row in own["kernel"]["variants"]] == ["twice"]
    samples = own["kernel"]["variants"][0]["times"]["samples_us"]
    assert 1e3 * one["total_duration_ms"] == pytest.approx(sorted(samples)[1])
    assert other["request_id"] == "double-twice-1"


def test_launch__says_what_was_computed_and_what_became_of_the_state():
    (one,) = launched(doubling(twice=right), requests=1)
    output = one["perfgate"]["output"]
    assert [part["name"] for part in output["stages"]] == ["output", "calls"]
    assert output["stages"][1]["mean"] == 1.0, "one call, however many were timed"
    assert (output["dtype"], output["sha256"]) == ("float32", None)


def test_launch__what_is_not_finite_is_no_fingerprint():
    def infinite(_):
        return lambda arguments: doubled(arguments) / 0.0

    kernel = doubling(infinite=infinite)
    kernel = replace(kernel, reference=replace(kernel.reference, make=infinite))
    (one,) = launched(kernel, requests=1)
    assert [part["name"] for part in one["perfgate"]["output"]["stages"]] == ["calls"]


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (wrong, "failed: a is wrong and was not timed, hazard reference: the output differs"),
        (gone, "failed: a is not available here: needs the package doubling"),
        (broken, "failed: a: TypeError: unsupported operand"),
        (hungry, "out of memory: a: RuntimeError"),
    ],
)
def test_launch__that_cannot_be_timed_says_why(made, told):
    with pytest.raises(LaunchError) as caught:
        launched(doubling(a=made))
    assert str(caught.value).startswith(told)


def test_launch__a_shape_that_does_not_fit_is_out_of_memory():
    with pytest.raises(LaunchError, match="out of memory: does not fit"):
        launched(replace(doubling(twice=right), held_bytes=lambda _: 2**60))


def test_inputs__only_a_warm_cache_is_warmed_by_a_call_before_the_block():
    def called_before_a_block(cache):
        inputs = make_inputs(doubling(), SHAPE, CpuDevice(), cache=cache, changed=frozenset())
        seen = []
        inputs.contender("twice", lambda one: seen.append(one["x"]) or one["x"]).prepare()
        return len(seen)

    assert called_before_a_block("warm") == 1
    assert called_before_a_block("cold") == 0
