"""`perfgate doctor` for real: git, torch in a child process, GitHub on loopback, exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest

from perfgate.app.examining.doctor import Examination, diagnose
from perfgate.app.examining.project import look_at_project
from perfgate.app.measuring.devices import Choice
from perfgate.errors import DeviceError, ExitCode
from perfgate.process import Finished
from perfgate.profile.fitness import Process
from tests.fakes.github_server import FakeGitHub
from tests.fakes.nvml import FakeGpu, FakeNvml
from tests.repositories import SUITE, Repository, environment, perfgate

BUILTIN_SUITE = "version: 1\ncases: [{id: a, backend: builtin, preset: wan-tiny}]\n"
NO_DEVICES = {"CUDA_VISIBLE_DEVICES": "", "ASCEND_RT_VISIBLE_DEVICES": ""}


@pytest.fixture
def project(tmp_path):
    repository = Repository(tmp_path / "project")
    repository.commit("start", perfgate_yml=SUITE)
    repository.commit("change")
    return repository


def states(document):
    return {check["name"]: check["state"] for check in document["checks"]}


def test_json__is_one_document_and_nothing_else(project):
    done = perfgate(project.path, "doctor", "--json", "--device", "cpu")
    document = json.loads(done.stdout)
    assert (document["schema"], document["version"]) == ("perfgate.doctor", 1)
    assert document["device"] == "cpu"
    assert document["hardware_key"].startswith("cpu-")
    assert states(document)["git"] == states(document)["suite"] == "ok"
    assert all(check["fix"] for check in document["checks"] if check["state"] in ("warning", "bad"))
    assert done.returncode == (ExitCode.OK if document["fit"] else ExitCode.DEVICE)
    assert done.stderr == ""


def test_terminal__says_the_same(project):
    done = perfgate(project.path, "doctor", "--device", "cpu")
    assert done.returncode == ExitCode.OK, done.stdout
    assert "perfgate.yml: 1 case (1 command)" in done.stdout
    assert done.stdout.rstrip().splitlines()[-1].startswith("Fit to measure on cpu-")


def test_device__asked_for_and_absent_exits_with_3(project):
    done = perfgate(project.path, "doctor", "--device", "cuda", **NO_DEVICES)
    assert done.returncode == ExitCode.DEVICE
    assert "no cuda device is visible here" in done.stdout
    assert "Not fit to measure on cuda" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_device__that_is_none_is_usage(project):
    done = perfgate(project.path, "doctor", "--device", "tpu")
    assert done.returncode == ExitCode.CONFIGURATION
    assert "is no device" in done.stderr


def test_outside_of_a_repository__the_machine_is_looked_at_all_the_same(tmp_path):
    folder = tmp_path / "nothing"
    folder.mkdir()
    done = perfgate(folder, "doctor", "--json", "--device", "cpu", GIT_CEILING_DIRECTORIES="/")
    found = states(json.loads(done.stdout))
    assert (found["git"], found["suite"]) == ("warning", "not applicable")
    assert done.returncode == ExitCode.OK


def a_torch(tmp_path, body):
    """A folder with a package torch that does this when it is imported."""
    package = tmp_path / "site/torch"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(body)
    return str(package.parent)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (
            "raise RuntimeError('Failed to load the backend extension: torch_npu.')",
            "CANN libraries cannot be loaded",
        ),
        ("raise ModuleNotFoundError(\"No module named 'torch'\", name='torch')", "not installed"),
        ("import os; os.abort()", "was killed by SIGABRT"),
    ],
    ids=["torch_npu without CANN", "no torch", "a crash"],
)
def test_torch__that_cannot_be_imported_is_a_row_and_exit_3(tmp_path, project, body, told):
    project.commit("builtin", perfgate_yml=BUILTIN_SUITE)
    path = a_torch(tmp_path, body)
    done = perfgate(project.path, "doctor", "--json", "--device", "cpu", PYTHONPATH=path)
    (row,) = [one for one in json.loads(done.stdout)["checks"] if one["name"] == "torch"]
    assert row["state"] == "bad"
    assert told in row["seen"]
    assert row["fix"]
    assert done.returncode == ExitCode.DEVICE


def test_torch__of_the_project_is_not_imported(project):
    """A pull request's own torch.py must not run in perfgate's environment."""
    project.file("torch.py", "raise SystemExit('the project ran')")
    done = perfgate(project.path, "doctor", "--json", "--device", "cpu")
    assert "the project ran" not in done.stdout


def project_rows(path, suite="perfgate.yml"):
    rows, _ = look_at_project(path, suite, environ=environment())
    return {row.name: row for row in rows}


def test_git__a_parent_that_is_here(project):
    assert project_rows(project.path)["git"].seen.endswith("and its parent are here")


def test_git__a_shallow_clone_fetches_what_it_lacks(tmp_path, project):
    clone = project.clone(tmp_path / "shallow", "--depth=1")
    row = project_rows(clone.path)["git"]
    assert row.state == "ok"
    assert "and is fetched from origin" in row.seen
    clone.git("remote", "remove", "origin")
    row = project_rows(clone.path)["git"]
    assert (row.state, "fetch-depth" in row.fix) == ("bad", True)


def test_git__one_commit_alone(tmp_path):
    repository = Repository(tmp_path / "young")
    assert project_rows(repository.path)["git"].seen == "no commit yet"
    repository.commit("first")
    assert project_rows(repository.path)["git"].state == "bad"
    repository.git("remote", "add", "origin", "https://example.org/x.git")
    assert project_rows(repository.path)["git"].state == "ok"


def test_suite__absent_or_damaged(project):
    assert project_rows(project.path, "other.yml")["suite"].state == "warning"
    project.write(perfgate_yml="version: 1\ncases: []\n")
    row = project_rows(project.path)["suite"]
    assert (row.state, "perfgate.yml has 1 problem" in row.seen) == ("bad", True)


@pytest.fixture
def on_a_runner(tmp_path):
    """The environment of a push that a fake GitHub started."""
    with FakeGitHub() as github:
        (tmp_path / "event.json").write_text("{}")
        yield (
            github,
            {
                "GITHUB_EVENT_NAME": "push",
                "GITHUB_EVENT_PATH": str(tmp_path / "event.json"),
                "GITHUB_REPOSITORY": github.repository,
                "GITHUB_API_URL": github.url,
            },
        )


def token_row(project, environ):
    # No torch to wait for: nothing here is about it.
    path = a_torch(project.path.parent, "raise ImportError")
    done = perfgate(project.path, "doctor", "--json", "--device", "cpu", PYTHONPATH=path, **environ)
    (row,) = [one for one in json.loads(done.stdout)["checks"] if one["name"] == "token"]
    assert "a-token" not in done.stdout + done.stderr
    return row


def test_token__is_asked_about(project, on_a_runner):
    github, environ = on_a_runner
    row = token_row(project, {**environ, "GITHUB_TOKEN": "a-token"})
    assert row["state"] == "ok"
    assert row["seen"].startswith("reads octo/bench (rights: pull, push)")
    assert [one.path for one in github.exchanges] == ["/repos/octo/bench"]


def test_token__a_classic_one_without_the_scope(project, on_a_runner):
    github, environ = on_a_runner
    github.token_headers["X-OAuth-Scopes"] = "gist"
    row = token_row(project, {**environ, "INPUT_GITHUB-TOKEN": "a-token"})
    assert (row["state"], row["seen"]) == ("warning", "a personal token with the scopes gist")


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ({"status": 401, "message": "Bad credentials"}, "GitHub answered 401"),
        ({"how": "drop"}, "could not be reached"),
        ({"how": "truncate"}, "could not be read"),
        ({"body": ["a list"]}, "could not be read"),
    ],
    ids=["refused", "dropped", "cut off", "of another shape"],
)
def test_token__what_goes_wrong_with_github_is_a_warning(project, on_a_runner, fault, told):
    github, environ = on_a_runner
    github.fail("GET", "/repos", **fault)
    row = token_row(project, {**environ, "GITHUB_TOKEN": "a-token"})
    assert row["state"] == "warning"
    assert told in row["seen"]
    assert row["fix"]


def test_token__an_event_that_is_damaged_is_a_warning(project, on_a_runner):
    _, environ = on_a_runner
    row = token_row(project, {**environ, "GITHUB_EVENT_PATH": "/nowhere"})
    assert (row["state"], "GITHUB_EVENT_PATH" in row["seen"]) == ("warning", True)


def no_npu_smi():
    raise DeviceError("there is no npu-smi here", fix="Mount it.")


@pytest.fixture
def examination(tmp_path, project):
    """A machine of files below ``root`` with one GPU that NVML tells of; no time passes."""
    answer = {"torch": "2.13.0+cu128", "device": "cuda:0", "name": "H100", "count": 1}
    told = Finished(
        exit_code=0,
        timed_out=False,
        duration_s=1.0,
        log_tail=f"perfgate-doctor-torch:{json.dumps(answer)}",
    )
    return Examination(
        start=project.path,
        suite="perfgate.yml",
        device=Choice(),
        environ=environment(),
        folders=(tmp_path,),
        root=tmp_path / "root",
        nvml=FakeNvml(FakeGpu(processes=[os.getpid(), 4711])),
        ask_npu=no_npu_smi,
        run=lambda *arguments, **options: told,
        sleep=lambda seconds: None,
        whose=lambda pid: Process(pid=pid, relation="own" if pid == os.getpid() else "foreign"),
    )


def found(examination):
    diagnosis, code = diagnose(examination)
    return diagnosis, code, {check.name: check for check in diagnosis.checks}


def test_diagnosis__of_a_gpu_machine(examination):
    diagnosis, code, rows = found(examination)
    assert (diagnosis.device, diagnosis.hardware_key) == ("cuda", "nvidia-h100-80gb-hbm3-x1")
    assert rows["device"].seen == "cuda: 1 x NVIDIA H100 80GB HBM3"
    assert rows["device processes"].seen == "pid 4711"
    assert code == ExitCode.OK


def test_diagnosis__of_the_cpu_of_a_gpu_machine(examination):
    diagnosis, code, rows = found(replace(examination, device=Choice(kind="cpu")))
    assert diagnosis.device == "cpu"
    assert "driver" not in rows
    assert code == ExitCode.OK


def test_diagnosis__of_an_index_that_is_not_there(examination):
    wrong = replace(examination, device=Choice(kind="cuda", index=3))
    diagnosis, code, rows = found(wrong)
    assert (rows["device"].state, code) == ("bad", ExitCode.DEVICE)
    assert "cuda:0" in rows["device"].seen
    assert rows["driver"].state == "ok"
    assert diagnosis.hardware_key == ""


def test_diagnosis__of_a_gpu_that_a_variable_hides(examination):
    environ = {**examination.environ, "CUDA_VISIBLE_DEVICES": ""}
    diagnosis, code, rows = found(replace(examination, environ=environ))
    assert (diagnosis.device, code) == ("cpu", ExitCode.OK)
    assert "CUDA_VISIBLE_DEVICES shows no accelerator" in rows["device"].seen
    asked = replace(examination, environ=environ, device=Choice(kind="cuda"))
    _, code, rows = found(asked)
    assert (code, rows["device"].state) == (ExitCode.DEVICE, "bad")
    assert rows["device"].fix.startswith("Unset CUDA_VISIBLE_DEVICES")


def test_diagnosis__of_a_container_without_the_hosts_gpu(examination):
    version = examination.root / "proc/driver/nvidia/version"
    version.parent.mkdir(parents=True)
    version.touch()
    diagnosis, code, rows = found(replace(examination, nvml=FakeNvml(driver=None)))
    assert (diagnosis.device, diagnosis.fit, code) == ("cpu", False, ExitCode.DEVICE)
    assert "no /dev/nvidia0 in here" in rows["device"].seen


def test_its_own_process_loads_neither_torch_nor_pygithub(project):
    script = (
        "import sys; from perfgate.cli.group import run;"
        "code = run(['doctor', '--json', '--device', 'cpu']);"
        "assert not {'torch', 'github'} & set(sys.modules); sys.exit(code)"
    )
    subprocess.run(
        (sys.executable, "-c", script),
        cwd=project.path,
        env=environment(),
        stdout=subprocess.DEVNULL,
        check=True,
    )
