"""A release's version and its notes, which are the section of CHANGELOG.md under that version."""

from __future__ import annotations

import re
from typing import Final

from release.errors import ReleaseError

# As PEP 440 spells it, which __version__ must: 1.4.0, or 1.4.0rc1 before it.
_VERSION: Final = re.compile(r"(?P<major>0|[1-9]\d*)\.(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)(?P<rc>rc\d+)?")
_ASSIGNED: Final = re.compile(r'^__version__ = "([^"]*)"$', re.MULTILINE)
_HEADING: Final = re.compile(r"^## (\S+).*$", re.MULTILINE)


def moving_tag(version: str) -> str | None:
    """The tag that users follow, `v1` for 1.4.0; None where a version is only for trying.

    Raises ReleaseError for a text that is no version.
    """
    found = _parse(version)
    return None if found["rc"] else f"v{found['major']}"


def check_version(version: str, package: str) -> None:
    """Raises ReleaseError unless the package's text says that it is this version."""
    _parse(version)
    said = _ASSIGNED.findall(package)
    if said != [version]:
        raise ReleaseError(
            f"perfgate/__init__.py says {', '.join(said) or 'no version'}, not {version}",
            fix="Set __version__ in a pull request, together with CHANGELOG.md's heading.",
        )


def notes_of(version: str, changelog: str) -> str:
    """The text below the version's heading; raises ReleaseError where that is missing or empty."""
    headings = [found for found in _HEADING.finditer(changelog) if found[1] == version]
    if len(headings) != 1:
        raise ReleaseError(
            f"CHANGELOG.md has {len(headings)} headings `## {version}`, and one must be there",
            fix="Name the section `## Unreleased` after the version, in a pull request.",
        )
    rest = changelog[headings[0].end() :]
    following = _HEADING.search(rest)
    text = rest[: following.start()] if following else rest
    # A heading without a line below it tells nobody anything.
    if not re.search(r"^- ", text, re.MULTILINE):
        raise ReleaseError(
            f"CHANGELOG.md says nothing below `## {version}`", fix="Say there what is new."
        )
    return text.strip() + "\n"


def _parse(version: str) -> re.Match[str]:
    found = _VERSION.fullmatch(version)
    if found is None:
        raise ReleaseError(
            f"{version!r} is no version", fix="Write it as 1.4.0, or 1.4.0rc1 before it."
        )
    return found
