"""Lets every call of publish and propose go wrong in every way, and prints what became of it.

    python -m benchmarks.faults [--story NAME] [--write FILE]

The jobs are those of tests/fault_stories.py, against the tests' stand-in for GitHub over real HTTP;
the calls come from recording a clean run of each. A cell is one fault at one call, then the same
job once more: it counts as survived only where GitHub then holds what one clean run leaves, both
exit codes are 0, and no pause was longer than its bound.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from perfgate.files import write_atomically
from perfgate.github.patience import BUDGET_S
from tests.fault_stories import stories, tracked
from tests.faults import COLUMNS, Cell, Stage, crossing

HEADING: Final = "## Every call, every fault"
_MARKS: Final = {"at once": "✓", "next run": "↻", "no": "✗"}
_WORST_FIRST: Final = ("no", "next run", "at once")
Outcomes = Mapping[tuple[str, str, str], Sequence[str]]
"""What became of the cells of a job (publish or propose), a call and a fault."""


def main(arguments: Sequence[str]) -> int:
    """Play every cell, print the table, and put it into a document if one is named."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faults")
    parser.add_argument("--story", default="", help="only stories whose name holds this")
    parser.add_argument("--write", type=Path, help="put the table into this document")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        text = _played(Path(folder), options.story)
    sys.stdout.write(text)
    if options.write:
        earlier = options.write.read_text(encoding="utf-8")
        write_atomically(options.write, earlier.partition(HEADING)[0] + text)
    return 0


def _played(folder: Path, wanted: str) -> str:
    stages = []
    for number, story in enumerate((*stories(folder), *tracked())):
        if wanted in story.name:
            place = folder / str(number)
            place.mkdir()
            stages.append(Stage(story, place))
    outcomes: dict[tuple[str, str, str], list[str]] = {}
    lost = []
    for stage, fault, call in crossing(stages):
        word = outcome(stage.play(fault, call))
        job = stage.story.name.partition(":")[0]
        outcomes.setdefault((job, call.name, fault), []).append(word)
        if word == "no":
            lost.append(f"{stage.story.name}: {fault} at call {call.number}, `{call.name}`")
        sys.stderr.write(f"\r{sum(map(len, outcomes.values()))} cells, {len(lost)} lost ")
    sys.stderr.write("\n")
    names = [(stage.story.name, len(stage.calls)) for stage in stages]
    return told(outcomes, names, lost)


def outcome(cell: Cell) -> str:
    """``at once``, ``next run`` or ``no``; a cell that broke a rule is a lost one."""
    bounded = all(sum(pauses) <= BUDGET_S for pauses in cell.pauses)
    return cell.word if bounded and cell.codes == (0, 0) else "no"


def told(outcomes: Outcomes, names: Sequence[tuple[str, int]], lost: Sequence[str]) -> str:
    """The section as Markdown."""
    counts = Counter(word for words in outcomes.values() for word in words)
    whole = ", ".join(f"{name} ({calls} calls)" for name, calls in names)
    seen = (
        f"`make bench-faults`, {datetime.now(UTC):%Y-%m-%d}, Python "
        f"{sys.version_info.major}.{sys.version_info.minor}: {counts.total()} cells, of which "
        f"{counts['at once']} held what a clean run leaves at once, {counts['next run']} after the "
        f"next run and {counts['no']} not. ✓ at once, ↻ repaired by the next run, ✗ not; a mark "
        "is the worst of its cells, and · is a combination that was not played, since what is "
        f"read there is named by its content. The jobs: {whole}."
    )
    lines = [HEADING, "", seen]
    for job in dict.fromkeys(job for job, _, _ in outcomes):
        lines += ["", f"### {job}", "", *_table(job, outcomes)]
    if lost:
        lines += ["", "Not repaired:", "", *(f"- {one}" for one in lost)]
    return "\n".join(lines) + "\n"


def _table(job: str, outcomes: Outcomes) -> list[str]:
    calls = dict.fromkeys(call for one, call, _ in outcomes if one == job)
    rows = [["call", *COLUMNS], ["---", *[":-:"] * len(COLUMNS)]]
    for call in calls:
        marks = (_mark(outcomes.get((job, call, fault), ())) for fault in COLUMNS)
        rows.append([f"`{re.sub('[|`]', '', call)}`", *marks])
    return [f"| {' | '.join(row)} |" for row in rows]


def _mark(words: Sequence[str]) -> str:
    return next((_MARKS[word] for word in _WORST_FIRST if word in words), "·")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
