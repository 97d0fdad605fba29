"""Shows a measuring job: a bar with the time left on a terminal, else a line a launch."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from perfgate.app.measuring.progress import Progress, SoFar
from perfgate.records import Launch, Side
from perfgate.report.words import change


@contextlib.contextmanager
def console_progress(console: Console) -> Iterator[Progress]:
    """A listener that writes to ``console`` for as long as the block runs."""
    if not console.is_interactive:
        yield _Lines(console)
        return
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=20), TimeElapsedColumn())
    with Bar(*columns, console=console, transient=True) as bar:
        yield _BarProgress(console, bar)


def left(seconds: float | None) -> str:
    """``about 40 s left``, rounded to what a guess deserves."""
    if not seconds:
        return ""
    rounded = 10 * max(1, round(seconds / 10))
    return f"about {rounded} s left" if rounded < 120 else f"about {round(rounded / 60)} min left"


def place(pair: int | None) -> str:
    """How a person counts launches."""
    return "burn-in" if pair is None else f"pair {pair + 1}"


def repeat_of(repeat: int | None) -> str:
    """The same where frameworks are compared."""
    return f"repeat {(repeat or 0) + 1}"


def trouble(launch: Launch) -> str:
    """Why a launch cannot be used, in few words; empty for one that can."""
    if not launch.ok:
        return f"failed: {launch.failure}"
    unfit = launch.conditions.unfit if launch.conditions else ()
    return f"not judged: {unfit[0]}" if unfit else ""


class _Lines:
    def __init__(self, console: Console) -> None:
        self._console = console
        self._so_far: dict[str, str] = {}

    def note(self, text: str) -> None:
        self._print(text)

    def launch_started(self, case_id: str, side: Side, pair: int | None) -> None:
        """The line comes when it has ended and there is a figure to tell."""

    def launch_ended(self, case_id: str, launch: Launch, *, left_s: float | None) -> None:
        self._print_ended(case_id, place(launch.pair), launch.side.value, launch, left_s)

    def part_started(self, name: str, *, number: int, of: int) -> None:
        """As for a launch."""

    def part_ended(self, told: str, *, number: int, of: int, left_s: float | None) -> None:
        self._print(" · ".join(part for part in (told, f"{number} of {of}", left(left_s)) if part))

    def repeat_started(self, cell: str, repeat: int) -> None:
        """As for a launch."""

    def repeat_ended(self, cell: str, launch: Launch, *, left_s: float | None) -> None:
        self._print_ended(cell, repeat_of(launch.pair), "", launch, left_s)

    def _print_ended(
        self, name: str, where: str, side: str, launch: Launch, left_s: float | None
    ) -> None:
        told = trouble(launch) or f"{launch.duration_s:.1f} s"
        parts = (name, where, side, told, self._so_far.get(name), left(left_s))
        self._print(" · ".join(part for part in parts if part))

    def so_far(self, case_id: str, seen: SoFar) -> None:
        self._so_far[case_id] = f"{change(seen.ratio)} so far"

    def _print(self, text: str) -> None:
        # Escaped, and on one line: ids and reasons come from the suite and the benchmark, and
        # a runner reads commands from whatever starts a line.
        self._console.print(f"perfgate: {' '.join(text.split())}", markup=False, soft_wrap=True)


class _BarProgress:
    def __init__(self, console: Console, bar: Bar) -> None:
        self._console = console
        self._bar = bar
        self._task = bar.add_task("starting", total=None)
        self._so_far: dict[str, str] = {}
        self._left = ""
        self._spent_s = 0.0

    def note(self, text: str) -> None:
        self._console.print(text, markup=False)

    def launch_started(self, case_id: str, side: Side, pair: int | None) -> None:
        self._show(case_id, place(pair), side.value, self._so_far.get(case_id, ""))

    def repeat_started(self, cell: str, repeat: int) -> None:
        self._show(cell, repeat_of(repeat))

    def part_started(self, name: str, *, number: int, of: int) -> None:
        self._show(name, f"{number} of {of}")

    def part_ended(self, told: str, *, number: int, of: int, left_s: float | None) -> None:
        self._left = left(left_s)
        self._bar.update(self._task, completed=number, total=of)
        self.note(told)

    def _show(self, *parts: str) -> None:
        told = " · ".join(part for part in (*parts, self._left) if part)
        self._bar.update(self._task, description=escape(told))

    def repeat_ended(self, cell: str, launch: Launch, *, left_s: float | None) -> None:
        self._ended(launch, left_s, name=cell)

    def launch_ended(self, case_id: str, launch: Launch, *, left_s: float | None) -> None:
        self._ended(launch, left_s, name=f"{case_id} · {launch.side.value}")

    def _ended(self, launch: Launch, left_s: float | None, *, name: str) -> None:
        self._left = left(left_s)
        self._spent_s += launch.duration_s
        total_s = self._spent_s + (left_s or 0.0)
        self._bar.update(self._task, completed=self._spent_s, total=total_s)
        if told := trouble(launch):
            self.note(f"{name} · {told}")

    def so_far(self, case_id: str, seen: SoFar) -> None:
        self._so_far[case_id] = f"{change(seen.ratio)} so far"
