"""The one failure of a release: what is wrong, and what to do about it."""

from __future__ import annotations


class ReleaseError(Exception):
    """Why there can be no release, in words that end with what to do."""

    def __init__(self, problem: str, *, fix: str) -> None:
        super().__init__(f"{problem}\n  → {fix}")
