"""A gate that goes on from its record, as a process in a real repository."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.repositories import SUITE, Repository, bench, environment, perfgate

pytestmark = pytest.mark.slow

# A budget for the burn-in and two pairs, which decide nothing on a machine of unknown noise.
SHORT = SUITE.replace("budget: 3m", "budget: 4s")
SLOW_START = "import time; time.sleep(0.4)\n"


@pytest.fixture
def undecided(tmp_path: Path) -> Repository:
    """A project whose gate ran out of its budget before it could decide."""
    project = Repository(tmp_path / "project")
    project.commit("start", perfgate_yml=SHORT, bench_py=SLOW_START + bench())
    project.commit("slower", bench_py=SLOW_START + bench(DenoisingStage=200.0))
    done = perfgate(project.path, "gate", "--base", "HEAD~1")
    assert done.returncode == 7, done.stdout + done.stderr
    assert "perfgate gate --continue" in done.stdout
    assert "perfgate gate --continue" in (project.path / "perfgate-out/comment.md").read_text()
    return project


def record(project: Repository) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((project.path / "perfgate-out/record.json").read_text())
    return found


def go_on(project: Repository, *arguments: str) -> subprocess.CompletedProcess[str]:
    return perfgate(project.path, "gate", "--continue", *arguments)


def places(found: dict[str, Any]) -> list[tuple[int, str, int | None]]:
    return [
        (launch["order"], launch["side"], launch["pair"])
        for case in found["cases"]
        for launch in case["launches"]
    ]


def test_an_undecided_case_gets_its_next_pairs_and_nothing_is_measured_twice(
    undecided: Repository,
) -> None:
    before = record(undecided)
    done = go_on(undecided)
    for _ in range(3):
        if done.returncode != 7:
            break
        done = go_on(undecided)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "from its record" in done.stdout
    after = record(undecided)
    assert places(after)[: len(places(before))] == places(before)
    assert [order for order, _, _ in places(after)] == list(range(len(places(after))))
    halves = [(side, pair) for _, side, pair in places(after)]
    assert len(set(halves)) == len(halves)
    assert after["continued"] >= 1
    assert (after["created_at"], after["job"]) == (before["created_at"], before["job"])
    again = go_on(undecided)
    assert again.returncode == 1
    assert "nothing is left to measure" in again.stderr
    assert record(undecided) == after


class TestRefuses:
    def test_other_files(self, undecided: Repository) -> None:
        before = record(undecided)
        undecided.write(bench_py=SLOW_START + bench())
        done = go_on(undecided)
        assert done.returncode == 2
        assert "files of the working tree are not those that were measured" in done.stderr
        assert record(undecided) == before, "what was measured can still be gone on from"

    def test_another_head(self, undecided: Repository) -> None:
        undecided.commit("on it goes")
        done = go_on(undecided)
        assert done.returncode == 2
        assert "another head" in done.stderr

    def test_another_base(self, undecided: Repository) -> None:
        done = go_on(undecided, "--base", "HEAD")
        assert done.returncode == 2
        assert "another base" in done.stderr

    def test_another_machine(self, undecided: Repository) -> None:
        path = undecided.path / "perfgate-out/record.json"
        found = record(undecided)
        found["fingerprint"]["must_match"]["python"] = "2.7"
        path.write_text(json.dumps(found))
        done = go_on(undecided)
        assert done.returncode == 2
        assert "another machine, python was 2.7" in done.stderr

    def test_no_record(self, undecided: Repository) -> None:
        done = go_on(undecided, "--output-dir", "elsewhere")
        assert done.returncode == 2
        assert "there is no record to go on from" in done.stderr

    def test_cases_of_its_own(self, undecided: Repository) -> None:
        assert go_on(undecided, "--case", "bench").returncode == 2


def test_an_unchanged_dirty_tree_goes_on(undecided: Repository) -> None:
    undecided.write(bench_py=SLOW_START + bench(DenoisingStage=210.0), notes_txt="mine")
    assert perfgate(undecided.path, "gate", "--base", "HEAD~1").returncode == 7
    done = go_on(undecided)
    assert done.returncode in (1, 7), done.stdout + done.stderr
    assert record(undecided)["continued"] == 1


def test_an_interrupted_job_goes_on(undecided: Repository) -> None:
    child = subprocess.Popen(
        [sys.executable, "-m", "perfgate", "gate", "--base", "HEAD~1"],
        cwd=undecided.path,
        env=environment(XDG_CACHE_HOME=str(undecided.path.parent / "cache")),
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stderr is not None
    deadline = time.monotonic() + 60
    while "burn-in" not in child.stderr.readline():
        assert time.monotonic() < deadline
    child.send_signal(signal.SIGINT)
    child.communicate(timeout=60)
    assert record(undecided)["interrupted"] == "SIGINT"
    done = go_on(undecided)
    assert done.returncode in (1, 7), done.stdout + done.stderr
    found = record(undecided)
    assert found["interrupted"] is None
    assert sum(pair is None for _, _, pair in places(found)) == 1, "one burn-in is enough"
