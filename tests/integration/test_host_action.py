"""host/action.yml step by step, with what its YAML gives to each step and no more."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from tests.composite import Composite, read_outputs
from tests.fakes.github_server import FakeGitHub
from tests.repositories import SUITE, Repository, bench, environment

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
TOKEN = "a-s3cret-token"
# What each process sees of the job, and of the processes above it.
NOSY = """
import json, os
seen = dict(os.environ)
open("seen.json", "w").write(json.dumps(seen))
above, pid = [], os.getppid()
while pid > 1:
    above.append(open(f"/proc/{pid}/environ", "rb").read().decode("utf-8", "replace"))
    pid = int(open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[1])
    if "PERFGATE_OWN_PYTHON" not in above[-1]:
        break
open("above.json", "w").write(json.dumps(above))
print("::error::forged by the benchmark")
"""


@pytest.fixture(scope="module")
def action(tmp_path_factory):
    """The action as the runner downloads it, away from the tree that somebody may be editing."""
    action = tmp_path_factory.mktemp("_actions")
    for name in ("pyproject.toml", "README.md", "constraints.txt"):
        shutil.copy2(ROOT / name, action / name)
    for name in ("host", "setup", "perfgate"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, action / name, ignore=ignored)
    return action


@pytest.fixture(scope="module")
def tool_cache(tmp_path_factory):
    """Where the environment is made by the first test and found by the others."""
    return tmp_path_factory.mktemp("tools")


@pytest.fixture
def project(tmp_path):
    project = Repository(tmp_path / "work space ü")
    project.file("perfgate.yml", SUITE)
    project.commit("base", bench_py=bench())
    return project


@pytest.fixture
def door(action, project, tool_cache, tmp_path):
    """The composite action in a job on this machine."""
    for name in ("steps", "temp"):
        (tmp_path / name).mkdir()

    def door(name="host", **variables):
        return Composite(
            folder=action / name,
            environ=environment(
                **{
                    "HOME": str(tmp_path),
                    "GITHUB_WORKSPACE": str(project.path),
                    "RUNNER_TOOL_CACHE": str(tool_cache),
                    "RUNNER_TEMP": str(tmp_path / "temp"),
                    **variables,
                }
            ),
            scratch=tmp_path / "steps",
            token=TOKEN,
        )

    return door


def a_pull_request(project, tmp_path, github):
    """What the runner says of a pull request's job."""
    payload = {
        "number": 7,
        "pull_request": {
            "number": 7,
            "head": {"sha": project.git("rev-parse", "HEAD"), "repo": {"full_name": "octo/bench"}},
            "base": {"sha": project.git("rev-parse", "HEAD"), "ref": "main"},
            "labels": [],
        },
        "repository": {"full_name": "octo/bench"},
    }
    (tmp_path / "event.json").write_text(json.dumps(payload))
    return {
        "GITHUB_ACTIONS": "true",
        "GITHUB_EVENT_NAME": "pull_request",
        "GITHUB_EVENT_PATH": str(tmp_path / "event.json"),
        "GITHUB_REPOSITORY": "octo/bench",
        "GITHUB_API_URL": github.url,
    }


def test_gate__measured_published_and_told_as_outputs(door, project, tmp_path):
    with FakeGitHub(token=TOKEN, folder=tmp_path / "origin.git") as github:
        run = door(**a_pull_request(project, tmp_path, github)).run(base="HEAD")
        comments = list(github.comments)
    assert run.exit_code == 0, run.printed
    assert list(run.steps) == ["environment", "measure", "publish"]
    assert run.outputs["verdict"] == "passed"
    assert run.outputs["regressions"] == "[]"
    assert run.outputs["decision-path"] == "perfgate-out/decision.json"
    assert len(comments) == 1
    assert run.outputs["comment-url"]
    assert (tmp_path / "steps" / "publish.summary").read_text().startswith("## ")
    assert TOKEN not in run.printed
    assert project.git("status", "--porcelain") == ""  # the results' folder ignores itself


def test_history__what_main_measured_goes_to_the_branch_and_no_pull_requests(
    door, project, tmp_path
):
    origin = tmp_path / "remote.git"
    project.git("clone", "--quiet", "--bare", ".", str(origin))
    project.git("remote", "add", "origin", str(origin))
    with FakeGitHub(token=TOKEN, folder=tmp_path / "origin.git") as github:
        asked = a_pull_request(project, tmp_path, github)
        door(**asked).run(base="HEAD", history="branch:perfgate-data")
        assert "perfgate-data" not in project.git("ls-remote", "--heads", "origin")
        told = {"repository": {"full_name": "octo/bench", "default_branch": "main"}}
        (tmp_path / "event.json").write_text(json.dumps(told))
        pushed = {**asked, "GITHUB_EVENT_NAME": "push", "GITHUB_REF": "refs/heads/main"}
        run = door(**pushed).run(base="HEAD", history="branch:perfgate-data")
    assert run.exit_code == 0, run.printed
    project.git("fetch", "--quiet", "origin", "perfgate-data")
    (name,) = project.git("ls-tree", "-r", "--name-only", "FETCH_HEAD").splitlines()
    kept = json.loads(project.git("show", f"FETCH_HEAD:{name}"))
    assert kept["commit"] == project.git("rev-parse", "HEAD")


def test_setup__steps_of_the_job_have_the_command_and_its_history(door, project):
    run = door("setup").run()
    assert run.exit_code == 0, run.printed
    python = run.outputs["python"]
    told = [python, "-I", "-m", "perfgate", "history", "query", "--from", "results", "SELECT 1"]
    done = subprocess.run(told, cwd=project.path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "1" in done.stdout


def test_slower__the_step_that_measured_fails_and_the_result_is_published(door, project):
    project.commit("slower", bench_py=bench(DenoisingStage=200.0))
    run = door().run(base="HEAD~1", comment="false")
    assert run.steps["measure"].exit_code == 1, run.printed
    assert run.steps["publish"].exit_code == 0, run.printed
    assert run.outputs["verdict"] == "regressed"
    assert json.loads(run.outputs["regressions"])[0]["case"] == "bench"


def test_measured_code_sees_no_token__nor_do_the_processes_above_it(door, project, tmp_path):
    project.commit("nosy", bench_py=NOSY + bench())
    theirs = {"PYTHONPATH": "", "VIRTUAL_ENV": "/opt/theirs", "LD_LIBRARY_PATH": "/opt/theirs/lib"}
    run = door(**theirs).run(base="HEAD", comment="false")
    assert run.exit_code == 0, run.printed
    seen = json.loads((project.path / "seen.json").read_text())
    above = json.loads((project.path / "above.json").read_text())
    assert any("INPUT_SUITE" in environ for environ in above)  # it saw the step's own process
    assert not [environ for environ in (*above, str(seen)) if "s3cret" in environ]
    assert not [name for name in seen if name.startswith(("INPUT_", "ACTIONS_"))]
    assert not seen.keys() & {"GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_STEP_SUMMARY"}
    # What the job says about its own Python and libraries holds for what is measured.
    assert seen["VIRTUAL_ENV"] == theirs["VIRTUAL_ENV"]
    assert seen["LD_LIBRARY_PATH"] == theirs["LD_LIBRARY_PATH"]
    assert not seen["PATH"].startswith(str(Path(sys.executable).parent.parent / "tools"))


def test_modules_of_the_job_are_not_perfgates(door, project, tmp_path):
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "click.py").write_text("raise SystemExit('a module of theirs')")
    (project.path / "click.py").write_text("raise SystemExit('a module of theirs')")
    run = door(PYTHONPATH=str(theirs)).run(base="HEAD", comment="false")
    assert run.exit_code == 0, run.printed
    assert run.outputs["verdict"] == "passed"


def test_wrong_input__told_once_and_nothing_is_measured(door, project):
    run = door().run(strategy="fast")
    assert run.exit_code == 2
    assert list(run.steps) == ["environment", "measure"]
    assert run.printed.count("1 input is wrong") == 1
    assert set(run.outputs.values()) == {""}
    assert not (project.path / "perfgate-out").exists()


def test_no_python__told_with_what_to_do(door, tmp_path):
    (tmp_path / "bin").mkdir()
    for tool in ("bash", "sh"):
        (tmp_path / "bin" / tool).symlink_to(shutil.which(tool))
    old = tmp_path / "bin" / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    run = door(PATH=str(tmp_path / "bin")).run()
    assert list(run.steps) == ["environment"]
    assert run.exit_code == 2
    assert run.printed.startswith("::error title=perfgate::no Python 3.11 or newer")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_cancelled_job__what_was_measured_is_published(door, project, tmp_path, number):
    hang = "import os, time\nopen('started', 'w').close()\ntime.sleep(60)\n"
    project.commit("hangs", bench_py=hang)
    action = yaml.safe_load((ROOT / "host" / "action.yml").read_text(encoding="utf-8"))
    steps = {step["id"]: step for step in action["runs"]["steps"]}
    values = {f"inputs.{name}": about["default"] for name, about in action["inputs"].items()}
    values |= {"inputs.base": "HEAD", "inputs.comment": "false", "inputs.github-token": TOKEN}
    door = door()

    def start(name):
        process = door.start(steps[name], values)
        return process, tmp_path / "steps" / f"{name}.output"

    process, told = start("environment")
    with process:
        process.communicate(timeout=300)
    values["steps.environment.outputs.python"] = read_outputs(told)["python"]

    process, told = start("measure")
    with process:
        for _ in range(600):
            if (project.path / "started").exists():
                break
            time.sleep(0.05)
        process.send_signal(number)  # as the runner does: to the step's own process alone
        printed, _ = process.communicate(timeout=60)
    assert process.returncode != 0, printed
    assert "Traceback" not in printed
    values["steps.measure.outputs.gate-code"] = read_outputs(told)["gate-code"]

    process, told = start("publish")
    with process:
        printed, _ = process.communicate(timeout=60)
    assert process.returncode == 0, printed
    assert read_outputs(told)["verdict"] == "inconclusive"
    left = subprocess.run(["pgrep", "-f", str(project.path)], capture_output=True, check=False)
    assert left.stdout == b""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_root_in_the_users_workspace__nothing_of_root_stays(door, project):
    """As in a job's container: it is root there, and the workspace belongs to the runner's user."""
    for path in (project.path, *project.path.rglob("*")):
        os.lchown(path, 1000, 1000)
    variables = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory"}
    run = door(**variables, GIT_CONFIG_VALUE_0="*").run(base="HEAD", comment="false")
    assert run.exit_code == 0, run.printed
    assert not [p for p in project.path.rglob("*") if p.lstat().st_uid == 0]
