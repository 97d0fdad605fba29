"""Measures how long a command takes to answer: ``make bench-startup``.

    python -m benchmarks.startup [--rounds 15] [--write docs/measurements.md]

Whole processes, which take turns: an interpreter that does nothing, the libraries that comparing
needs and nothing else, help, a shell's question for words, a comparison of two small records. A
goal is held against the median. Exit code 1 where one is missed.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.compare import Contender, Cost, Sizes, measure, record, samples
from perfgate.files import write_atomically
from perfgate.records import to_json

BARE = "a bare interpreter"
SIZES = Sizes(cases=1, metrics=6, launches=10)
GOALS_S = {"perfgate --help": 0.5, "perfgate compare": 0.6, "perfgate compare --json": 0.6}
"""What a person who waits for an answer takes for at once."""


def contenders(folder: Path) -> list[Contender]:
    """Each process that is run; the records lie in ``folder``."""
    for side, values in samples(SIZES).items():
        (folder / f"{side}.json").write_text(to_json(record(values, side)), encoding="utf-8")
    perfgate = (sys.executable, "-m", "perfgate")
    compare = (*perfgate, "compare", str(folder / "base.json"), str(folder / "head.json"))
    libraries = "import click, jinja2, numpy, pydantic, rich.console, rich.table, tabulate"
    # Exit code 1 says that the case is slower, as it is.
    decided = frozenset({0, 1})
    return [
        Contender(name=BARE, command=(sys.executable, "-c", "pass")),
        Contender(name="its libraries", command=(sys.executable, "-c", libraries)),
        Contender(name="perfgate --help", command=(*perfgate, "--help")),
        Contender(name="perfgate gate --help", command=(*perfgate, "gate", "--help")),
        Contender(name="perfgate compare", command=compare, decided=decided),
        Contender(name="perfgate compare --json", command=(*compare, "--json"), decided=decided),
    ]


def section(costs: Mapping[str, Cost], *, rounds: int, load: float) -> str:
    """What was seen, as a part of a document."""
    bare_s = costs[BARE].median_s
    how = (
        f"`make bench-startup`, Python {sys.version.split()[0]}, {os.cpu_count()} cores (load "
        f"average of a minute {load:.1f} before), {rounds} interleaved rounds of whole processes; "
        f"the two records have {SIZES.cases} case, {SIZES.metrics} metrics and {SIZES.launches} "
        "launches each. The libraries are those that comparing imports."
    )
    lines = [
        f"## Starting up, {datetime.now(UTC):%Y-%m-%d}",
        "",
        how,
        "",
        "| process | median | fastest | CPU | to a bare interpreter | goal |",
        "| --- | ---: | ---: | ---: | ---: | --- |",
    ]
    for name, cost in costs.items():
        goal_s = GOALS_S.get(name)
        told = "" if goal_s is None else f"at most {goal_s:g} s: {_word(cost, goal_s)}"
        named = f"`{name}`" if name.startswith("perfgate") else name
        lines.append(
            f"| {named} | {cost.median_s:.3f} s | {cost.wall_s:.3f} s | {cost.processor_s:.3f} s "
            f"| {cost.median_s / bare_s:.1f} times | {told} |"
        )
    return "\n".join(lines) + "\n"


def _word(cost: Cost, goal_s: float) -> str:
    return "met" if cost.median_s <= goal_s else "MISSED"


def main(arguments: Sequence[str]) -> int:
    """Measure, print, and say with the exit code whether every goal is met."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=15, help="how often each is run")
    parser.add_argument("--write", type=Path, help="append what was seen to this document")
    asked = parser.parse_args(arguments)
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="perfgate-bench-") as folder:
        costs = measure(contenders(Path(folder)), rounds=asked.rounds)
    text = section(costs, rounds=asked.rounds, load=load)
    sys.stdout.write(text)
    if asked.write:
        earlier = asked.write.read_text(encoding="utf-8") if asked.write.exists() else ""
        write_atomically(asked.write, earlier + "\n" + text)
    return 0 if all(costs[name].median_s <= goal_s for name, goal_s in GOALS_S.items()) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
