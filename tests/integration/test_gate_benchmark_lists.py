"""A gate over a benchmark that writes what github-action-benchmark is fed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from perfgate.errors import ExitCode
from perfgate.records import Verdict
from perfgate.records.text import parse_decision
from tests.repositories import Repository, perfgate

SUITE = """\
version: 1
gate: {strategy: paired, budget: 3m, margin: 10%, stage_margin: 20%}
cases:
  - {id: lists, backend: command, command: python3 bench.py > "$PERFGATE_REPORT"}
"""
# Times that are made up, a hair apart: what is tried is what becomes of them.
BENCH = """\
import json, random
chance = random.Random()
times_ms = {times_ms}
print(json.dumps([
    {{"name": name, "value": ms * chance.gauss(1, 0.002) / 1000, "unit": "s"}}
    for name, ms in times_ms.items()
] + {more}))
"""


def bench(*, decoding_ms: float = 60.0, more: Sequence[object] = ()) -> str:
    times_ms = {"text encoding": 40.0, "denoising": 200.0, "decoding": decoding_ms}
    return BENCH.format(times_ms=times_ms, more=json.dumps(list(more)))


def test_the_entry_that_got_slower_is_named(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "a project")
    repository.commit("start", perfgate_yml=SUITE, bench_py=bench())
    repository.commit("decode otherwise", bench_py=bench(decoding_ms=90.0))
    done = perfgate(repository.path, "gate", "--base", "HEAD~1")
    assert done.returncode == ExitCode.REGRESSED, done.stderr
    text = (repository.path / "perfgate-out" / "decision.json").read_text(encoding="utf-8")
    (case,) = parse_decision(text, source="decision.json").cases
    verdicts = {metric.name: metric.verdict for metric in case.metrics}
    assert verdicts["decoding"] is Verdict.REGRESSED
    assert verdicts["denoising"] is Verdict.PASSED
    assert "decoding" in done.stdout


def test_an_entry_that_is_no_time_fails_the_launch_by_its_name(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "a project")
    more = [{"name": "weights", "value": 3.5, "unit": "GiB"}]
    repository.commit("start", perfgate_yml=SUITE, bench_py=bench())
    repository.commit("tell of memory", bench_py=bench(more=more))
    done = perfgate(repository.path, "gate", "--base", "HEAD~1")
    assert done.returncode == ExitCode.BENCHMARK
    assert "'weights' in 'GiB', which is no time" in " ".join(done.stdout.split())
