"""The Docker action's door as a process outside of a container: what it hands on and keeps back."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from perfgate.cli.action import give_to_owner
from tests.repositories import SUITE, Repository, bench, environment
from tests.traces import a_trace, op, stage, steps

ROOT = Path(__file__).parents[2]
NOSY = """
import json, os
open("seen.json", "w").write(json.dumps(dict(os.environ)))
print("::error::forged by the benchmark")
"""


@pytest.fixture
def project(tmp_path):
    project = Repository(tmp_path / "work space ü")
    project.file("perfgate.yml", SUITE)
    project.commit("base", bench_py=bench())
    return project


@pytest.fixture
def event(tmp_path):
    """What started the job; nothing at first, and changed by a call."""
    started_by = {}

    def event(name, payload):
        (tmp_path / "event.json").write_text(json.dumps(payload))
        started_by.update(
            GITHUB_EVENT_NAME=name,
            GITHUB_EVENT_PATH=str(tmp_path / "event.json"),
            GITHUB_REPOSITORY="octo/bench",
            GITHUB_STEP_SUMMARY=str(tmp_path / "summary"),
        )

    event.environ = started_by
    return event


@pytest.fixture
def start(tmp_path, project, event):
    def start(**inputs):
        named = {
            f"INPUT_{name.upper().replace('_', '-')}": value
            for name, value in {"base": "HEAD", **inputs}.items()
        }
        return subprocess.Popen(
            [sys.executable, "-I", str(ROOT / "entrypoint.py")],
            cwd=tmp_path,
            env=environment(
                HOME=str(tmp_path),
                GITHUB_WORKSPACE=str(project.path),
                GITHUB_OUTPUT=str(tmp_path / "output"),
                GITHUB_TOKEN="s3cret-of-the-job",
                ACTIONS_RUNTIME_TOKEN="s3cret-of-the-runner",
                LD_LIBRARY_PATH="/opt/hostedtoolcache/lib",
                **event.environ,
                **named,
            ),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start


@pytest.fixture
def action(start):
    def action(**inputs):
        with start(**inputs) as process:
            stdout, stderr = process.communicate(timeout=120)
        assert "Traceback" not in stderr
        return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)

    return action


def test_gate_then_publish(action, project, tmp_path):
    done = action(comment="false")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (project.path / "perfgate-out" / "decision.json").exists()
    assert "decision-path<<" in (tmp_path / "output").read_text()


LEAVES_A_TRACE = """
if "PERFGATE_TRACE" in os.environ:
    import shutil
    shutil.copyfile("trace.json", os.environ["PERFGATE_TRACE"])
"""


def test_what_is_slower_is_explained_before_it_is_published(action, project):
    operators = [[op("mm", 90.0)], [op("mm", 90.0), op("clone", 20.0)]]
    for ms, calls in zip((100.0, 150.0), operators, strict=True):
        trace = a_trace([stage("DenoisingStage", *steps(4, *calls))]).decode()
        script = bench(DenoisingStage=ms) + LEAVES_A_TRACE
        project.commit("next", bench_py=script, trace_json=trace)
    done = action(base="HEAD~1", comment="false", explain="true")
    assert done.returncode == 1, done.stdout + done.stderr
    comment = (project.path / "perfgate-out" / "comment.md").read_text()
    assert "what the profiler saw" in comment
    assert "clone" in comment


def test_what_cannot_be_explained_is_a_warning_and_the_gate_has_the_last_word(action, project):
    project.commit("slower", bench_py=bench(DenoisingStage=150.0))
    done = action(base="HEAD~1", comment="false", explain="true")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "was not written to $PERFGATE_TRACE" in done.stdout
    assert "\n::warning" in done.stdout
    assert not (project.path / "perfgate-out" / "traces").exists()


def a_pull_request(*, source):
    ends = {"head": {"sha": "a" * 40, "repo": {"full_name": source}}, "base": {"sha": "b" * 40}}
    return {"pull_request": {"number": 7, **ends}}


def test_fork__measured_and_told_where_it_is_commented(action, project, event, tmp_path):
    event("pull_request", a_pull_request(source="someone/bench"))
    done = action(github_token="read-only", strict_publish="true")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (project.path / "perfgate-out" / "record.json").exists()
    assert "comes from a fork" in done.stdout.splitlines()[0]
    assert "::warning" not in done.stdout
    assert "The publish workflow comments the result" in (tmp_path / "summary").read_text()


@pytest.mark.parametrize(
    ("name", "payload", "command"),
    [
        ("pull_request_target", a_pull_request(source="someone/bench"), "auto"),
        ("pull_request_target", a_pull_request(source="octo/bench"), "gate"),
        ("workflow_run", {"workflow_run": {"id": 5, "head_sha": "a" * 40}}, "gate"),
        ("issue_comment", {"issue": {"number": 7}, "comment": {"id": 5}}, "gate"),
    ],
)
def test_a_token_that_may_write__nothing_is_measured(
    action, project, event, name, payload, command
):
    project.commit("leaves a trace", bench_py="open('trace', 'w').close()\n" + bench())
    event(name, payload)
    done = action(command=command)
    assert done.returncode == 2
    assert "nothing may be measured on this event" in done.stdout
    assert not (project.path / "trace").exists()


def test_comment_that_was_edited__nothing_happens(action, project, event):
    issue = {"number": 7, "pull_request": {"url": "x"}}
    event("issue_comment", {"action": "edited", "issue": issue, "comment": {"id": 5}})
    done = action()
    assert (done.returncode, done.stderr) == (0, "")
    assert not (project.path / "perfgate-out").exists()


def test_measured_code_sees_no_secret__and_commands_no_runner(action, project):
    project.commit("nosy", bench_py=NOSY + bench())
    done = action(github_token="s3cret-of-the-input", comment="false")
    seen = json.loads((project.path / "seen.json").read_text())
    assert not [name for name, value in seen.items() if "s3cret" in value]
    assert not seen.keys() & {"GITHUB_OUTPUT", "GITHUB_ENV", "LD_LIBRARY_PATH"}
    lines = done.stdout.splitlines()
    stop, go_on = (i for i, line in enumerate(lines) if line.startswith("::") and i < len(lines))
    word = lines[stop].removeprefix("::stop-commands::")
    assert len(word) == 32
    assert lines[go_on] == f"::{word}::"


def test_broken_suite__gate_code_wins_and_is_published(action, project, tmp_path):
    project.file("perfgate.yml", "version: 1\ncases: [")
    done = action(comment="false")
    assert done.returncode == 2
    assert "failed" in (tmp_path / "output").read_text()


def test_old_decision_is_never_published_again(action, project, tmp_path):
    out = project.path / "perfgate-out"
    out.mkdir()
    (out / "decision.json").write_text('{"an": "old one"}')
    action(suite="nowhere.yml", comment="false")
    assert "old one" not in (out / "decision.json").read_text()


def test_something_in_the_way(action, project):
    (project.path / "perfgate-out" / "decision.json").mkdir(parents=True)
    done = action(comment="false")
    assert done.returncode == 2
    assert "\n::error" in done.stdout
    assert "output-dir" in done.stdout


@pytest.mark.parametrize("where", ["nowhere", "link"])
def test_working_directory_must_be_in_the_workspace(action, project, where):
    (project.path / "link").symlink_to("/")
    done = action(working_directory=where)
    assert done.returncode == 2
    assert "working-directory" in done.stdout


def test_wrong_input(action):
    done = action(strategy="fast")
    assert done.returncode == 2
    assert done.stdout.startswith("::error title=perfgate::1 input is wrong:%0A  - strategy")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_cancelled_job__what_was_measured_is_published(start, project, tmp_path, number):
    hang = "import os, time\nopen('started', 'w').close()\ntime.sleep(60)\n"
    project.commit("hangs", bench_py=hang)
    with start(comment="false") as process:
        for _ in range(600):
            if (project.path / "started").exists():
                break
            time.sleep(0.05)
        process.send_signal(number)
        _, stderr = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "Traceback" not in stderr
    assert (project.path / "perfgate-out" / "decision.json").exists()
    assert "verdict<<" in (tmp_path / "output").read_text()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_give_to_owner__only_what_root_made_since(tmp_path):
    outside = tmp_path / "outside"
    outside.write_text("")
    root = tmp_path / "workspace"
    (root / "new" / "deep").mkdir(parents=True)
    (root / "new" / "deep" / "file").write_text("")
    (root / "link").symlink_to(outside)
    (root / "theirs").write_text("")
    os.chown(root, 1000, 1000)
    os.chown(root / "theirs", 2000, 2000)
    give_to_owner(root, since=0)
    owners = {path.name: path.lstat().st_uid for path in root.rglob("*")}
    assert owners == {"new": 1000, "deep": 1000, "file": 1000, "link": 1000, "theirs": 2000}
    assert outside.stat().st_uid == 0

    (root / "old").write_text("")
    give_to_owner(root, since=(root / "old").stat().st_ctime + 10)
    assert (root / "old").stat().st_uid == 0
