"""Which launches may be looked at, by what their device and host were doing; judges no time.

The loop that measures and the replay of its record both ask here, so that they cannot disagree on
which pairs the judge sees. A text of :class:`perfgate.records.Conditions` is a reason, a colon, and
where it was seen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from perfgate.records import Launch, Side
from perfgate.verdict.metrics import unfit_of
from perfgate.verdict.wording import count

MOST_UNFIT = 3
"""So many unfit pairs or burn-ins in a row end a case: the device will not mend by itself."""
MOST_WARNINGS = 10
_MAX_REASON_CHARS = 80
_SHARED = "load of other processes"


def burn_in_of(launches: Sequence[Launch]) -> Launch | None:
    """The discarded launch: the first one on a fit device; the first of all where none was."""
    burn_ins = [launch for launch in launches if launch.pair is None]
    fit = (launch for launch in burn_ins if unfit_of(launch) is None)
    return next(fit, next(iter(burn_ins), None))


def pairs_of(launches: Iterable[Launch]) -> list[tuple[Launch, Launch]]:
    """The pairs that the judge sees, in order: base and head, both on a fit device."""
    sides: dict[int, dict[Side, Launch]] = {}
    for launch in launches:
        if launch.pair is not None and unfit_of(launch) is None:
            sides.setdefault(launch.pair, {})[launch.side] = launch
    return [
        (pair[Side.BASE], pair[Side.HEAD]) for _, pair in sorted(sides.items()) if len(pair) == 2
    ]


def why_stopped(unfit: str) -> str:
    """Why a case ends when nothing but unfit launches came, and what to do about it."""
    if unfit.startswith(_SHARED):
        return f"the device was shared: {unfit}; end them, or measure on another device"
    return f"the device was throttled: {unfit}; cool it or lower its power limit"


def condition_warnings(launches: Sequence[Launch]) -> tuple[str, ...]:
    """One sentence for each thing that launches were measured under, the unfit ones first."""
    unfit, told = Counter[str](), Counter[str]()
    for launch in launches:
        if launch.conditions is not None:
            unfit.update({_reason(text) for text in launch.conditions.unfit})
            told.update({_reason(text) for text in launch.conditions.warnings})
    of_all = count(len(launches), "launch")
    sentences = [
        *(_sentence(n, of_all, f"{reason} and not judged") for reason, n in unfit.most_common()),
        *(_sentence(n, of_all, reason) for reason, n in told.most_common()),
    ]
    return tuple(sentences[:MOST_WARNINGS])


def _reason(text: str) -> str:
    return text.partition(":")[0][:_MAX_REASON_CHARS]


def _sentence(number: int, of_all: str, reason: str) -> str:
    verb = "was" if number == 1 else "were"
    return f"{number} of {of_all} {verb} measured under {reason}"
