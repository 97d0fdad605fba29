"""entrypoint.py as a process: what it takes of the image that it is in."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.documents import ROOT
from tests.repositories import Repository, environment

SUITE = """\
version: 1
gate: {strategy: paired, budget: 1m}
cases:
  - id: wan
    backend: command
    command: python3 bench.py
    timeout: {load: 20s, request: 20s}
"""
OF_THE_HOST = {"LD_LIBRARY_PATH": "/opt/hostedtoolcache/lib", "PYTHONHOME": "/opt/hostedtoolcache"}


@pytest.fixture
def entrypoint(tmp_path):
    """Start it as an image has it, in a folder of its own, with the host's variables."""
    place = tmp_path / "the image"
    place.mkdir()
    shutil.copy2(ROOT / "entrypoint.py", place)

    def entrypoint(workspace, *arguments, **environ):
        given = environment(GITHUB_WORKSPACE=str(workspace), **OF_THE_HOST, **environ)
        return subprocess.run(
            [sys.executable, "-I", str(place / "entrypoint.py"), *arguments],
            cwd=workspace,
            env=given,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    entrypoint.place = place
    return entrypoint


@pytest.fixture
def seen(tmp_path):
    """Where the benchmark writes down what it sees of the libraries' places, before it fails."""
    return tmp_path / "seen"


@pytest.fixture
def workspace(tmp_path, seen):
    project = Repository(tmp_path / "a project")
    project.file("perfgate.yml", SUITE)
    project.file(
        "bench.py",
        f"import os\nopen({str(seen)!r}, 'w').write(os.environ.get('LD_LIBRARY_PATH', 'none'))\n"
        "raise SystemExit('no figures')\n",
    )
    project.commit("base")
    project.commit("head")
    return project.path


@pytest.mark.parametrize("own", [None, "/usr/local/Ascend/lib64"])
def test_libraries__are_the_images_own(entrypoint, workspace, seen, own):
    if own:
        kept = json.dumps({"LD_LIBRARY_PATH": own})
        (entrypoint.place / "environment.json").write_text(kept)
    done = entrypoint(workspace, INPUT_BASE="HEAD~1", INPUT_DEVICE="cpu")
    assert done.returncode == 4, done.stderr
    assert Path(seen).read_text() == (own or "none")


def test_publish__measures_nothing(entrypoint, workspace, seen):
    done = entrypoint(workspace, "publish")
    assert "perfgate-out/decision.json cannot be read" in done.stdout + done.stderr
    assert not seen.exists()
    asked = entrypoint(workspace, "publish", INPUT_COMMAND="gate")
    assert asked.returncode == 2
    assert "only publishes" in asked.stdout
