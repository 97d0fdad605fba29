"""What a gate knows from sglang's own baseline file of this hardware, at the base commit."""

from __future__ import annotations

from typing import Protocol

from perfgate.app.measuring.selection import Selection
from perfgate.app.tolerance import plain_figures, told_of
from perfgate.baselines.sglang import parse_sglang_baseline
from perfgate.records import Fingerprint
from perfgate.verdict.plain import PlainFigures

PROFILE = "pr_test"
"""The tolerances that sglang's own tests use, of those in the file."""


class Commits(Protocol):
    """Where files of a commit are read: a repository here, or GitHub's."""

    def file_at(self, commit: str, path: str) -> str | None:
        """Text of a file in a commit, or None where the commit has no such file."""
        ...


def plain_at(
    git: Commits, commit: str, selection: Selection, fingerprint: Fingerprint
) -> tuple[dict[str, PlainFigures], tuple[str, ...]]:
    """The scenarios called like the chosen cases, by that name, and notes for the reviewer.

    None where the suite keeps its baselines otherwise, where no pattern matches the hardware key
    and where the file is not there. Raises BaselineError for a file that cannot be trusted.
    """
    if selection.sglang is None:
        return {}, ()
    key = fingerprint.hardware_key
    path = selection.sglang.file_of(key)
    if path is None:
        return {}, (f"no pattern under baselines.files matches {key}: no file holds its figures",)
    text = git.file_at(commit, path)
    if text is None:
        return {}, (f"{path} is not at the base commit: no file holds figures of {key}",)
    baseline = parse_sglang_baseline(text, source=f"{path} at base {commit[:12]}")
    runner = fingerprint.told.get("runner", "")
    found = {
        one.case.id: plain_figures(baseline, expected, profile=PROFILE)
        for one in selection.chosen
        if (expected := baseline.expected(one.case.id, runner=runner)) is not None
    }
    return found, tuple(told_of(baseline, name=path, profile=PROFILE)) if found else ()
