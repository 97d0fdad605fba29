"""The Docker doors: which Dockerfile makes which image, built where, and what must hold in it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from release.errors import ReleaseError

_REGISTRY: Final = "ghcr.io"
_REPOSITORY: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+")


@dataclass(frozen=True, kw_only=True)
class Door:
    """One image.

    runner           the label of GitHub's runner that builds it
    build_arguments  names of what `docker build` is given of the environment, where it is set
    measures         whether its entry point may measure
    fact             Python that its own interpreter runs, and that fails where the image is wrong
    """

    name: str
    dockerfile: str
    suffix: str
    runner: str
    build_arguments: tuple[str, ...] = ()
    measures: bool = True
    fact: str

    def image(self, repository: str) -> str:
        """The image's name in the registry, for a repository as ``owner/name``.

        Raises ReleaseError for another text.
        """
        if not _REPOSITORY.fullmatch(repository):
            raise ReleaseError(
                f"{repository!r} names no repository", fix="Give it as owner/name, without a host."
            )
        return f"{_REGISTRY}/{repository.lower()}{self.suffix}"


DOORS: Final = (
    Door(
        name="cpu",
        dockerfile="Dockerfile",
        suffix="",
        runner="ubuntu-latest",
        build_arguments=("TORCH_INDEX",),
        fact="import torch; assert torch.version.cuda is None, torch.__version__",
    ),
    Door(
        name="cuda",
        dockerfile="cuda.Dockerfile",
        suffix="-cuda",
        runner="ubuntu-latest",
        fact="import torch; assert torch.version.cuda, torch.__version__",
    ),
    Door(
        name="npu",
        dockerfile="npu.Dockerfile",
        suffix="-npu",
        runner="ubuntu-24.04-arm",
        # Without the driver of a machine that has an NPU, torch_npu cannot be imported.
        fact="from importlib.metadata import version as v; "
        "assert v('torch').split('+')[0] == v('torch-npu').split('.post')[0], v('torch-npu')",
    ),
    Door(
        name="publish",
        dockerfile="publish.Dockerfile",
        suffix="-publish",
        runner="ubuntu-latest",
        measures=False,
        fact="from importlib.util import find_spec; assert find_spec('torch') is None",
    ),
)


def door_named(name: str) -> Door:
    """The door of that name; raises ReleaseError where there is none."""
    for door in DOORS:
        if door.name == name:
            return door
    known = ", ".join(door.name for door in DOORS)
    raise ReleaseError(f"there is no door {name!r}", fix=f"Name one of: {known}.")


def matrix() -> dict[str, list[dict[str, str]]]:
    """The doors as the matrix of a workflow's job."""
    return {"include": [{"door": door.name, "runner": door.runner} for door in DOORS]}
