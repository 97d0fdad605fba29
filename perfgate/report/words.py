"""Numbers and verdicts as words, in one place; may not decide, escape or lay out anything."""

from __future__ import annotations

import math
from typing import Literal

from perfgate.records import CaseDecision, MetricDecision, Verdict
from perfgate.report.order import incomplete
from perfgate.verdict.tolerance import NO_ERROR_RATE
from perfgate.verdict.wording import LIMIT

MINUS = "\u2212"
TIMES = "\u00d7"
NOTHING = "\u2013"
"""An en dash: stands where there is no number."""

EMOJI: dict[Verdict, str] = {
    Verdict.REGRESSED: "🔴",
    Verdict.FAILED: "🟠",
    Verdict.MISSING: "🟠",
    Verdict.INCOMPARABLE: "🟠",
    Verdict.INCONCLUSIVE: "⚪",
    Verdict.NEW: "⚪",
    Verdict.ACCEPTED: "🟢",
    Verdict.IMPROVED: "🟢",
    Verdict.PASSED: "🟢",
}
_WORDS: dict[Verdict, str] = {
    Verdict.REGRESSED: "slower",
    Verdict.IMPROVED: "faster",
    Verdict.PASSED: "unchanged",
    Verdict.INCONCLUSIVE: "undecided",
    Verdict.INCOMPARABLE: "not comparable",
}
_MEMORY_WORDS = {**_WORDS, Verdict.REGRESSED: "larger", Verdict.IMPROVED: "smaller"}
_WITHIN = "within limit"
_MOVED = (Verdict.REGRESSED, Verdict.IMPROVED)
_DECIDED = frozenset({*_MOVED, Verdict.PASSED, Verdict.ACCEPTED})
# In a table only what a reviewer looks for carries a colour.
_COLOURED = frozenset({Verdict.REGRESSED, Verdict.IMPROVED, Verdict.INCONCLUSIVE})

_LARGEST = 1e15
"""Nothing that was measured comes near; what is beyond it, or NaN, is shown as no number."""

Unit = Literal["ms", "MiB"]
_SCALES: dict[Unit, tuple[tuple[float, str], ...]] = {
    "ms": ((60_000.0, "min"), (1000.0, "s"), (1.0, "ms"), (0.001, "µs")),
    "MiB": ((1024.0, "GiB"), (1.0, "MiB")),
}
# Ten minutes and more read better in minutes; a video case of 90 s stays in seconds.
_FROM = {"min": 600_000.0, "µs": 0.0}


def known(value: float | None) -> bool:
    """Whether a figure can be shown; a decision that others wrote may hold any number."""
    return value is not None and abs(value) <= _LARGEST


def scale(value: float, unit: Unit) -> tuple[float, str]:
    """The unit that a figure of this size is read in: its size in ``unit``, and its name."""
    scales = _SCALES[unit]
    return next((s for s in scales if value >= _FROM.get(s[1], s[0])), scales[-1])


def decimals(value: float) -> int:
    """Decimals that leave three digits, at most three of them."""
    return min(3, max(0, 2 - math.floor(math.log10(value)))) if value > 0 else 0


def figures(base: float | None, head: float | None, unit: Unit) -> tuple[str, str, str]:
    """Both sides of a row and their unit, in the unit and digits of the row: 346, 389, ms."""
    base, head = (value if known(value) else None for value in (base, head))
    values = [value for value in (base, head) if value is not None]
    if not values:
        return NOTHING, NOTHING, ""
    smallest, largest = min(values), max(values)
    size, name = scale(largest, unit)
    digits = decimals(largest / size)
    if len(values) == 2 and largest < 1.05 * smallest:
        # 9.98 beside 10.02 shows its difference, which 10.0 beside 10.0 would hide.
        digits = decimals(smallest / size)

    def shown(value: float | None) -> str:
        return NOTHING if value is None else f"{value / size:.{digits}f}"

    return shown(base), shown(head), name


def _signed(percent: float, digits: int, *, plus: bool) -> str:
    text = f"{abs(percent):.{digits}f}"
    if float(text) == 0:
        return text
    return (MINUS if percent < 0 else "+" if plus else "") + text


def change(ratio: float | None) -> str:
    """A ratio as a change: ``+12.4 %``, a true minus for less, from tenfold on a factor."""
    if ratio is None or not known(ratio):
        return NOTHING
    if ratio >= 10:
        return TIMES + (f"{ratio:.3g}" if ratio < 1000 else f"{ratio:.0f}")
    percent = (ratio - 1) * 100
    return f"{_signed(percent, 0 if abs(percent) >= 99.95 else 1, plus=True)} %"


def interval(low: float | None, high: float | None) -> str:
    """The interval of a change: ``(11.1 to 13.8 %)``; empty where there is none."""
    if low is None or high is None or not (known(low) and known(high)):
        return ""
    if high >= 10:
        return f"({TIMES}{low:.3g} to {TIMES}{high:.3g})"
    ends = [(end - 1) * 100 for end in (low, high)]
    digits = 0 if max(abs(end) for end in ends) >= 99.95 else 1
    return "({} to {} %)".format(*(_signed(end, digits, plus=False) for end in ends))


def change_with_interval(metric: MetricDecision) -> str:
    return f"{change(metric.ratio)} {interval(metric.low, metric.high)}".rstrip()


def within(fraction: float) -> str:
    """A symmetric bound, rounded up so that it holds: ``±0.6 %``, ``±12 %``."""
    if not known(fraction):
        return "unknown"
    percent = fraction * 100
    digits = 1 if percent < 10 else 0
    return f"±{math.ceil(round(percent * 10**digits, 6)) / 10**digits:.{digits}f} %"


def metric_word(metric: MetricDecision) -> str:
    """What a table says of a metric: ``slower``, ``smaller``, ``not judged``."""
    if not metric.judged and metric.verdict in (*_MOVED, Verdict.PASSED):
        return "not judged"
    if metric.verdict is Verdict.PASSED and metric.reason.startswith(f"{LIMIT} "):
        return _WITHIN
    return metric_verdict(metric.verdict, metric.unit)


def metric_verdict(verdict: Verdict, unit: Unit) -> str:
    """The word for a verdict on a figure: what is slower in time is larger in memory."""
    words = _MEMORY_WORDS if unit == "MiB" else _WORDS
    return words.get(verdict, str(verdict))


def metric_mark(metric: MetricDecision) -> str:
    """:func:`metric_word` behind its colour, where it has one."""
    coloured = metric.judged and metric.verdict in _COLOURED
    return f"{EMOJI[metric.verdict]} {metric_word(metric)}" if coloured else metric_word(metric)


def case_word(case: CaseDecision) -> str:
    """What is said of a case: ``slower``, ``larger``, ``failed: output changed``."""
    word = _WORDS.get(case.verdict, str(case.verdict))
    moved = [metric for metric in case.metrics if metric.judged and metric.verdict == case.verdict]
    if moved and all(metric.unit == "MiB" for metric in moved):
        word = _MEMORY_WORDS.get(case.verdict, word)
    if case.verdict is Verdict.PASSED and moved and metric_word(moved[0]) == _WITHIN:
        word = _WITHIN
    if incomplete(case):
        return "incomplete"
    if case.verdict is Verdict.FAILED and case.refused:
        return "refused"
    if case.verdict is Verdict.FAILED and case.output == "changed":
        return "failed: output changed"
    return word


def by_tolerance(case: CaseDecision) -> bool:
    """Whether its figures were held against limits, with no error rate known."""
    return case.detail == NO_ERROR_RATE


def output_word(case: CaseDecision) -> str:
    """What a table adds to a case whose time alone does not tell that it did the same work."""
    if case.verdict not in _DECIDED:
        return ""
    return {"not checked": "output not checked", "allowed": "output change allowed"}.get(
        case.output, ""
    )


def count(number: int, one: str, many: str | None = None) -> str:
    """``1 case``, ``6 cases``, ``1,200 cases``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def device_minutes(minutes: float, hardware_key: str) -> str:
    """``11 GPU minutes``; the kind of device is the hardware key's first part."""
    kinds = {"cpu": "CPU", "nvidia": "GPU", "amd": "GPU", "ascend": "NPU"}
    kind = kinds.get(hardware_key.split("-", 1)[0], "device")
    if not known(minutes):
        return f"an unknown number of {kind} minutes"
    number = f"{minutes:.1f}" if minutes < 9.95 else f"{minutes:,.0f}"
    return f"{number} {kind} minutes"
