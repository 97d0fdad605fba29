"""`perfgate explain` as a process in real repositories: what it takes, keeps and refuses.

The benchmark leaves a trace that stands in its tree, so that each side's is known.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from perfgate.records import Tree, to_json
from perfgate.verdict.trace_reading import read_capture
from tests.factories import a_case_decision, a_decision, a_metric
from tests.repositories import Repository, perfgate
from tests.traces import a_trace, op, stage, steps

pytestmark = pytest.mark.slow

BENCH = """\
import json, os, shutil
stages = [{"name": "DenoisingStage", "duration_ms": 5.0}]
report = {"total_duration_ms": 5.0, "steps": stages, "perfgate": {"flops": FLOPS}}
json.dump(report, open(os.environ["PERFGATE_REPORT"], "w"))
if "PERFGATE_TRACE" in os.environ:
    shutil.copyfile("trace.json", os.environ["PERFGATE_TRACE"])
    print(os.environ["PERFGATE_SIDE"], file=open(os.environ["PERFGATE_WORKTREE"] + "/took", "a"))
"""
SUITE = """\
version: 1
cases:
  - {id: bench, backend: command, command: python3 bench.py, requests: 1}
"""


def a_trace_of(*calls: Any) -> str:
    return a_trace([stage("DenoisingStage", *steps(4, *calls))], memory=[2**20]).decode()


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """A change that clones in every step; what runs leaves is ignored by git."""
    project = Repository(tmp_path / "Modèle 扩散")
    project.file(".gitignore", "took\n")
    project.commit(
        "start",
        perfgate_yml=SUITE,
        bench_py=BENCH.replace("FLOPS", "6e9"),
        trace_json=a_trace_of(op("mm", 500.0)),
    )
    project.commit("a clone", trace_json=a_trace_of(op("mm", 500.0), op("clone", 20.0)))
    return project


def explain(repository: Repository, *arguments: str) -> Any:
    return perfgate(repository.path, "explain", "--captures", "5", *arguments)


def out(repository: Repository) -> Path:
    return repository.path / "perfgate-out"


def a_decision_about(repository: Repository, verdict: str = "regressed", **head: str) -> None:
    """What a gate of the last commit would have left."""
    ids = repository.git("rev-parse", "HEAD~1", "HEAD", "HEAD^{tree}").split()
    metrics = [a_metric("end-to-end", 1000, 1100, verdict)]
    told = {"commit": ids[1], "ref": "main", "content": ids[2], **head}
    decision = a_decision(
        [a_case_decision("bench", verdict, metrics)],
        base=Tree(commit=ids[0], ref="HEAD~1"),
        head=Tree(**told),
    )
    folder = out(repository)
    folder.mkdir()
    (folder / ".gitignore").write_text("*\n")
    (folder / "decision.json").write_text(to_json(decision))


def test_a_named_case__rows_traces_and_one_document(repository: Repository) -> None:
    done = explain(repository, "--case", "bench", "--base", "HEAD~1", "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert (document["schema"], document["version"]) == ("perfgate.explanation", 1)
    (case,) = document["cases"]
    (row,) = case["rows"]
    assert (row["kind"], row["path"]) == ("calls", ["step", "aten::clone"])
    assert (row["calls_base"], row["calls_head"], row["steps"]) == (0, 4, "every step")
    assert (case["captures"], case["flops_base"]) == (5, 6e9)
    assert case["memory_head_mb"] == {"host": 1.0}
    assert done.stdout == (out(repository) / "explanation.json").read_text()
    kept = sorted(path.name for path in (out(repository) / "traces" / "bench").iterdir())
    assert kept == sorted(f"{s}-{n}.json.gz" for s in ("base", "head") for n in range(1, 6))
    packed = (out(repository) / "traces" / "bench" / "head-1.json.gz").read_bytes()
    assert read_capture(gzip.decompress(packed)).steps[0] == "denoising_step_0"
    assert repository.git("status", "--porcelain") == ""


def test_sides_take_turns_in_their_own_trees(repository: Repository) -> None:
    done = explain(repository, "--case", "bench", "--base", "HEAD~1")
    assert done.returncode == 0, done.stderr
    sides = [line.split(" · ")[2] for line in done.stderr.splitlines() if " · pair " in line]
    assert sides == ["base", "head", "head", "base", "base", "head", "head", "base", "base", "head"]
    assert (repository.path / "took").read_text() == "head\n" * 5


def test_what_the_gate_called_slower_is_explained_in_its_comment(repository: Repository) -> None:
    a_decision_about(repository)
    done = explain(repository)
    assert done.returncode == 0, done.stderr
    assert "clone" in done.stdout
    comment = (out(repository) / "comment.md").read_text()
    assert "Why: what the profiler saw" in comment
    assert "clone" in comment


def test_without_a_decision_a_case_has_to_be_named(repository: Repository) -> None:
    done = explain(repository, "--base", "HEAD~1")
    assert done.returncode == 2
    assert "there is no decision" in done.stderr
    assert "--case" in done.stderr


def test_a_decision_about_other_files_is_none(repository: Repository) -> None:
    a_decision_about(repository)
    repository.commit("another")
    done = explain(repository)
    assert done.returncode == 2
    assert "this tree has other files or another base" in done.stderr


def test_nothing_slower_is_nothing_to_explain(repository: Repository) -> None:
    a_decision_about(repository, "passed")
    done = explain(repository)
    assert done.returncode == 2
    assert "calls no case slower" in done.stderr


def test_a_case_that_cannot_be_captured_is_named_and_the_rest_goes_on(
    repository: Repository,
) -> None:
    silent = (
        "  - {id: silent, backend: command, command: 'env -u PERFGATE_TRACE python3 bench.py'}\n"
    )
    served = "  - {id: served, backend: server, model: m, task: text-to-image,\n"
    served += "     request: {prompt: p, width: 64, height: 64, steps: 4},\n"
    served += "     serve: {address: 'http://localhost:1'}}\n"
    repository.commit("two more", perfgate_yml=SUITE + silent + served)
    repository.commit("nothing")
    names = ("--case", "silent", "--case", "served", "--case", "bench")
    done = explain(repository, *names, "--base", "HEAD~1", "--json")
    assert done.returncode == 0, done.stderr
    cases = {case["id"]: case for case in json.loads(done.stdout)["cases"]}
    assert "backend server cannot be captured" in cases["served"]["problem"]
    assert "of at least 5 captures" in cases["silent"]["problem"]
    assert cases["silent"]["notes"] == [
        "base capture 1: the trace was not written to $PERFGATE_TRACE"
    ]
    assert cases["bench"]["rows"] == []
    assert not cases["bench"]["problem"]


@pytest.mark.parametrize(
    ("trace", "told"),
    [
        (a_trace([op("mm")]).decode(), "has no denoising steps"),
        ('{"traceEvents": [', "is not whole JSON"),
    ],
)
def test_a_trace_that_is_none_is_named(repository: Repository, trace: str, told: str) -> None:
    repository.commit("broken", trace_json=trace)
    done = explain(repository, "--case", "bench", "--base", "HEAD~1")
    assert done.returncode == 4
    assert "Not explained" in done.stdout
    assert told in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_a_benchmark_that_dies_says_why(repository: Repository) -> None:
    repository.commit("broken", bench_py="raise SystemExit('model not found: tiny-wan')")
    done = explain(repository, "--case", "bench", "--base", "HEAD~1")
    assert done.returncode == 4
    assert "model not found: tiny-wan" in done.stdout


def test_a_trace_packed_with_gzip_and_one_that_is_no_file(repository: Repository) -> None:
    packing = BENCH.replace("FLOPS", "6e9") + (
        "    import gzip\n"
        "    data = gzip.compress(open('trace.json', 'rb').read())\n"
        "    open(os.environ['PERFGATE_TRACE'], 'wb').write(data)\n"
    )
    linking = BENCH.replace("FLOPS", "6e9") + (
        "    os.unlink(os.environ['PERFGATE_TRACE'])\n"
        "    os.symlink('/dev/zero', os.environ['PERFGATE_TRACE'])\n"
    )
    repository.commit("packed", bench_py=packing)
    assert explain(repository, "--case", "bench", "--base", "HEAD~1").returncode == 0
    repository.commit("a link", bench_py=linking)
    done = explain(repository, "--case", "bench", "--base", "HEAD~1")
    assert done.returncode == 4
    assert "the trace is no plain file" in done.stdout


def test_a_gate_never_profiles(repository: Repository) -> None:
    done = perfgate(
        repository.path, "gate", "--base", "HEAD~1", "--case", "bench", PERFGATE_TRACE="/dev/full"
    )
    assert done.returncode in (0, 7), done.stderr
    assert not (repository.path / "took").exists()


def test_an_old_explanation_does_not_outlive_its_gate(repository: Repository) -> None:
    assert explain(repository, "--case", "bench", "--base", "HEAD~1").returncode == 0
    perfgate(repository.path, "gate", "--base", "HEAD~1")
    assert not (out(repository) / "explanation.json").exists()
    assert not list((out(repository) / "traces").rglob("*.json.gz"))
