"""``python3 -m release`` in a small perfgate: the commit, and what an engine is asked to do."""

import json
import os
import subprocess
import sys
from textwrap import dedent

import pytest

from release.doors import DOORS, door_named
from release.errors import ReleaseError
from release.images import build, push
from tests.documents import ROOT
from tests.repositories import Repository

ACTIONS = {
    "action.yml": "Dockerfile",
    "cuda/action.yml": "../cuda.Dockerfile",
    "npu/action.yml": "../npu.Dockerfile",
    "publish/action.yml": "../publish.Dockerfile",
    "more of them/cpu/action.yml": "../../Dockerfile",
}
COMPOSITE = "runs:\n  using: composite\n  steps: []\n"


def release(folder, *arguments):
    """Run the command as a workflow does, with a Python that has nothing but itself."""
    return subprocess.run(
        [sys.executable, "-S", "-m", "release", *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def project(tmp_path):
    """A repository with the doors, on its main branch, in a folder with a space in its name."""
    project = Repository(tmp_path / "perf gate")
    for path, image in ACTIONS.items():
        project.file(path, f"runs:\n  using: docker\n  image: {image}\n")
    project.file("host/action.yml", COMPOSITE)
    project.file("perfgate/__init__.py", '__version__ = "1.4.0"\n')
    project.file("CHANGELOG.md", "# Changelog\n\n## 1.4.0\n\n- New.\n")
    project.commit("main")
    return project


@pytest.fixture
def digests(tmp_path):
    folder = tmp_path / "the digests"
    folder.mkdir()
    for index, door in enumerate(DOORS):
        (folder / door.name).write_text(f"sha256:{index:064x}\n")
    return folder


def images(project, digests, command, *arguments):
    return release(
        project.path, command, "--repository=octo/perfgate", f"--digests={digests}", *arguments
    )


def pinned_commit(project, digests):
    assert images(project, digests, "pin").returncode == 0
    project.commit("release")


def test_commit__pins_every_docker_action_and_nothing_else(project, digests):
    pinned_commit(project, digests)
    done = images(project, digests, "check", "HEAD~1")
    assert (done.returncode, done.stdout.splitlines()) == (0, sorted(ACTIONS))
    assert "docker://ghcr.io/octo/perfgate@sha256:" in project.git("show", "HEAD:action.yml")
    assert project.git("show", "HEAD:host/action.yml") == COMPOSITE.strip()


def test_check__another_file(project, digests):
    pinned_commit(project, digests)
    project.file("perfgate/more.py", "x = 1\n")
    project.git("add", "--all")
    project.git("commit", "--quiet", "--amend", "--no-edit")
    done = images(project, digests, "check", "HEAD~1")
    assert done.returncode == 1
    assert done.stderr.startswith("::error title=release::")
    assert "perfgate/more.py changed (A)" in done.stderr


def test_check__another_line_of_a_door(project, digests):
    pinned_commit(project, digests)
    text = (project.path / "action.yml").read_text()
    project.file("action.yml", text + "  args: [x]\n")
    project.git("commit", "--quiet", "--amend", "--all", "--no-edit")
    assert "action.yml is not main's" in images(project, digests, "check", "HEAD~1").stderr


def test_check__a_door_that_was_left_out(project, digests):
    was = (project.path / "cuda/action.yml").read_text()
    assert images(project, digests, "pin").returncode == 0
    project.file("cuda/action.yml", was)
    project.commit("release")
    assert "cuda/action.yml is not main's" in images(project, digests, "check", "HEAD~1").stderr


def test_check__a_file_made_executable(project, digests):
    assert images(project, digests, "pin").returncode == 0
    (project.path / "action.yml").chmod(0o755)
    project.commit("release")
    done = images(project, digests, "check", "HEAD~1")
    assert "action.yml changed in more than its text" in done.stderr


def test_check__on_another_commit_than_main(project, digests):
    project.file("perfgate/more.py", "x = 1\n")
    project.commit("in between")
    pinned_commit(project, digests)
    done = images(project, digests, "check", "HEAD~2")
    assert done.returncode == 1
    assert "stands on" in done.stderr


def test_check__digests_of_another_run(project, digests):
    pinned_commit(project, digests)
    (digests / "cuda").write_text("sha256:" + "f" * 64)
    assert images(project, digests, "check", "HEAD~1").returncode == 1


def test_pin__twice_changes_nothing_and_says_so(project, digests):
    pinned_commit(project, digests)
    done = images(project, digests, "pin")
    assert done.returncode == 1
    assert "0 lines name a Dockerfile" in done.stderr
    assert project.git("status", "--porcelain") == ""


def test_pin__without_digests(project, tmp_path):
    done = images(project, tmp_path / "nothing", "pin")
    assert (done.returncode, "is no folder" in done.stderr) == (1, True)


def test_image__by_its_digest(project, digests):
    done = images(project, digests, "image", "npu")
    assert done.stdout == f"ghcr.io/octo/perfgate-npu@{(digests / 'npu').read_text()}"


def test_notes__of_the_packages_version(project):
    assert release(project.path, "notes", "1.4.0").stdout == "- New.\n"
    wrong = release(project.path, "notes", "1.5.0")
    assert wrong.returncode == 1
    assert "says 1.4.0, not 1.5.0" in wrong.stderr


def test_moving_tag__none_for_a_version_to_try(project):
    assert release(project.path, "moving-tag", "1.4.0").stdout == "v1\n"
    assert release(project.path, "moving-tag", "1.4.0rc1").stdout == ""


def test_matrix__is_json(project):
    assert len(json.loads(release(project.path, "matrix").stdout)["include"]) == len(DOORS)


# An engine that notes down what it is asked, and answers as Docker does.
ENGINE = dedent(
    """\
    #!/bin/sh
    printf '%s\\n' "$*" >> "$0.asked"
    case "$*" in
      push\\ *refused*) echo "denied: permission" >&2; exit 1 ;;
      "image inspect "*) cat "$0.digests" ;;
    esac
    """
)


@pytest.fixture
def engine(tmp_path):
    file = tmp_path / "an engine"
    file.write_text(ENGINE)
    file.chmod(0o755)
    return file


def asked(engine):
    return engine.with_name(f"{engine.name}.asked").read_text().splitlines()


def test_build__the_doors_dockerfile_with_the_repository_as_context(engine, tmp_path):
    build(door_named("cpu"), "perfgate:try", engine=str(engine), context=tmp_path)
    (line,) = asked(engine)
    assert f"--file {tmp_path}/Dockerfile --tag perfgate:try {tmp_path}" in line
    assert "--build-arg TORCH_INDEX --file" in line  # the engine reads it in the environment


def test_push__tells_the_digest_of_its_own_name(engine):
    digest = "sha256:" + "a" * 64
    others = [f"localhost/perfgate@sha256:{'b' * 64}", f"ghcr.io/octo/perfgate-npu@{'c' * 9}"]
    told = [*others, f"ghcr.io/octo/perfgate@{digest}"]
    engine.with_name(f"{engine.name}.digests").write_text(json.dumps(told))
    how = {"engine": str(engine), "repository": "Octo/perfgate", "commit": "abc"}
    assert push(door_named("cpu"), "perfgate:try", **how) == digest
    assert asked(engine)[:2] == [
        "tag perfgate:try ghcr.io/octo/perfgate:sha-abc",
        "push ghcr.io/octo/perfgate:sha-abc",
    ]


def test_push__no_digest(engine):
    engine.with_name(f"{engine.name}.digests").write_text("[]")
    with pytest.raises(ReleaseError, match="0 digests"):
        push(door_named("cpu"), "x", engine=str(engine), repository="o/p", commit="abc")


def test_push__refused(engine):
    with pytest.raises(ReleaseError, match="ended with 1"):
        push(door_named("cpu"), "x", engine=str(engine), repository="o/p", commit="refused")
