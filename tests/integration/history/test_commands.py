"""``perfgate history add``, ``query`` and ``compact`` as processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.adding import HARDWARE, read
from tests.nightly_files import a_night, write
from tests.stores import GIT_ENV, a_clone, git


def perfgate(where: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    root = str(Path(__file__).parents[3])
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": root, "COLUMNS": "120", **environ}
    return subprocess.run(
        (sys.executable, "-m", "perfgate", "history", *arguments),
        cwd=where,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_commands_one_after_another(tmp_path: Path) -> None:
    for day in range(20):
        write(tmp_path / "in", f"{day:02}.json", a_night(day=day, run=str(day)))
    files = [f"in/{day:02}.json" for day in range(20)]

    added = perfgate(tmp_path, "add", *files, "--to", "h", "--hardware", HARDWARE)
    again = perfgate(tmp_path, "add", files[3], "--to", "h", "--hardware", HARDWARE)
    made = perfgate(tmp_path, "compact", "--to", "h", "--before", "2026-04-01")
    asked = perfgate(tmp_path, "query", "--from", "h", "SELECT count(*) AS nights FROM points")

    assert (added.returncode, added.stdout.count("added results/")) == (0, 20)
    assert "20 files added to h" in added.stdout
    assert "note: the configuration of 20 results is not known" in added.stderr
    assert "0 files added to h, 1 there already" in again.stdout
    assert made.stdout.startswith("2026-03: 12 files → results/2026/03/2026-03_")
    document = json.loads(asked.stdout)
    assert (document["columns"], document["rows"]) == (["nights"], [[20]])
    assert (asked.stderr, asked.returncode) == ("", 0)


def test_the_commands_on_a_branch(tmp_path: Path) -> None:
    clone = a_clone(tmp_path)
    for day in range(2):
        write(clone, f"{day}.json", a_night(day=day, run=str(day)))
    branch = ("--to", "branch:perfgate-data")

    added = perfgate(clone, "add", "0.json", "1.json", *branch, "--hardware", HARDWARE, **GIT_ENV)
    made = perfgate(clone, "compact", *branch, "--before", "2026-05-01", **GIT_ENV)
    again = perfgate(clone, "add", "1.json", *branch, "--hardware", HARDWARE, **GIT_ENV)
    asked = perfgate(
        *(clone, "query", "--from", "branch:perfgate-data"),
        "SELECT run_id FROM cells ORDER BY 1",
        **GIT_ENV,
    )

    assert "2 files added to branch:perfgate-data" in added.stdout
    assert made.stdout.startswith("2026-03: 2 files → ")
    assert "0 files added to branch:perfgate-data, 1 there already" in again.stdout
    assert json.loads(asked.stdout)["rows"] == [["0"], ["1"]]
    assert git(clone, "status", "--porcelain") == "?? 0.json\n?? 1.json"


def test_the_exit_code_says_that_something_was_left_out(tmp_path: Path) -> None:
    write(tmp_path, "bad.json", "{")
    write(tmp_path, "good.json", a_night())

    done = perfgate(tmp_path, "add", "bad.json", "good.json", "--to", "h", "--hardware", HARDWARE)

    assert done.returncode == 2
    assert "1 file added to h, 1 problem" in done.stdout
    assert "left out: bad.json: it is no JSON" in done.stderr


def test_a_store_that_takes_nothing_is_exit_code_6(tmp_path: Path) -> None:
    write(tmp_path, "good.json", a_night())
    (tmp_path / "h").mkdir()
    (tmp_path / "h" / "results").write_text("in the way")

    done = perfgate(tmp_path, "add", "good.json", "--to", "h", "--hardware", HARDWARE)

    assert done.returncode == 6
    assert "h cannot be written to: Not a directory" in done.stderr
    assert "Traceback" not in done.stderr


def test_in_a_workflow_runs_are_linked_to_its_repository(tmp_path: Path) -> None:
    write(tmp_path, "a.json", a_night(run="123"))

    perfgate(
        tmp_path,
        *("add", "a.json", "--to", "kept", "--hardware", HARDWARE),
        GITHUB_SERVER_URL="https://github.example",
        GITHUB_REPOSITORY="o/r",
    )

    assert read(tmp_path).runs[0].url == "https://github.example/o/r/actions/runs/123"


def test_a_question_that_cannot_be_answered_is_exit_code_2_with_the_views(tmp_path: Path) -> None:
    done = perfgate(tmp_path, "query", "--from", "h", "SELECT nothing FROM points")

    assert (done.returncode, done.stdout) == (2, "")
    assert "points, cells and failures" in done.stderr
    assert "Traceback" not in done.stderr


def test_help_lists_the_columns(tmp_path: Path) -> None:
    assert "points    case_id framework" in perfgate(tmp_path, "query", "--help").stdout
