"""What a proposed update holds, kept in its commit's message: values in, text out, and back.

The branch itself remembers what stands on it, so that a job which comes later, or at the same time,
can carry it on. Everybody who may push can write such a message: what is read here is shown to a
reviewer and decides nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from perfgate.baselines.change import CaseChange, MetricChange
from perfgate.records import Value
from perfgate.verdict.metrics import END_TO_END

_TRAILER = "Perfgate-Proposal: "
_MOST_BYTES = 1_000_000
_MOST_OFFERS = 1000


class Offer(Value):
    """One entry as one job measured it, beside what its base branch holds.

    ``commit`` was measured on ``date``, in the job at ``run_url`` (empty outside of Actions).
    """

    change: CaseChange
    commit: Annotated[str, Field(max_length=80)]
    date: Annotated[str, Field(max_length=80)]
    run_url: Annotated[str, Field(max_length=500)] = ""


class _Proposal(Value):
    version: Literal[1] = 1
    offers: Annotated[tuple[Offer, ...], Field(max_length=_MOST_OFFERS)]


def proposal_message(title: str, lines: Sequence[str], offers: Sequence[Offer]) -> str:
    """The commit's message: ``title``, ``lines`` for people, and the offers in a trailer."""
    kept = _Proposal(offers=tuple(one.model_copy(update={"change": _brief(one)}) for one in offers))
    told = "".join(f"{line}\n" for line in lines)
    return f"{title}\n\n{told}\n{_TRAILER}{kept.model_dump_json(exclude_defaults=True)}\n"


def read_offers(message: str) -> tuple[Offer, ...] | None:
    """The offers of a message; None for a commit that is no proposal of perfgate's."""
    last = message.rstrip().rpartition("\n")[2]
    if not last.startswith(_TRAILER) or len(last) > _MOST_BYTES:
        return None
    try:
        return _Proposal.model_validate_json(last.removeprefix(_TRAILER)).offers
    except ValidationError:
        return None


def _brief(offer: Offer) -> CaseChange:
    """The change without the metrics that nobody asks about: those that stayed as they were."""
    change = offer.change
    kept = tuple(one for one in change.metrics if _is_told(one, change))
    return change.model_copy(update={"metrics": kept})


def _is_told(metric: MetricChange, change: CaseChange) -> bool:
    named = metric.metric in (END_TO_END, *change.unexplained, *change.paid)
    return named or metric.looser or metric.tighter
