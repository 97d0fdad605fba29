"""How `make bench-peers` writes the same samples for each contender; figures are measured there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.compare import Sizes, google_file, pyperf_suite, record, samples
from perfgate.verdict.metrics import launch_metrics

ROOT = Path(__file__).parents[2]
SIZES = Sizes(cases=2, metrics=6, launches=3)


def test_every_contender_reads_the_same_samples():
    values = samples(SIZES)["head"]
    job = record(values, "head")
    assert [len(case.launches) for case in job.cases] == [4, 4]
    metrics = launch_metrics(job.cases[1].launches[1])
    assert len(metrics) == SIZES.metrics
    first = values[1, 0]
    assert metrics["Part00Stage"] == first[0]
    assert metrics["median step"] == first[-2]
    suite, google = pyperf_suite(values), google_file(values)
    assert suite["benchmarks"][6]["runs"][0]["values"] == pytest.approx([first[0] / 1e3])
    assert google["benchmarks"][6 * 3]["real_time"] == pytest.approx(first[0])
    assert len(suite["benchmarks"]) * 3 == len(google["benchmarks"]) == 2 * 6 * 3


@pytest.mark.slow
def test_it_prints_each_contender_and_ends_with_its_verdict():
    pytest.importorskip("pyperf", reason="only `make bench-peers` installs pyperf")
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.compare", "--rounds", "1", "--cases", "2"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    for name in ("perfgate compare", "pyperf compare_to", "Mann-Whitney"):
        assert name in done.stdout
    assert done.returncode == (1 if "MISSED" in done.stdout else 0)
