"""Finds baselines among files; what they say is decided elsewhere. No effect."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath

from perfgate.baselines.native import Baseline, parse_baseline
from perfgate.errors import BaselineError
from perfgate.verdict.baseline import StoredJobs

NO_BASELINES = frozenset({"calibration.json"})
"""Other files that stand in a hardware key's folder."""


def load_baselines(files: Mapping[str, str], *, hardware_key: str) -> dict[str, Baseline]:
    """The baselines of one hardware key, by case id, out of a mapping from path to text.

    Files of other hardware keys are left alone; no files give no baselines. A file that cannot be
    trusted raises BaselineError, for a gate without it would look like a gate that passed.
    """
    found = {}
    for path, text in sorted(files.items()):
        place = PurePosixPath(path)
        if place.suffix != ".json" or place.name in NO_BASELINES:
            continue
        if place.parent.name != hardware_key:
            continue
        baseline = parse_baseline(text, source=path)
        _refuse_misplaced(baseline, place)
        found[baseline.case] = baseline
    return found


def _refuse_misplaced(baseline: Baseline, place: PurePosixPath) -> None:
    for name, said, expected in (
        ("case", baseline.case, place.stem),
        ("hardware_key", baseline.hardware_key, place.parent.name),
    ):
        if said != expected:
            raise BaselineError(
                f"{place}: {name} says {said!r}, but the path says {expected!r}",
                fix="A baseline holds for the machine it was measured on: move the file back.",
            )


def stored_jobs(baselines: Mapping[str, Baseline]) -> dict[str, StoredJobs]:
    """What :func:`perfgate.verdict.decide.decide` takes as ``baselines``."""
    return {case: baseline.stored_jobs() for case, baseline in baselines.items()}
