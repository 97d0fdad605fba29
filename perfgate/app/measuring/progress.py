"""What a measuring job tells while it runs. The command line decides how it looks."""

from __future__ import annotations

from typing import Protocol

from perfgate.records import Launch, Side
from perfgate.verdict.judge import Progress as SoFar

__all__ = ["LaunchProgress", "Progress", "SoFar"]


class LaunchProgress(Protocol):
    """Listens to the launches of a gate; every method may be called often, and returns at once."""

    def note(self, text: str) -> None:
        """A sentence worth a line: the plan, a side that is ready, a fetch."""

    def launch_started(self, case_id: str, side: Side, pair: int | None) -> None:
        """A fresh process is about to start."""

    def launch_ended(self, case_id: str, launch: Launch, *, left_s: float | None) -> None:
        """It ended; ``left_s`` is a guess at the device time still ahead."""

    def so_far(self, case_id: str, seen: SoFar) -> None:
        """What the judge says of a case that is not decided yet."""


class Progress(LaunchProgress, Protocol):
    """Listens to every kind of job."""

    def part_started(self, name: str, *, number: int, of: int) -> None:
        """The part ``number``, from 1, of ``of`` parts begins."""

    def part_ended(self, told: str, *, number: int, of: int, left_s: float | None) -> None:
        """It ended, as ``told``; ``left_s`` as for :meth:`launch_ended`."""

    def repeat_started(self, cell: str, repeat: int) -> None:
        """A framework is about to be launched for a case, which ``cell`` names together."""

    def repeat_ended(self, cell: str, launch: Launch, *, left_s: float | None) -> None:
        """It ended; ``launch.pair`` is its repeat, ``left_s`` as for :meth:`launch_ended`."""
