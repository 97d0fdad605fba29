"""The `image:` lines of the doors: a Dockerfile's name on main, an image by digest on a release."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from release.doors import DOORS
from release.errors import ReleaseError

_LINE: Final = re.compile(
    r"^(?P<start>  image: )(?:\.\./)*(?P<dockerfile>[\w.]*Dockerfile)(?: #.*)?$", re.MULTILINE
)
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")
_DOCKER: Final = re.compile(r"^  using: docker$", re.MULTILINE)


def is_docker_action(text: str) -> bool:
    """Whether an action.yml is a Docker action's."""
    return _DOCKER.search(text) is not None


def references(digests: Mapping[str, str], *, repository: str) -> dict[str, str]:
    """What an `image:` line says on a release, by Dockerfile; ``digests`` are by the door's name.

    Raises ReleaseError where a door has no digest, or a digest no door.
    """
    names = {door.name for door in DOORS}
    if digests.keys() != names:
        told = ", ".join(sorted(digests.keys() ^ names))
        raise ReleaseError(
            f"digests and doors do not match: {told}",
            fix="Every image of a release is built by the same run: start that again.",
        )
    wrong = [f"{name}: {text!r}" for name, text in digests.items() if not _DIGEST.fullmatch(text)]
    if wrong:
        raise ReleaseError(
            f"no digest: {', '.join(wrong)}", fix="A digest is sha256: and 64 hexadecimal digits."
        )
    return {
        door.dockerfile: f"docker://{door.image(repository)}@{digests[door.name]}" for door in DOORS
    }


def pinned(text: str, by_dockerfile: Mapping[str, str], *, path: str) -> str:
    """An action.yml with its image by digest, and every other character as it was.

    Raises ReleaseError where it has no line that names one of the Dockerfiles, or several.
    """
    lines = [found for found in _LINE.finditer(text) if found["dockerfile"] in by_dockerfile]
    if len(lines) != 1:
        raise ReleaseError(
            f"{path}: {len(lines)} lines name a Dockerfile of a door, and one must",
            fix="Write `image:` below `runs:` with one of: " + ", ".join(by_dockerfile) + ".",
        )
    (line,) = lines
    reference = by_dockerfile[line["dockerfile"]]
    return f"{text[: line.start()]}{line['start']}{reference}{text[line.end() :]}"
