"""What a search for a commit says on a terminal; may not print but on the console given.

Subjects of commits and what a benchmark says of itself come from outside: they are made harmless.
"""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from perfgate.records.bisected import Bisected, Commit, MeasuredChange
from perfgate.report.escape import log_lines, plain
from perfgate.report.words import change, count, device_minutes, interval

_SUBJECT_CHARS = 72
_MOST_SUSPECTS = 20
_MOST_SKIPPED = 10
_MOST_LOG_LINES = 8


def render_bisection(found: Bisected, console: Console) -> None:
    """Print the answer, what was measured of each commit, what was skipped, and the cost."""
    console.print(Text(_headline(found), style="bold"))
    for line in _evidence(found):
        console.print(Text(line))
    if found.outcome in ("narrowed", "stopped") and found.whole is not None:
        _print_suspects(found, console)
    if len(found.measured) > 1:
        console.print(_table(found))
    _print_skipped(found, console)
    console.print(Text(_cost(found), style="dim"))
    for command in _next(found):
        console.print(Text(f"Next: {command}", style="bold"))


def _headline(found: Bisected) -> str:
    what, good, bad = _what(found), found.good.short, found.bad.short
    match found.outcome:
        case "found":
            return f"{_commit(found.suspects[0])} made {what} slower"
        case "narrowed":
            several = count(len(found.suspects), "commit")
            return f"One of {several} made {what} slower; they cannot be told apart"
        case "not slower":
            margin = f"{100 * found.margin:g} %"
            return f"{bad} is not slower than {good} by {margin} in {what}: nothing to look for"
        case "undecided":
            return f"Whether {bad} is slower than {good} in {what} could not be decided"
        case "stopped":
            why = plain(found.interrupted or found.why, limit=200)
            return f"The search in {what} has not ended: {why}"


def _evidence(found: Bisected) -> list[str]:
    lines = []
    if found.outcome in ("found", "narrowed") and found.change is not None:
        before = found.before.short
        lines.append(f"Its change over the commit before, {before}: {_change(found.change)}")
    if found.whole is not None:
        lines.append(f"{found.bad.short} over {found.good.short}: {_change(found.whole)}")
    if found.outcome == "found":
        lines.append(f"Probability by the model of the noise: {_certainty(found.certainty)}")
    lines += [
        f"A part of it: {one.commit.short} over {one.over.short}: {_change(one.change)}"
        for one in found.measured
        if one.part
    ]
    if _is_a_part(found):
        lines.append("Its change is less than the whole: other commits may have made it slower too")
    return lines


def _print_suspects(found: Bisected, console: Console) -> None:
    of_all = count(found.commits, "commit")
    told = f"{100 * found.certainty:.0f} %"
    console.print(Text(f"Suspects, {len(found.suspects)} of {of_all}, together {told}:"))
    for commit in found.suspects[:_MOST_SUSPECTS]:
        console.print(Text(f"  {_commit(commit)}"))
    if len(found.suspects) > _MOST_SUSPECTS:
        console.print(Text(f"  and {len(found.suspects) - _MOST_SUSPECTS} more"))


def _table(found: Bisected) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    table.add_column("commit", overflow="ellipsis", no_wrap=True)
    table.add_column("over", no_wrap=True)
    table.add_column("pairs", justify="right")
    table.add_column("change", justify="right", no_wrap=True)
    for one in found.measured:
        ratio = f"{change(one.change.ratio)} {interval(one.change.low, one.change.high)}"
        name, pairs = Text(_commit(one.commit)), str(one.change.pairs)
        table.add_row(name, Text(one.over.short), pairs, Text(ratio))
    return table


def _print_skipped(found: Bisected, console: Console) -> None:
    for one in found.skipped[:_MOST_SKIPPED]:
        console.print(Text(f"Skipped {one.id[:10]}: {plain(one.why)}", style="yellow"))
        for line in log_lines(one.log_tail, max_lines=_MOST_LOG_LINES):
            console.print(Text(f"  │ {plain(line)}"))
    if len(found.skipped) > _MOST_SKIPPED:
        console.print(Text(f"And {len(found.skipped) - _MOST_SKIPPED} more that were skipped"))


def _next(found: Bisected) -> list[str]:
    """What to run now: to go on, or to look at each of several steps by itself."""
    if found.outcome == "stopped":
        return ["perfgate bisect --continue"]
    if found.outcome == "found":
        part = found.suspects[0].id if _is_a_part(found) else None
    else:
        part = next((one.commit.id for one in found.measured if one.part), None)
    if part is None:
        return []
    ends = ((found.good.id, part), (part, found.bad.id))
    return [f"perfgate bisect {good[:10]} {bad[:10]}" for good, bad in ends if good != bad]


def _is_a_part(found: Bisected) -> bool:
    """Whether the commit that was found cannot explain the whole change."""
    change, whole = found.change, found.whole
    if found.outcome != "found" or change is None or whole is None:
        return False
    return change.high < whole.low


def _what(found: Bisected) -> str:
    return f"{plain(found.case, limit=100)}, {plain(found.metric, limit=100)},"


def _commit(commit: Commit) -> str:
    return f"{commit.short} {plain(commit.subject, limit=_SUBJECT_CHARS)}".rstrip()


def _certainty(share: float) -> str:
    """Nothing that is measured is sure: ``98.7 %``, ``over 99.9 %``."""
    return "over 99.9 %" if share >= 0.9995 else f"{100 * share:.1f} %"


def _change(found: MeasuredChange) -> str:
    told = f"{change(found.ratio)} {interval(found.low, found.high)}"
    return f"{told}, {count(found.pairs, 'pair')}"


def _cost(found: Bisected) -> str:
    launches = count(found.launches, "launch", "launches")
    minutes = device_minutes(found.device_minutes, found.hardware_key)
    return f"{launches} · {minutes} · {found.hardware_key}"
