"""Comparing frameworks as a process in a real repository: what it writes, shows and exits with."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import psutil
import pytest

from perfgate.records import parse_results
from perfgate.records.results import Cell, FailureKind, Results
from tests.repositories import Repository, bench, environment, perfgate

pytestmark = pytest.mark.slow

SUITE = """\
version: 1
cases:
  - {id: good, backend: command, command: python3 bench.py, requests: 1}
  - {id: broken, backend: command, command: "echo CUDA out of memory; exit 3", requests: 1}
"""


@pytest.fixture
def project(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "project")
    made.commit("start", perfgate_yml=SUITE, bench_py=bench())
    return made


def alive(pid: int) -> bool:
    """Whether it runs: one that ended may wait to be reaped by whoever is its parent now."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def results_of(project: Repository) -> Results:
    path = project.path / "perfgate-out" / "results.json"
    return parse_results(path.read_text(), source=str(path))


def cell(results: Results, case: str) -> Cell:
    return next(one for one in results.cells if one.case == case)


class TestCommand:
    def test_one_case_fails__the_other_has_its_number_and_all_is_written(
        self, project: Repository, tmp_path: Path
    ) -> None:
        summary = tmp_path / "summary.md"
        told = {"GITHUB_RUN_ID": "77", "GITHUB_RUN_ATTEMPT": "2", "GITHUB_JOB": "nightly"}
        done = perfgate(
            project.path, "compete", "--repeats", "2", GITHUB_STEP_SUMMARY=str(summary), **told
        )
        assert done.returncode == 4, done.stdout + done.stderr
        results = results_of(project)
        good, broken = cell(results, "good"), cell(results, "broken")
        assert (good.launches, good.failures) == ((1, 1), ())
        assert {one.name for one in good.metrics} >= {"e2e", "DenoisingStage"}
        assert [one.kind for one in broken.failures] == [FailureKind.MEMORY]
        assert results.commit == project.git("rev-parse", "HEAD")
        assert (results.run.id, results.run.attempt, results.run.name) == ("77", 2, "nightly")
        out = project.path / "perfgate-out"
        assert {path.name for path in out.iterdir()} == {
            *("results.json", "comparison-results.json", "summary.md", "junit.xml", ".gitignore"),
        }
        assert "out of memory" in done.stdout
        assert summary.read_text() == (out / "summary.md").read_text()
        assert ET.parse(out / "junit.xml").getroot().get("failures") == "1"
        nightly = json.loads((out / "comparison-results.json").read_text())
        assert nightly["run_id"] == "77"
        assert [one["error"] is None for one in nightly["results"]] == [True, False]

    def test_a_launch_is_not_profiled_for_an_enclosing_job(self, project: Repository) -> None:
        guarded = "test -z $PERFGATE_TRACE$PERFGATE_COUNT_FLOPS && python3 bench.py"
        project.commit("guarded", perfgate_yml=SUITE.replace("python3 bench.py", f"'{guarded}'"))
        asked = {"PERFGATE_TRACE": "/dev/full", "PERFGATE_COUNT_FLOPS": "1"}
        perfgate(project.path, "compete", "--repeats", "1", "--case", "good", **asked)
        assert cell(results_of(project), "good").failures == ()

    def test_all_measured__0_and_one_document(self, project: Repository) -> None:
        done = perfgate(project.path, "compete", "--case", "good", "--repeats", "1", "--json")
        assert done.returncode == 0, done.stderr
        assert parse_results(done.stdout, source="stdout") == results_of(project)
        assert "good · command · repeat 1" in done.stderr

    def test_a_plan_starts_nothing_and_writes_nothing(self, project: Repository) -> None:
        done = perfgate(
            project.path, "compete", "--dry-run", "--budget", "20m", "--device", "cuda:9"
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines()[-1] == (
            "plan: 2 cases, 2 cells, 8 launches; device minutes: expected: not known, worst 20 "
            "(budget 20)"
        )
        assert not (project.path / "perfgate-out").exists()

    def test_cases_of_sglangs_configuration__its_package_is_missing(
        self, project: Repository
    ) -> None:
        asked = {"id": "flux", "model": "m", "task": "text-to-image", "prompt": "A cat."}
        framework = {"serve_args": "", "extra_env": {}}
        config = {"cases": [{**asked, "frameworks": {"sglang": framework, "comfyui": framework}}]}
        project.file("configs.json", json.dumps(config))
        done = perfgate(project.path, "compete", "--config", "configs.json")
        assert done.returncode == 4, done.stderr
        failures = {one.framework: one.failures[0].kind for one in results_of(project).cells}
        assert failures == {"sglang": FailureKind.MISSING, "comfyui": FailureKind.MISSING}

    @pytest.mark.parametrize(
        ("arguments", "told"),
        [
            (("--framework", "vllm"), "no selected case runs in vllm"),
            (("--case", "flux"), "no case is called flux"),
            (("--config", "none.json"), "none.json cannot be read"),
            (("--dry-run", "--json"), "--dry-run prints a plan"),
        ],
    )
    def test_what_is_wrong_with_the_usage(
        self, project: Repository, arguments: tuple[str, ...], told: str
    ) -> None:
        done = perfgate(project.path, "compete", *arguments)
        assert done.returncode == 2
        assert told in done.stderr

    def test_a_summary_that_cannot_be_written_changes_no_exit_code(
        self, project: Repository, tmp_path: Path
    ) -> None:
        done = perfgate(
            project.path,
            *("compete", "--case", "good", "--repeats", "1"),
            GITHUB_STEP_SUMMARY=str(tmp_path / "no such folder" / "summary.md"),
        )
        assert done.returncode == 0
        assert "the job summary could not be written" in done.stderr


def test_an_interrupt__what_runs_is_ended_and_what_was_measured_is_kept(
    project: Repository,
) -> None:
    hang = (
        'python3 -c \'import os, time; open("pid", "w").write(str(os.getpid())); time.sleep(600)\''
    )
    suite = SUITE.replace('"echo CUDA out of memory; exit 3"', json.dumps(hang))
    project.commit("one hangs", perfgate_yml=suite)
    running = subprocess.Popen(
        [sys.executable, "-m", "perfgate", "compete", "--repeats", "1"],
        cwd=project.path,
        env=environment(XDG_CACHE_HOME=str(project.path.parent / "cache")),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    pid = project.path / "pid"
    deadline = time.monotonic() + 60
    while not (pid.exists() and pid.read_text()) and time.monotonic() < deadline:
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    shown, told = running.communicate(timeout=60)
    assert running.returncode == 130, told
    assert "stopped by SIGINT" in shown
    results = results_of(project)
    assert [one.case for one in results.cells] == ["good"]
    assert results.notes[-1] == "stopped by SIGINT: what was measured until then counts"
    assert not alive(int(pid.read_text()))


def framework_suite(**frameworks: Any) -> str:
    """A suite of one request in two servers of the project's own, one of them set up wrongly."""
    case = {
        "id": "cat",
        "backend": "server",
        "model": "m",
        "task": "text-to-image",
        "request": {"prompt": "A cat."},
        "serve": {"command": "python3 none.py", "path": "/generate", "body": {"p": "{prompt}"}},
        "timeout": {"load": "20s", "request": "20s"},
    }
    good = {"id": "good", "backend": "command", "command": "python3 bench.py", "requests": 1}
    return json.dumps({"version": 1, "frameworks": frameworks, "cases": [case, good]})


def test_a_setup_that_fails__its_cells_say_so_and_the_rest_goes_on(project: Repository) -> None:
    setup = {"setup": "echo no matching distribution; exit 9"}
    project.commit("servers", perfgate_yml=framework_suite(server=setup))
    done = perfgate(project.path, "compete", "--repeats", "1")
    assert done.returncode == 4, done.stderr
    results = results_of(project)
    (failure,) = cell(results, "cat").failures
    assert failure.kind is FailureKind.SETUP
    assert "setup of server at head exited with 9" in failure.text
    assert "no matching distribution" in done.stderr
    assert cell(results, "good").launches == (1,)
