"""What people asked for in comments, beside what a trusted job measured. Pure.

An ask waits on the proposal's branch until a job has measured what it is about; what can never be
carried out is told in the pull request and forgotten.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from perfgate.app.proposing.ground import Ground, Offers
from perfgate.baselines.ask import Ask
from perfgate.baselines.change import CaseChange
from perfgate.verdict.acceptance import Acceptance

_NOT_MEASURED = "no job has measured it since"


def waiting(ground: Ground) -> tuple[dict[Ask, str], dict[Ask, str]]:
    """The asks on the branch that may still be carried out, and those that cannot, with why.

    Of several for the same the newest counts.
    """
    known = {case.id for case in ground.suite.cases}
    newest = {(one.kind, one.case, one.metric): one for one in ground.standing.asks}
    open_asks: dict[Ask, str] = {}
    given_up: dict[Ask, str] = {}
    for ask in newest.values():
        if ask.case not in known:
            given_up[ask] = f"the suite on {ground.base} has no such case"
        elif ask.is_over(ground.today):
            given_up[ask] = "its last day is past"
        else:
            open_asks[ask] = _NOT_MEASURED
    return open_asks, given_up


def asks_for(case: str, asks: Iterable[Ask]) -> tuple[Ask, ...]:
    """Those about a case."""
    return tuple(one for one in asks if one.case == case)


def who_wants(asks: Sequence[Ask]) -> str:
    """Whose wish it is to have the case's figures though none moved; empty where nobody's."""
    person = next((one.asked_by for one in asks if one.kind == "update"), "")
    return f"asked for by {person}" if person else ""


def carry_out(found: Offers, asks: Sequence[Ask], change: CaseChange) -> None:
    """Take off the list what the case's offer does; tell of the rest why it waits."""
    for ask in asks:
        if ask.kind == "update" or any(_is_of(one, ask) for one in change.acceptances):
            found.asks.pop(ask, None)
        else:
            found.asks[ask] = "that is not slower by more than its margin"


def _is_of(granted: Acceptance, ask: Ask) -> bool:
    same = (granted.issue, granted.expires, granted.asked_by)
    return same == (ask.issue, ask.expires, ask.asked_by) and ask.metric in ("", granted.metric)
