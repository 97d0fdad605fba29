"""The composite door's own environment: made once, whole or not at all, and away from the user's.

What is installed is a package of one file, so that this takes seconds; test_host_action.py
installs perfgate itself.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from textwrap import dedent

import pytest

from tests.composite import read_outputs
from tests.repositories import environment

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]

PYPROJECT = dedent(
    """\
    [build-system]
    requires = []
    build-backend = "backend"
    backend-path = ["."]
    [project]
    name = "perfgate"
    version = "1"
    """
)

# The smallest build there is: nothing is fetched for it.
BACKEND = dedent(
    """\
    import pathlib, zipfile

    INFO = "perfgate-1.dist-info"
    FILES = {
        "METADATA": "Metadata-Version: 2.1\\nName: perfgate\\nVersion: 1\\n"
        "Provides-Extra: video\\nProvides-Extra: charts\\nProvides-Extra: history\\n",
        "WHEEL": "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
        "RECORD": "",
    }

    def build_wheel(folder, config_settings=None, metadata_directory=None):
        name = "perfgate-1-py3-none-any.whl"
        with zipfile.ZipFile(pathlib.Path(folder, name), "w") as wheel:
            for file, text in FILES.items():
                wheel.writestr(f"{INFO}/{file}", text)
            for path in pathlib.Path("perfgate").glob("*.py"):
                wheel.write(path, str(path))
        return name
    """
)


@pytest.fixture
def action(tmp_path):
    """An action's folder with this environment.py and a tiny perfgate."""
    action = tmp_path / "_actions" / "perfgate ü"
    (action / "host").mkdir(parents=True)
    (action / "perfgate").mkdir()
    shutil.copy2(ROOT / "host" / "environment.py", action / "host")
    for name, text in {
        "pyproject.toml": PYPROJECT,
        "backend.py": BACKEND,
        "README.md": "",
        "constraints.txt": "",
        "perfgate/__init__.py": "",
        "perfgate/__main__.py": "print('perfgate 1')",
    }.items():
        (action / name).write_text(text)
    return action


@pytest.fixture
def workspace(tmp_path):
    (tmp_path / "workspace").mkdir()
    return tmp_path / "workspace"


@pytest.fixture
def start(action, workspace, tmp_path):
    def start(**variables):
        said = {
            "GITHUB_WORKSPACE": str(workspace),
            "GITHUB_OUTPUT": str(tmp_path / "output"),
            "RUNNER_TOOL_CACHE": str(tmp_path / "tools"),
            "RUNNER_TEMP": str(tmp_path / "temp"),
            **variables,
        }
        return subprocess.Popen(
            [sys.executable, "-I", "-B", str(action / "host" / "environment.py")],
            cwd=workspace,
            env=environment(**said),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start


@pytest.fixture
def make(start):
    def make(**variables):
        with start(**variables) as process:
            stdout, stderr = process.communicate(timeout=300)
        assert "Traceback" not in stderr
        return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)

    return make


@pytest.fixture
def python(tmp_path):
    """The Python that was told last."""

    def python():
        return Path(read_outputs(tmp_path / "output")["python"])

    return python


def folders(tmp_path):
    return sorted((tmp_path / "tools" / "perfgate-environments").iterdir())


def test_made_once_and_found_again(make, python, tmp_path):
    first = make()
    assert first.returncode == 0, first.stderr
    assert "was made" in first.stdout
    made = python()
    assert [made.parent.parent] == folders(tmp_path)
    second = make()
    assert "is reused" in second.stdout
    assert python() == made
    # What names the folder in which it was made is not there to be run.
    assert not [p.name for p in made.parent.iterdir() if not p.name.startswith("python")]


def test_another_content_is_another_environment(make, python, action):
    make()
    before = python()
    (action / "perfgate" / "more.py").write_text("")
    make()
    assert python() != before
    assert before.exists()  # a job of the other version may be using it


def test_two_jobs_at_once__one_environment_and_nothing_half_made(start, python, tmp_path):
    jobs = [start(GITHUB_OUTPUT=str(tmp_path / name)) for name in ("output", "other")]
    for job in jobs:
        with job:
            _, stderr = job.communicate(timeout=300)
        assert job.returncode == 0, stderr
    assert read_outputs(tmp_path / "other")["python"] == str(python())
    assert [python().parent.parent] == folders(tmp_path)


def test_its_python_is_gone__made_anew(make, python):
    make()
    python().unlink()
    python().symlink_to("/nowhere/python3.11")
    assert "was made" in make().stdout
    assert "is reused" in make().stdout


def test_cancelled__nothing_half_made_stays(start, tmp_path):
    with start() as process:
        for _ in range(2000):
            if (tmp_path / "tools" / "perfgate-environments").exists() and folders(tmp_path):
                break
            time.sleep(0.005)
        process.send_signal(signal.SIGTERM)
        _, stderr = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM, stderr
    assert "Traceback" not in stderr
    assert folders(tmp_path) == []


def test_unused_for_a_month__removed(make, python, tmp_path):
    home = tmp_path / "tools" / "perfgate-environments"
    for name, days in {"old": 31, "recent": 29}.items():
        (home / name / "bin").mkdir(parents=True)
        then = time.time() - days * 86_400
        os.utime(home / name, (then, then))
    make()
    assert {path.name for path in folders(tmp_path)} == {"recent", python().parent.parent.name}


def test_users_python_is_neither_used_nor_changed(make, python, workspace, tmp_path):
    """Whatever the job says of Python and of where pip puts things is meant for others."""
    theirs = tmp_path / "theirs"
    (theirs / "perfgate").mkdir(parents=True)
    (theirs / "perfgate" / "__init__.py").write_text("raise SystemExit('a module of theirs')")
    (theirs / "sitecustomize.py").write_text("raise SystemExit('a module of theirs')")
    done = make(
        PYTHONPATH=str(theirs),
        PYTHONHOME=str(theirs),
        VIRTUAL_ENV=str(theirs),
        PIP_TARGET=str(theirs / "target"),
        PIP_PREFIX=str(theirs / "prefix"),
        PIP_USER="yes",
        PIP_REQUIRE_VIRTUALENV="yes",
        PIP_CONSTRAINT=str(theirs / "constraints.txt"),
    )
    assert done.returncode == 0, done.stderr
    asked = subprocess.run(
        [python(), "-I", "-c", "import perfgate; print(perfgate.__file__)"],
        env=environment(PYTHONPATH=str(theirs)),
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(asked.stdout.strip()).is_relative_to(python().parent.parent)
    assert sorted(path.name for path in theirs.iterdir()) == ["perfgate", "sitecustomize.py"]
    assert list(workspace.iterdir()) == []


def test_tool_cache_in_the_workspace__the_temporary_folder_is_taken(
    make, python, workspace, tmp_path
):
    done = make(RUNNER_TOOL_CACHE=str(workspace / "tools"))
    assert done.returncode == 0, done.stderr
    assert python().is_relative_to(tmp_path / "temp")
    assert list(workspace.iterdir()) == []


def test_no_folder_to_write__told_with_what_to_do(make, tmp_path):
    (tmp_path / "file").write_text("")
    done = make(RUNNER_TOOL_CACHE=str(tmp_path / "file"), RUNNER_TEMP="")
    assert done.returncode == 2
    assert done.stdout.startswith("::error title=perfgate::there is no folder")
    assert "%0A  → " in done.stdout
    assert not (tmp_path / "output").exists()


def test_pip_fails__told_and_nothing_stays(make, action, tmp_path):
    (action / "backend.py").write_text("raise SystemExit('no such backend')")
    done = make()
    assert done.returncode == 2
    assert "`pip` ended with" in done.stdout
    assert folders(tmp_path) == []
