"""Looks for level shifts beside peers and goals: ``make bench-history``.

    python -m benchmarks.history [--quick] [--tuning] [--nightly FOLDER] [--write FILE]

Exit code 1 where a goal is missed. Series are drawn from fixed seeds: the same tree finds the same,
and only the times are this machine's. Peers are installed, each in an environment of its own.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.history.figures import LONG, QUICK, Figures, Size, measure
from benchmarks.history.methods import PENALTY
from benchmarks.history.scoring import WITHIN
from benchmarks.history.series import SHIFTS
from benchmarks.history.table import all_of, goals_of
from perfgate.files import write_atomically

NIGHTLY = Path(__file__).parents[3] / "shared" / "data" / "sglang-nightly"


def main(arguments: Sequence[str]) -> int:
    """Measure, print, and say with the exit code whether every goal is met."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer series: a minute")
    parser.add_argument("--tuning", action="store_true", help="the noise to choose constants on")
    parser.add_argument("--nightly", type=Path, default=NIGHTLY, help="sglang's nightly files")
    parser.add_argument("--write", type=Path, help="append the tables to this Markdown file")
    options = parser.parse_args(arguments)
    real = options.nightly if options.nightly.is_dir() else None
    if real is None:
        _told("no nightly files here: synthetic series alone")
    size = QUICK if options.quick else Size()
    with tempfile.TemporaryDirectory(prefix="perfgate-bench-") as folder:
        figures = measure(size, tuning=options.tuning, real=real, folder=Path(folder), told=_told)
    text = "\n\n".join([_about(size, figures, tuning=options.tuning), *all_of(figures)]) + "\n"
    print(text)
    if options.write:
        earlier = options.write.read_text(encoding="utf-8") if options.write.exists() else ""
        write_atomically(options.write, earlier + "\n" + text)
    return 0 if all(goal.met for goal in goals_of(figures)) else 1


def _about(size: Size, figures: Figures, *, tuning: bool) -> str:
    kept = (
        "The constants may be chosen on these families: not to be reported."
        if tuning
        else "No constant was chosen on these families and seeds."
    )
    real = (
        f"Real values are those of {figures.files} nightly files of sglang: stretches chosen by "
        "eye before any method saw them, and shifts put into blocks of five nights drawn from "
        "them; the same values, drawn by other seeds, were looked at while constants were chosen. "
        "In the replay every method sees each night what was known then, and an alert is a "
        f"new upward change point more than {WITHIN} nights from those already told; a line begins "
        "anew where a configuration change is known (two cases, 2026-04-04)."
        if figures.files
        else "No real values were at hand."
    )
    return (
        f"## Level shifts, {dt.datetime.now(tz=dt.UTC).date()}\n\n"
        f"`make bench-history`, {os.cpu_count()} CPUs, load average of a minute "
        f"{os.getloadavg()[0]:.1f}. {kept} Each family of noise has {size.unchanged} series of "
        f"{size.points} points, plain noise {size.plain}; each cell of the grid of "
        f"shifts {size.shifted} series of {SHIFTS} "
        "shifts for normal noise and Student's t with 4 degrees of freedom, wandering levels and "
        f"levels that go up and back. A change is hit by a change point at most {WITHIN} points "
        "away, once; what hits none is false. Peers run with their defaults, KernelCPD (linear "
        f"kernel) with a penalty of {PENALTY:g} times the noise's variance times the logarithm of "
        "the number of points, the noise taken from the median first difference; each peer is one "
        f"process over all series. Times are the best of five rounds, of {LONG} points of plain "
        f"noise. {real}"
    )


def _told(progress: str) -> None:
    print(progress, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
