"""Who reviews new baselines: what CODEOWNERS says, and the lines that it lacks. Does no I/O."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from perfgate.github.owners import PLACES, owners_of
from perfgate.suite import Suite

NEW: Final = PLACES[0]
_WHY: Final = "# Who reviews new baselines: they decide what perfgate calls slower from then on.\n"


def kept_paths(suite: Suite) -> tuple[str, ...]:
    """The folder and files below the repository that hold the suite's baselines."""
    folder = () if suite.state_folder is None else (f"{suite.state_folder.strip('/')}/",)
    files = () if suite.sglang is None else tuple(dict.fromkeys(suite.sglang.files.values()))
    return (*folder, *files)


def without_owner(text: str, paths: Sequence[str]) -> tuple[str, ...]:
    """Those of the paths whose changes CODEOWNERS asks nobody to review.

    Raises ValueError for a pattern that is none.
    """

    def has_one(path: str) -> bool:
        reviewers = owners_of(text, [f"{path}any.json" if path.endswith("/") else path])
        return bool(reviewers.users or reviewers.teams)

    return tuple(path for path in paths if not has_one(path))


def owner_lines(paths: Sequence[str], account: str) -> tuple[str, ...]:
    """A line for each path, with ACCOUNT to be replaced where no ``account`` is known."""
    return tuple(f"/{path.replace(' ', chr(92) + ' ')} @{account or 'ACCOUNT'}" for path in paths)


def new_file(paths: Sequence[str], account: str) -> str:
    """The whole of a first CODEOWNERS; without a known ``account`` it names nobody yet."""
    mark = "" if account else "# "
    return _WHY + "".join(f"{mark}{line}\n" for line in owner_lines(paths, account))
