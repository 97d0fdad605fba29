"""Opens the store that a person named. Touches nothing of it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from perfgate.errors import ConfigurationError
from perfgate.history.branch import Branch
from perfgate.history.bucket import open_bucket
from perfgate.history.folder import Folder
from perfgate.history.store import Store
from perfgate.sides.git import open_repository

_BRANCH = "branch:"
_BRANCH_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._/-]{0,199}")


def open_store(
    named: str,
    *,
    start: Path,
    environ: Mapping[str, str],
    scratch: Path,
    sleep: Callable[[float], None] = time.sleep,
) -> Store:
    """A folder, ``branch:NAME``, or an address that fsspec opens, such as ``s3://bucket/folder``.

    A branch is one of the remote origin of the repository at ``start``; ``scratch`` is an empty
    folder that lives as long as the store. Raises ConfigurationError for what is none of them.
    """
    if named.startswith(_BRANCH):
        branch = named.removeprefix(_BRANCH)
        here = open_repository(start, environ)
        good = _BRANCH_NAME.fullmatch(branch) is not None
        if not good or here.asks("check-ref-format", f"refs/heads/{branch}") is None:
            raise ConfigurationError(
                f"{branch!r} is no name of a branch", fix="Write, say, branch:perfgate-data."
            )
        return Branch(branch=branch, here=here, scratch=scratch, sleep=sleep)
    if "://" in named:
        return open_bucket(named)
    if not named.strip():
        raise ConfigurationError(
            "no store is named", fix="Name a folder, branch:NAME, or an address such as s3://…"
        )
    return Folder(root=start / named, told=named)
