"""What `make bench-startup` runs and prints; how long it takes is measured there."""

from __future__ import annotations

from pathlib import Path

from benchmarks.compare import Cost, measure
from benchmarks.startup import BARE, GOALS_S, contenders, section


def costs(**median_s: float) -> dict[str, Cost]:
    names = {BARE: 0.02, **dict.fromkeys(GOALS_S, 0.3), **median_s}
    return {
        name: Cost(wall_s=seconds, median_s=seconds, processor_s=seconds, peak_mb=50.0)
        for name, seconds in names.items()
    }


def test_section__tells_each_beside_a_bare_interpreter() -> None:
    text = section(costs(), rounds=3, load=0.4)
    assert "| `perfgate --help` | 0.300 s | 0.300 s | 0.300 s | 15.0 times | at most" in text
    assert "MISSED" not in text


def test_section__a_goal_that_is_missed() -> None:
    text = section(costs(**{"perfgate compare": 0.61}), rounds=3, load=0.4)
    assert text.count("MISSED") == 1


def test_every_process_answers(tmp_path: Path) -> None:
    found = contenders(tmp_path)
    assert GOALS_S.keys() < {one.name for one in found}
    assert measure(found, rounds=1).keys() == {one.name for one in found}
