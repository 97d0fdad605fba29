"""What a new perfgate.yml is made of, whatever it was made from; holds values and does nothing."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Unmapped:
    """Something that has no place in a suite."""

    where: str
    """A file and the place in it."""
    what: str
    why: str
    """The reason in words."""


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A suite as YAML texts, with the comments that are to stand in it."""

    baselines: str
    """What stands after ``baselines:``, one line or an indented block."""
    sections: str
    """Further top-level keys with comments, such as ``frameworks:``; may be empty."""
    cases: str
    """The list under ``cases:``, with comments."""
    notes: tuple[str, ...] = ()
    unmapped: tuple[Unmapped, ...] = ()
