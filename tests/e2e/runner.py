"""Runs the image with what the runner gives a Docker action, and reads what it wrote. No tests.

Mounts and variables: actions/runner, ContainerActionHandler.cs.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.containers import IMAGE, Containers
from tests.fakes.github_server import FakeGitHub

WORKSPACE = "/github/workspace"
RUNNER_UID = 1000


@dataclass(frozen=True, kw_only=True, repr=False)
class Step:
    """How a step ended: its exit code, what it printed, its outputs and its summary."""

    exit_code: int
    log: str
    outputs: dict[str, str]
    summary: str

    def __repr__(self) -> str:
        return f"exit code {self.exit_code}\n{self.log}"


def run_step(
    containers: Containers,
    folder: Path,
    workspace: Path,
    *,
    event: Path | None,
    github: FakeGitHub | None = None,
    mounted_at: str = WORKSPACE,
    image: str = IMAGE,
    options: tuple[str, ...] = (),
    environ: dict[str, str] | None = None,
    **inputs: str,
) -> Step:
    """Run one step in ``workspace``; ``folder`` takes the runner's files.

    The inputs' names have underscores for hyphens. Everything belongs to an ordinary user outside.
    """
    for name in ("home", "files", "workflow"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for name in ("output", "summary"):
        (folder / "files" / name).write_text("")
    if event is not None:
        (folder / "workflow" / "event.json").write_bytes(event.read_bytes())
    give(folder, RUNNER_UID)
    given = {
        "CI": "true",
        "GITHUB_ACTIONS": "true",
        "GITHUB_EVENT_NAME": "pull_request",
        "GITHUB_EVENT_PATH": "/github/workflow/event.json",
        "GITHUB_OUTPUT": "/github/file_commands/output",
        "GITHUB_STEP_SUMMARY": "/github/file_commands/summary",
        "GITHUB_REPOSITORY": "octo/bench",
        "GITHUB_RUN_ID": "77",
        "GITHUB_WORKSPACE": mounted_at,
        "HOME": "/github/home",
        # Both are of the host, and would break an image that believed them.
        "LD_LIBRARY_PATH": "/opt/hostedtoolcache/Python/3.11.9/x64/lib",
        "PYTHONHOME": "/opt/hostedtoolcache/Python/3.11.9/x64",
        **({"GITHUB_API_URL": github.url} if github else {}),
        **{f"INPUT_{name.upper().replace('_', '-')}": value for name, value in inputs.items()},
        **(environ or {}),
    }
    done = containers.run(
        *(f"--env={name}={value}" for name, value in given.items()),
        f"--volume={workspace}:{mounted_at}",
        f"--volume={folder}/home:/github/home",
        f"--volume={folder}/files:/github/file_commands",
        f"--volume={folder}/workflow:/github/workflow",
        f"--workdir={mounted_at}",
        *options,
        image=image,
    )
    return Step(
        exit_code=done.returncode,
        log=done.stdout + done.stderr,
        outputs=read_outputs((folder / "files" / "output").read_text()),
        summary=(folder / "files" / "summary").read_text(),
    )


def read_outputs(text: str) -> dict[str, str]:
    """GITHUB_OUTPUT as the runner reads it."""
    entries = re.findall(r"^([^\n=<]+)<<(\S+)\n(.*?)\n?^\2$", text, re.MULTILINE | re.DOTALL)
    return {name: value.rstrip("\n") for name, _, value in entries}


def give(folder: Path, user: int) -> None:
    """Make everything below belong to ``user``."""
    os.chown(folder, user, user)
    for where, folders, files in os.walk(folder):
        for name in (*folders, *files):
            os.chown(Path(where) / name, user, user, follow_symlinks=False)


def not_owned_by(folder: Path, user: int) -> list[str]:
    """What below the folder belongs to somebody else."""
    return sorted(
        str(path.relative_to(folder))
        for path in (folder, *folder.rglob("*"))
        if path.lstat().st_uid != user
    )
