"""Who is asked to review a change, from CODEOWNERS. Pure: text in, names out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from codeowners import CodeOwners

PLACES: Final = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS")
"""Where GitHub looks, in this order; the first one counts.
https://docs.github.com/en/repositories/managing-your-repositorys-settings-and-features/customizing-your-repository/about-code-owners
"""
_MOST: Final = 15  # https://docs.github.com/en/rest/pulls/review-requests


@dataclass(frozen=True, kw_only=True, slots=True)
class Reviewers:
    """Accounts, and teams of the repository's organisation, without ``@``."""

    users: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()


def owners_of(text: str, paths: Iterable[str]) -> Reviewers:
    """The owners of the paths; those who are known by an e-mail address alone are left out.

    Raises ValueError for a pattern that is none.
    """
    rules = CodeOwners(text)
    return named(name for path in paths for kind, name in rules.of(path) if kind != "EMAIL")


def named(names: Iterable[str]) -> Reviewers:
    """``@account`` or ``@organisation/team``, with or without the ``@``, each once."""
    bare = list(dict.fromkeys(name.strip().removeprefix("@") for name in names if name.strip()))
    return Reviewers(
        users=tuple(name for name in bare if "/" not in name)[:_MOST],
        teams=tuple(name.partition("/")[2] for name in bare if "/" in name)[:_MOST],
    )
