"""A plan on a terminal: its shards, and what each case costs; may not plan anything.

Names and labels come from a suite file, and never reach rich's markup.
"""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from perfgate.records import CaseInPlan, FleetPlan
from perfgate.report.escape import plain
from perfgate.report.words import NOTHING, count

_NAME_CHARS = 64


def render_plan(plan: FleetPlan, console: Console, *, cost: bool) -> None:
    """Print the shards, with ``cost`` every case's device minutes, then what is to be known."""
    shards = count(len(plan.shards), "shard")
    console.print(Text(f"{count(len(plan.cases), 'case')} in {shards}", style="bold"))
    console.print()
    console.print(_shards(plan))
    console.print()
    if cost:
        console.print(_cases(plan))
        console.print()
    console.print(Text(_balanced(plan)))
    console.print(Text(_total(plan)))
    for note in plan.notes:
        console.print(Text(f"Note: {plain(note, limit=400)}"))


def _new_table(*columns: str, left: int) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for index, column in enumerate(columns):
        if index < left:
            table.add_column(column, overflow="fold")
        else:
            table.add_column(column, justify="right", no_wrap=True)
    return table


def _shards(plan: FleetPlan) -> Table:
    table = _new_table("shard", "runner", "cases", "minutes", left=2)
    for shard in plan.shards:
        unknown = any(plan.by_id[case].expected_s is None for case in shard.cases)
        minutes = f"{'≤ ' if unknown else ''}{shard.seconds / 60.0:.1f}"
        labels = plain(", ".join(shard.runs_on), limit=_NAME_CHARS)
        table.add_row(Text(shard.name), Text(labels), f"{len(shard.cases):,}", minutes)
    return table


def _cases(plan: FleetPlan) -> Table:
    table = _new_table(
        "case", "shard", "known from", "devices", "launches", "expected", "worst", left=3
    )
    where = {case: shard.name for shard in plan.shards for case in shard.cases}
    for case in plan.cases:
        expected = device_minutes(case, plan)
        table.add_row(
            Text(plain(case.id, limit=_NAME_CHARS)),
            Text(where[case.id]),
            Text(plain(case.known_from, limit=_NAME_CHARS) or NOTHING),
            f"{case.devices}",
            f"{case.launches} to {case.most_launches}" if case.launches else "0",
            NOTHING if expected is None else f"{expected:.1f} min",
            f"{worst_minutes(case, plan):.1f} min",
        )
    return table


def device_minutes(case: CaseInPlan, plan: FleetPlan) -> float | None:
    """What the case usually takes of its devices together; None where no launch tells it."""
    if case.expected_s is None:
        return None
    return min(case.expected_s, plan.budget_s) / 60.0 * case.devices


def worst_minutes(case: CaseInPlan, plan: FleetPlan) -> float:
    """What the case can take of its devices together, within the budget of its job."""
    return min(case.worst_s, plan.budget_s) / 60.0 * case.devices


def _balanced(plan: FleetPlan) -> str:
    if not plan.bound_s:
        return "Nothing is known to take any time."
    return (
        f"The longest shard takes {plan.longest_s / 60.0:.1f} min, "
        f"{plan.longest_s / plan.bound_s:.2f} times what no split of these cases can beat."
    )


def _total(plan: FleetPlan) -> str:
    known = [device_minutes(case, plan) for case in plan.cases]
    expected = sum(minutes for minutes in known if minutes is not None)
    unknown = sum(minutes is None for minutes in known)
    and_more = f" and {count(unknown, 'case')} of unknown length" if unknown else ""
    worst = sum(worst_minutes(case, plan) for case in plan.cases)
    bound = (
        plan.budget_s
        / 60.0
        * sum(max(plan.by_id[case].devices for case in shard.cases) for shard in plan.shards)
    )
    most = min(worst, bound)
    return (
        f"Device minutes: {min(expected, most):.1f} expected{and_more}, {most:.1f} at most "
        f"(gate.budget: {plan.budget_s / 60.0:g} min a job)."
    )
