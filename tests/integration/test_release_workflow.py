"""release.yml's own lines, run one after the other as a runner would, on a repository of this test.

Stand-ins: a bare repository is GitHub's, `gh` notes down what it is asked, and the images' digests
lie where the artifact would have been unpacked. The images themselves are tests/e2e's.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from release.doors import DOORS
from tests.documents import ROOT
from tests.repositories import Repository

JOBS = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text(encoding="utf-8"))["jobs"]
GH = '#!/bin/sh\nprintf "%s\\n" "$*" >> "$GH_ASKED"\n'
VERSION = "1.4.0"


class Run:
    """A checkout of main, and the runner's folders beside it."""

    def __init__(self, folder: Path, version: str) -> None:
        self.folder, self.version = folder, version
        for name in ("bin", "runner temp", "home"):
            (folder / name).mkdir(parents=True)
        self.temp, self.asked = folder / "runner temp", folder / "asked"
        self.asked.touch()
        gh = folder / "bin" / "gh"
        gh.write_text(GH)
        gh.chmod(0o755)
        self.main = Repository(folder / "main")
        for path in ("action.yml", *(f"{name}/action.yml" for name in ("cuda", "npu", "publish"))):
            self.main.file(path, (ROOT / path).read_text(encoding="utf-8"))
        shutil.copytree(
            ROOT / "release", self.main.path / "release", ignore=shutil.ignore_patterns("__py*")
        )
        self.main.file("perfgate/__init__.py", f'__version__ = "{version}"\n')
        self.main.file("CHANGELOG.md", f"# Changelog\n\n## {version}\n\n- New: `$(id)`.\n")
        self.sha = self.main.commit("main")
        self.github = self.main.clone(folder / "github.git", "--bare")
        self.main.git("remote", "add", "origin", str(self.github.path))

    def digests(self) -> None:
        (self.temp / "digests").mkdir()
        for index, door in enumerate(DOORS):
            (self.temp / "digests" / door.name).write_text(f"sha256:{index:064x}\n")

    def job(self, name: str, *, ref: str = "refs/heads/main") -> subprocess.CompletedProcess[str]:
        """Run the job's lines until one fails."""
        job = JOBS[name]
        for step in job["steps"]:
            if "run" not in step:
                continue
            given = {**job.get("env", {}), **step.get("env", {})}
            done = self._bash(step["run"], {**given, "GITHUB_REF": ref})
            if done.returncode:
                break
        return done

    def _bash(self, script: str, given: dict[str, str]) -> subprocess.CompletedProcess[str]:
        expressions = {
            "${{ inputs.version }}": self.version,
            "${{ github.token }}": "a-s3cret-token",
            "refs/heads/${{ github.event.repository.default_branch }}": "refs/heads/main",
        }
        environ = {
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
            "HOME": str(self.folder / "home"),
            "GH_ASKED": str(self.asked),
            "GITHUB_REPOSITORY": "Octo/perfgate",
            "GITHUB_SHA": self.sha,
            "GITHUB_STEP_SUMMARY": str(self.temp / "summary.md"),
            "RUNNER_TEMP": str(self.temp),
            "PYTHONDONTWRITEBYTECODE": "1",
            **{name: expressions.get(value, value) for name, value in given.items()},
        }
        shell = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
        return subprocess.run(
            shell, cwd=self.main.path, env=environ, capture_output=True, text=True, check=False
        )

    def tag(self, name: str) -> str:
        return self.github.git("rev-parse", "--verify", f"refs/tags/{name}^{{commit}}")

    def tags(self) -> list[str]:
        return self.github.git("tag", "--list").split()


@pytest.fixture
def run(tmp_path):
    made = Run(tmp_path / "a release", VERSION)
    made.digests()
    return made


def test_release__tags_mains_commit_with_its_images_pinned(run):
    done = run.job("notes")
    assert done.returncode == 0, done
    done = run.job("tag")
    assert done.returncode == 0, done
    assert run.tags() == ["v1", "v1.4.0"]
    assert run.tag("v1") == run.tag("v1.4.0")
    git = run.github.git
    assert git("rev-parse", "v1.4.0^") == run.sha
    assert git("rev-parse", "main") == run.sha
    changed = git("diff", "--name-only", "main", "v1.4.0").split()
    assert changed == ["action.yml", "cuda/action.yml", "npu/action.yml", "publish/action.yml"]
    assert "  image: docker://ghcr.io/octo/perfgate@sha256:" in git("show", "v1.4.0:action.yml")


def test_release__has_the_notes_of_its_version(run):
    run.job("tag")
    notes = run.temp / "notes.md"
    assert notes.read_text() == "- New: `$(id)`.\n"
    (created,) = [line for line in run.asked.read_text().splitlines() if "release" in line]
    assert created == (f"release create v1.4.0 --verify-tag --title v1.4.0 --notes-file {notes}")


def test_release__the_tag_that_users_follow_moves(run):
    run.github.git("update-ref", "refs/tags/v1", run.sha)
    run.job("tag")
    assert run.tag("v1") == run.tag("v1.4.0") != run.sha


def test_release__a_version_to_try_moves_nothing(tmp_path):
    run = Run(tmp_path / "a release", "1.4.0rc1")
    run.digests()
    assert run.job("tag").returncode == 0
    assert run.tags() == ["v1.4.0rc1"]
    assert run.asked.read_text().splitlines()[-1].endswith(" --prerelease")


def test_release__of_a_commit_that_changes_more_is_not_tagged(run):
    run.main.file("perfgate/__init__.py", f'__version__ = "{VERSION}"\nx = 1\n')
    done = run.job("tag")
    assert done.returncode == 1
    assert "perfgate/__init__.py changed" in done.stderr
    assert run.tags() == []


def test_release__without_every_image_is_not_tagged(run):
    (run.temp / "digests" / "npu").unlink()
    assert run.job("tag").returncode == 1
    assert run.tags() == []


@pytest.mark.parametrize("ref", ["refs/heads/feature", "refs/tags/v1"])
def test_notes__of_another_branch(run, ref):
    assert run.job("notes", ref=ref).returncode == 1


def test_notes__of_a_version_that_is_out(run):
    run.github.git("update-ref", "refs/tags/v1.4.0", run.sha)
    done = run.job("notes")
    assert done.returncode == 1
    assert "v1.4.0 is out already" in done.stdout


def test_notes__that_are_missing_are_told_where_a_runner_reads(run):
    run.main.file("CHANGELOG.md", "# Changelog\n")
    done = run.job("notes")
    assert done.returncode == 1
    assert "::error title=release::CHANGELOG.md has 0 headings" in done.stderr
    assert "::error" not in (run.temp / "summary.md").read_text()


def test_notes__are_shown_before_anything_is_built(run):
    run.job("notes")
    assert (run.temp / "summary.md").read_text() == "- New: `$(id)`.\n"
    assert JOBS["images"]["needs"] == "notes"
    assert JOBS["tag"]["needs"] == "images"


def test_jobs__only_the_last_may_write_to_the_repository():
    assert {name: job["permissions"] for name, job in JOBS.items()} == {
        "notes": {"contents": "read"},
        "images": {"contents": "read", "packages": "write"},
        "tag": {"contents": "write"},
    }
    assert JOBS["tag"]["environment"] == "release"
    assert JOBS["images"]["uses"] == "./.github/workflows/image.yml"
