"""`perfgate bisect` as a process in a real repository: real trees, real launches, an interrupt."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.repositories import SUITE, Repository, bench, environment, perfgate

pytestmark = pytest.mark.slow

SLOW = {"DenoisingStage": 120.0}
"""Of 160 ms: 12.5 % more, so that sleepers who wake late do not hide it."""


@pytest.fixture
def project(tmp_path: Path) -> Repository:
    """Eight commits after the first; the fifth is slow, and so are those after it."""
    made = Repository(tmp_path / "Modèle 扩散")
    made.commit("start", perfgate_yml=SUITE, bench_py=bench())
    return made


def with_history(project: Repository, *, culprit: int = 5, **broken: str) -> list[str]:
    """Commit ids by place; ``c3="…"`` is what bench.py of the third commit is instead."""
    commits = [project.git("rev-parse", "HEAD")]
    for place in range(1, 9):
        script = bench(**(SLOW if place >= culprit else {})) + f"# {place}\n"
        commits.append(project.commit(f"change {place}", bench_py=broken.get(f"c{place}", script)))
    return commits


def search(project: Repository, *arguments: str, **environ: str) -> Any:
    return perfgate(project.path, "bisect", *arguments, **environ)


def result(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.stdout, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_finds_the_commit__and_leaves_no_tree_behind(project: Repository, tmp_path: Path) -> None:
    commits = with_history(project)
    done = search(project, commits[0], "HEAD", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    found = result(done)
    assert (found["schema"], found["version"]) == ("perfgate.bisected", 1)
    assert found["outcome"] == "found"
    assert [one["id"] for one in found["suspects"]] == [commits[5]]
    assert found["change"]["low"] < 1.125 < found["change"]["high"]
    state = json.loads((project.path / "perfgate-out" / "bisect.json").read_text())
    kept = len(state["burn_ins"]) + sum(len(pair["launches"]) for pair in state["pairs"])
    assert found["launches"] == kept
    assert project.git("worktree", "list").count("\n") == 0
    assert not list((tmp_path / "cache" / "perfgate" / "bisect").glob("*/*"))
    assert project.git("status", "--porcelain") == ""


def test_the_answer_for_people(project: Repository) -> None:
    commits = with_history(project)
    done = search(project, commits[0], "HEAD")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{commits[5][:10]} change 5 made bench, end-to-end, slower" in done.stdout
    assert "more pair" in done.stderr


def test_a_stage(project: Repository) -> None:
    commits = with_history(project)
    done = search(project, commits[0], "HEAD", "--metric", "DenoisingStage", "--json")
    assert [one["id"] for one in result(done)["suspects"]] == [commits[5]]


def test_a_launch_is_not_profiled_for_an_enclosing_job(project: Repository) -> None:
    own = "import os\nassert not {'PERFGATE_TRACE', 'PERFGATE_COUNT_FLOPS'} & set(os.environ)\n"
    good = project.commit("good", bench_py=own + bench())
    project.commit("bad", bench_py=own + bench(**SLOW))
    asked = {"PERFGATE_TRACE": "/dev/full", "PERFGATE_COUNT_FLOPS": "1"}
    done = search(project, good, "HEAD", "--json", **asked)
    assert result(done)["outcome"] == "found", done.stdout + done.stderr


def test_commits_that_die_are_skipped_and_named(project: Repository) -> None:
    commits = with_history(project, c4="raise SystemExit('no such kernel')")
    done = search(project, commits[0], "HEAD", "--json")
    assert done.returncode == 7, done.stdout + done.stderr
    found = result(done)
    assert found["outcome"] == "narrowed"
    assert [one["id"] for one in found["suspects"]] == commits[4:6]
    assert [one["id"] for one in found["skipped"]] == [commits[4]]
    assert "no such kernel" in found["skipped"][0]["log_tail"]


def test_commits_that_do_not_build_are_skipped__each_has_its_own_environment(
    project: Repository,
) -> None:
    setup = "test ! -e broken && touch $PERFGATE_WORKTREE/ready-$(git rev-parse --short HEAD)"
    project.commit("start", perfgate_yml=f"setup: {setup}\n{SUITE}")
    commits = [project.git("rev-parse", "HEAD")]
    for place in range(1, 5):
        project.commit(f"change {place}", bench_py=bench(**(SLOW if place >= 3 else {})))
        if place == 2:
            project.commit("change 2 is broken", broken="")
            (project.path / "broken").unlink()
        commits.append(project.git("rev-parse", "HEAD"))
    done = search(project, commits[0], "HEAD", "--json")
    found = result(done)
    assert any("setup of head exited with 1" in one["why"] for one in found["skipped"])
    assert commits[3] in [one["id"] for one in found["suspects"]]


def test_equal_ends__nothing_to_look_for(project: Repository) -> None:
    commits = with_history(project, culprit=9)
    done = search(project, commits[0], "HEAD")
    assert done.returncode == 7, done.stdout + done.stderr
    assert "nothing to look for" in done.stdout


def test_an_end_that_dies__is_an_error(project: Repository) -> None:
    commits = with_history(project, c8="raise SystemExit('model not found')")
    done = search(project, commits[0], "HEAD")
    assert done.returncode == 4, done.stdout + done.stderr
    assert "an end of the search, cannot be measured" in done.stderr
    assert "model not found" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_interrupted_search_goes_on__and_launches_nothing_twice(
    project: Repository, tmp_path: Path
) -> None:
    commits = with_history(project)
    running = subprocess.Popen(
        [sys.executable, "-m", "perfgate", "bisect", commits[0], "HEAD", "--json"],
        cwd=project.path,
        env=environment(XDG_CACHE_HOME=str(tmp_path / "cache")),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    state = project.path / "perfgate-out" / "bisect.json"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and running.poll() is None:
        if state.exists() and len(json.loads(state.read_text())["pairs"]) >= 2:
            break
        time.sleep(0.05)
    os.kill(running.pid, signal.SIGTERM)
    out, err = running.communicate(timeout=60)
    assert running.returncode == 143, out + err
    first = json.loads(out)
    assert (first["outcome"], first["interrupted"]) == ("stopped", "SIGTERM")
    before = json.loads(state.read_text())["pairs"]
    assert len(before) >= 2
    # Trees stay, so that going on need not prepare them again.
    assert project.git("worktree", "list").count("\n") >= 2

    done = search(project, "--continue", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert [one["id"] for one in result(done)["suspects"]] == [commits[5]]
    after = json.loads(state.read_text())
    assert after["pairs"][: len(before)] == before
    assert after["continued"] == 1
    assert project.git("worktree", "list").count("\n") == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["HEAD~1", "HEAD", "--case", "no"], "no case is called no"),
        (["HEAD", "HEAD"], "the same commit"),
        (["HEAD", "HEAD~1"], "is no ancestor of"),
        (["nowhere", "HEAD"], "no commit here is called nowhere"),
        (["HEAD~1"], "Name two commits"),
        (["--continue"], "there is no search to go on with"),
        (["HEAD~1", "HEAD", "--continue"], "from its search"),
    ],
)
def test_wrong_questions_exit_with_2(project: Repository, arguments: list[str], told: str) -> None:
    project.commit("one more")
    done = search(project, *arguments)
    assert done.returncode == 2, done.stdout + done.stderr
    assert told in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("damage", ["{", "{}", '{"schema": "perfgate.record"}', "\udcff"])
def test_a_damaged_search_is_refused(project: Repository, damage: str) -> None:
    out = project.path / "perfgate-out"
    out.mkdir()
    (out / "bisect.json").write_text(damage, errors="surrogateescape")
    done = search(project, "--continue")
    assert done.returncode == 2, done.stdout + done.stderr
    assert "bisect.json" in done.stderr
    assert "Traceback" not in done.stderr
