"""How the figures of `make bench-profile` are put together; the figures themselves are measured."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.recorder import Cost, all_contenders, on, share

ROOT = Path(__file__).parents[2]


def test_share__is_every_call_of_a_run_times_its_cost():
    costs = {
        on("stage"): Cost(minimum_ns=1000.0, median_ns=0.0),
        on("stage", memory=True): Cost(minimum_ns=3000.0, median_ns=0.0),
    }
    assert share(costs, "stage", memory=False) == 57 * 1000 / 50e6
    assert share(costs, "stage", memory=True) == (51 * 1000 + 6 * 3000) / 50e6


@pytest.mark.slow
def test_it_prints_each_contender_and_ends_with_its_verdict():
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.recorder", "--rounds", "2"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    for contender in all_contenders():
        assert contender.name in done.stdout
    assert done.returncode == (1 if "MISSED" in done.stdout else 0)
