"""Under which key a job writes, so that no job overwrites what another of its run has said. Pure.

A suite has one comment and one check run. Where several jobs of one run tell a result of the same
suite, all but one of them write under a key of their own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_KEY: Final = re.compile(r"(?=.{1,40}\Z)[A-Za-z0-9._]+(-[A-Za-z0-9._]+)*")


def is_key(text: str) -> bool:
    """Whether a key can stand in a comment's hidden line and in a check run's name."""
    return _KEY.fullmatch(text) is not None


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """Who wrote something: ``run`` names a run and its attempt, empty where that is not known.

    hardware, cases  what tells a job from the others of its run: a short name of the machine, and
                     a digest of the cases
    """

    run: str
    hardware: str
    cases: str

    def is_again(self, other: Job | None) -> bool:
        """Whether the other is this job too, perhaps of another run."""
        return other is not None and (self.hardware, self.cases) == (other.hardware, other.cases)

    def competes(self, other: Job | None) -> bool:
        """Whether the other is another job of the same run and attempt."""
        return (
            other is not None
            and bool(self.run)
            and self.run == other.run
            and not self.is_again(other)
        )


def key_for(job: Job, standing: Mapping[str, Job | None], *, key: str = "") -> str:
    """The key to write under, where ``standing`` holds who last wrote under each.

    ``key`` is the one that was asked for, empty for none. Where another job of this run wrote
    there, the machine's name is added to it, and the cases' digest where that does not differ.
    What this job wrote in an earlier run is its own still.
    """
    mine = [one for one in candidates(job, key) if job.is_again(standing.get(one))]
    if mine:
        return mine[0]
    _, with_hardware, with_cases = candidates(job, key)
    other = standing.get(key)
    if other is None or not job.competes(other):
        return key
    if other.hardware != job.hardware and not job.competes(standing.get(with_hardware)):
        return with_hardware
    return with_cases


def candidates(job: Job, key: str = "") -> tuple[str, str, str]:
    """Every key that the job may come to write under: as asked for, with machine, with cases."""
    with_hardware = f"{key}-{job.hardware}" if key else job.hardware
    return key, with_hardware, f"{with_hardware}-{job.cases}"
