"""Builds and pushes a door's image with a container engine, and reads the digest that it got there.

The engine is `docker` in the workflows; every other one that takes its command line will do.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from release.doors import Door
from release.errors import ReleaseError


def build(door: Door, tag: str, *, engine: str, context: Path) -> None:
    """Build a door's image. Raises ReleaseError."""
    given = [part for each in door.build_arguments for part in ("--build-arg", each)]
    dockerfile = str(context / door.dockerfile)
    _run(engine, "build", "--pull", *given, "--file", dockerfile, "--tag", tag, str(context))


def push(door: Door, tag: str, *, engine: str, repository: str, commit: str) -> str:
    """Push a built image under the commit's name; returns its digest. Raises ReleaseError."""
    name = door.image(repository)
    target = f"{name}:sha-{commit}"
    _run(engine, "tag", tag, target)
    _run(engine, "push", target)
    told = _run(engine, "image", "inspect", "--format", "{{json .RepoDigests}}", target)
    told_digests: list[str] = json.loads(told)
    found = {each.partition("@")[2] for each in told_digests if each.startswith(f"{name}@")}
    if len(found) != 1:
        raise ReleaseError(
            f"{engine} tells {len(found)} digests of {target}, and one is needed: {told.strip()}",
            fix="Push from a machine that holds no other image of that name.",
        )
    return found.pop()


def _run(*command: str) -> str:
    """What a command prints on standard output; what it says of its progress goes to the log."""
    done = subprocess.run(command, stdout=subprocess.PIPE, encoding="utf-8", check=False)
    if done.returncode != 0:
        raise ReleaseError(
            f"`{' '.join(command[:3])}` ended with {done.returncode}",
            fix="The lines above say why.",
        )
    return done.stdout
