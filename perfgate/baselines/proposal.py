"""What a proposed update holds, kept in its commit's message: values in, text out, and back.

The branch itself remembers what stands on it, so that a job which comes later, or at the same time,
can carry it on; what somebody asked for in a comment stands there too, until a job carries it out.
Everybody who may push can write such a message, and the same people may ask: what is read here is
shown to a reviewer and decides nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from perfgate.baselines.ask import MOST_ASKS, Ask
from perfgate.baselines.change import CaseChange, MetricChange
from perfgate.records import Value
from perfgate.verdict.metrics import END_TO_END

_TRAILER = "Perfgate-Proposal: "
_ASK_TRAILER = "Perfgate-Ask: "
_MOST_BYTES = 1_000_000
_MOST_OFFERS = 1000


class Offer(Value):
    """One entry as one job measured it, beside what its base branch holds.

    ``commit`` was measured on ``date``, in the job at ``run_url`` (empty outside of Actions).
    ``asked`` says who wanted it though no figure moved, empty for what moved.
    """

    change: CaseChange
    commit: Annotated[str, Field(max_length=80)]
    date: Annotated[str, Field(max_length=80)]
    run_url: Annotated[str, Field(max_length=500)] = ""
    asked: Annotated[str, Field(max_length=300)] = ""


class _Proposal(Value):
    version: Literal[1] = 1
    offers: Annotated[tuple[Offer, ...], Field(max_length=_MOST_OFFERS)]
    asks: Annotated[tuple[Ask, ...], Field(max_length=MOST_ASKS)] = ()


def proposal_message(
    title: str, lines: Sequence[str], offers: Sequence[Offer], asks: Sequence[Ask] = ()
) -> str:
    """The commit's message: ``title``, ``lines`` for people, offers and open asks in a trailer."""
    kept = _Proposal(
        offers=tuple(one.model_copy(update={"change": _brief(one)}) for one in offers),
        asks=tuple(asks),
    )
    told = "".join(f"{line}\n" for line in lines)
    return f"{title}\n\n{told}\n{_TRAILER}{kept.model_dump_json(exclude_defaults=True)}\n"


def ask_message(ask: Ask, *, by: str) -> str:
    """The message of a commit that changes no file and says what was asked for.

    It goes on top of whatever the branch holds, so that nobody's change there becomes another's.
    """
    kept = ask.model_dump_json(exclude_defaults=True)
    return f"Ask for {ask.told()}\n\n{by}\n\n{_ASK_TRAILER}{kept}\n"


def read_offers(message: str) -> tuple[Offer, ...] | None:
    """The offers of a message; None for a commit that is no proposal of perfgate's."""
    found = _read(message)
    return None if found is None else found.offers


def read_asks(message: str) -> tuple[Ask, ...]:
    """What a message says was asked for and is not carried out; none where it says nothing."""
    found = _read(message)
    if found is not None:
        return found.asks
    last = _last_line(message)
    if not last.startswith(_ASK_TRAILER):
        return ()
    try:
        return (Ask.model_validate_json(last.removeprefix(_ASK_TRAILER)),)
    except ValidationError:
        return ()


def _read(message: str) -> _Proposal | None:
    last = _last_line(message)
    if not last.startswith(_TRAILER) or len(last) > _MOST_BYTES:
        return None
    try:
        return _Proposal.model_validate_json(last.removeprefix(_TRAILER))
    except ValidationError:
        return None


def _last_line(message: str) -> str:
    return message.rstrip().rpartition("\n")[2]


def _brief(offer: Offer) -> CaseChange:
    """The change without the metrics that nobody asks about: those that stayed as they were."""
    change = offer.change
    kept = tuple(one for one in change.metrics if _is_told(one, change))
    return change.model_copy(update={"metrics": kept})


def _is_told(metric: MetricChange, change: CaseChange) -> bool:
    named = metric.metric in (END_TO_END, *change.unexplained, *change.paid)
    return named or metric.looser or metric.tighter
