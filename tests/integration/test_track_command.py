"""``perfgate history track`` as a process: what a job's log says, and its exit code."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from perfgate.history.append import append
from perfgate.history.folder import Folder
from perfgate.records.results import Cell, JobRun, Measured, Results
from tests.fakes.github_server import FakeGitHub
from tests.histories import nights
from tests.repositories import perfgate

TOKEN = "a-s3cret"


@pytest.fixture
def github(tmp_path):
    with FakeGitHub(folder=tmp_path / "origin.git", token=TOKEN) as server:
        yield server


@pytest.fixture
def store(tmp_path):
    """A folder with the results of forty nights, the last ten of them slower."""
    folder, found = tmp_path / "results-over-time", []
    last = datetime.now(UTC).replace(microsecond=0)
    values = nights((30, 1000.0), (10, 1100.0), noise=0.002)
    for night, value in enumerate(values):
        at = last - timedelta(days=len(values) - 1 - night)
        metrics = (Measured(name="e2e", samples=(value,)),)
        cell = Cell(case="wan", framework="sglang", workload_hash="0" * 16, metrics=metrics)
        found.append(
            Results(
                perfgate="0",
                measured_at=at,
                commit=f"{night:040x}",
                hardware_key="cpu-test-x2",
                run=JobRun(id=str(night)),
                cells=(cell,),
            )
        )
    append(Folder(root=folder, told=str(folder)), found)
    return folder


@pytest.fixture
def track(github, store, tmp_path):
    def track(*arguments, event="schedule", token=TOKEN, **more):
        (tmp_path / "event.json").write_text(
            json.dumps({"repository": {"full_name": github.repository, "default_branch": "main"}})
        )
        environ = {
            "GITHUB_EVENT_NAME": event,
            "GITHUB_EVENT_PATH": str(tmp_path / "event.json"),
            "GITHUB_REPOSITORY": github.repository,
            "GITHUB_REF": "refs/heads/main" if event == "schedule" else "refs/heads/topic",
            "GITHUB_API_URL": github.url,
            "GITHUB_TOKEN": token,
            **more,
        }
        return perfgate(tmp_path, "history", "track", f"--from={store}", *arguments, **environ)

    return track


def test_schedule__an_issue_and_a_line_of_what_was_done(track, github):
    done = track()
    assert done.returncode == 0, done.stderr
    (issue,) = github.issues.open
    assert done.stdout.startswith("open: wan end-to-end +10")
    assert done.stdout.rstrip().endswith(f"/issues/{issue.number}")
    assert TOKEN not in done.stdout + done.stderr
    assert track().stdout.startswith("update: wan end-to-end +10")
    assert len(github.issues.all) == 1


def test_margin__a_larger_one_leaves_it_out(track, github):
    done = track("--margin=12%")
    assert done.stdout == "Nothing to do: no slowdown stands, and no issue is open.\n"
    assert github.issues.all == []


@pytest.mark.parametrize("token", [TOKEN, ""], ids=["with a token", "without one"])
def test_dry_run__told_and_nothing_written(track, github, token):
    done = track("--dry-run", token=token, event="push")
    assert "\nopen: wan end-to-end +10" in f"\n{done.stdout}"
    assert github.issues.all == []
    assert ("Without a token no issue is known" in done.stdout) is not bool(token)


def test_another_branch__nothing_is_tracked(track, github):
    done = track(event="push")
    assert done.returncode == 0
    assert "this run of push is not about the default branch" in done.stdout
    assert github.exchanges == []


@pytest.mark.parametrize(("strict", "code"), [([], 0), (["--strict-publish"], 6)])
def test_refused__a_warning_with_what_to_do(track, github, strict, code):
    github.read_only = True
    done = track(*strict)
    assert done.returncode == code
    assert "::warning title=perfgate::The regressions could not be tracked." in done.stdout
    assert "issues: write" in done.stdout
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("strict", "code"), [([], 0), (["--strict-publish"], 6)])
def test_no_token__told(track, strict, code):
    done = track(*strict, token="")
    assert done.returncode == code
    assert "there is no token" in done.stdout


def test_files_that_cannot_be_read__told_and_the_rest_goes_on(track, github, store):
    (store / "results/2026/01").mkdir(parents=True, exist_ok=True)
    (store / "results/2026/01/2026-01-01T000000Z_1_1_0123456789ab.json").write_text('{"half')
    done = track()
    assert "Not read: " in done.stdout
    assert len(github.issues.open) == 1


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--repository=nonsense"], "'nonsense' names no repository"),
        (["--pictures"], "pictures have to lie on a branch"),
        (["--margin=abc"], "'abc' is no percentage such as 3%."),
    ],
)
def test_usage(track, arguments, told):
    done = track(*arguments)
    assert done.returncode == 2
    assert told in done.stderr


def test_on_a_laptop__says_which_repository_it_needs(track):
    done = track(GITHUB_EVENT_NAME="", GITHUB_REPOSITORY="", GITHUB_EVENT_PATH="")
    assert done.returncode == 2
    assert "--repository OWNER/NAME" in done.stderr
