"""Why a case got slower, in words that terminal and comment share; not escaped, ranks nothing."""

from __future__ import annotations

from dataclasses import dataclass

from perfgate.records.explained import ExplainedCase, ExplainedRow
from perfgate.report.words import TIMES, change, count, known
from perfgate.verdict.trace_calls import STEP
from perfgate.verdict.wording import duration, from_to, signed_ms

HEADERS = ("what", "where", "calls", "time", "change")
_OUTSIDE = "outside of what it calls"
_MOST_WITHIN = 3
_MEMORY_OF = {"host": "host memory", "device": "device memory"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """A row under :data:`HEADERS`, as text that is not yet escaped."""

    what: str
    where: str
    calls: str
    time: str
    change: str


def told_row(row: ExplainedRow) -> Told:
    """One cause in words."""
    return Told(
        what=_what(row),
        where=_where(row),
        calls=_calls(row),
        time=from_to(row.base_ms, row.head_ms),
        change=_change(row),
    )


def _what(row: ExplainedRow) -> str:
    name = _short(row.path[-1]) if row.path else row.stage or "the request"
    if row.kind == "time" and row.what == "range":
        return f"{name}, {_OUTSIDE}"
    if row.kind == "shapes":
        seen = f"{row.shapes_base or 'none'} → {row.shapes_head or 'none'}"
        more = f", first of {count(row.includes + 1, 'place')} with other shapes"
        return f"{name}: {seen}{more if row.includes else ''}"
    shapes = row.shapes_head or row.shapes_base
    return f"{name} ({shapes})" if shapes else name


def _where(row: ExplainedRow) -> str:
    """Stage, steps, and the innermost modules around; without one the operators."""
    modules = [name for name in row.path[:-1] if name != STEP and "::" not in name]
    around = modules or [_short(name) for name in row.path[:-1] if name != STEP]
    cut = "… / " if len(around) > _MOST_WITHIN else ""
    parts = (row.stage or "outside of stages", row.steps, cut + " / ".join(around[-_MOST_WITHIN:]))
    return " · ".join(part for part in parts if part)


def _short(name: str) -> str:
    """Without the namespace of all of torch's own operators."""
    return name.removeprefix("aten::")


def _calls(row: ExplainedRow) -> str:
    if row.calls_base == row.calls_head:
        return f"{row.calls_head:,}"
    told = f"{row.calls_base:,} → {row.calls_head:,}"
    if row.calls_base and row.calls_head and row.calls_head % row.calls_base == 0:
        told += f" ({TIMES}{row.calls_head // row.calls_base})"
    return told


def _change(row: ExplainedRow) -> str:
    told = f"{signed_ms(row.delta_ms)} ms"
    return told if row.deviation_ms is None else f"{told} (±{duration(row.deviation_ms)})"


def summary_of(case: ExplainedCase) -> str:
    """The whole change of a case in a sentence, split into more calls and slower calls."""
    total = case.more_calls_ms + case.slower_calls_ms
    return (
        f"{count(case.captures, 'capture')} of each side, "
        f"{from_to(case.request_base_ms, case.request_head_ms)} with the profiler on. "
        f"{signed_ms(total)} ms on the {case.clock}: {signed_ms(case.more_calls_ms)} by other "
        f"numbers of calls, {signed_ms(case.slower_calls_ms)} by the time of a call."
    )


def work_of(case: ExplainedCase) -> list[str]:
    """FLOPs and memory of a request, base beside head, where they are known."""
    lines = []
    if case.flops_base and case.flops_head is not None:
        scale, unit = (1e12, "TFLOP") if case.flops_base >= 1e12 else (1e9, "GFLOP")
        lines.append(_figures("FLOPs", case.flops_base / scale, case.flops_head / scale, unit))
    for place, base in case.memory_base_mb.items():
        head = case.memory_head_mb.get(place)
        if base and head is not None:
            lines.append(_figures(_MEMORY_OF.get(place, place), base, head, "MiB"))
    return lines


def _figures(name: str, base: float, head: float, unit: str) -> str:
    ratio = head / base
    if not (known(base) and known(head) and known(ratio)):
        return f"{name}: not known"
    return f"{name}: {_amount(base)} → {_amount(head)} {unit} ({change(ratio)})"


def _amount(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000.0 else f"{value:.3g}"


def nothing_of(case: ExplainedCase) -> str:
    """What is said where there is no row."""
    moved = f"; {count(case.hidden, 'time')} moved within its noise" if case.hidden else ""
    return f"No call, shape or time of a call differs beyond noise{moved}."
