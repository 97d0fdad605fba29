"""Says whether base and head computed the same, from fingerprints and hashes; knows no times.

Faster and wrong is not faster. Tensors are compared within a tolerance, because another order of
the same additions moves the last digits; files are compared by their hash. An output that already
differs between launches of base proves nothing about the change and is not checked.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal, TypeAlias

from perfgate.records import Launch, OutputFingerprint, TensorSummary
from perfgate.verdict.metrics import failure_of

OutputState: TypeAlias = Literal["same", "changed", "allowed", "not checked"]

TOLERANCE = 1e-3
"""Of a tensor's scale: far above rounding in half precision sums, far below a visible change."""
_TINY = 1e-12


@dataclass(frozen=True, kw_only=True)
class OutputCheck:
    """Whether the outputs agree, and the first thing that does not."""

    state: OutputState
    what: str = ""


def check_outputs(
    base: Sequence[Launch],
    head: Sequence[Launch],
    *,
    burn_in: Launch | None = None,
    allow: Mapping[str, str] | None = None,
) -> OutputCheck:
    """Compare the outputs of all launches of both sides; ``burn_in`` is one more head launch."""
    base = [launch for launch in base if failure_of(launch) is None]
    head = [launch for launch in head if failure_of(launch) is None]
    if not base or not head:
        return OutputCheck(state="not checked")
    steps = _fewer_steps(base, head)
    spare = [burn_in] if burn_in is not None and failure_of(burn_in) is None else []
    check = OutputCheck(state="changed", what=steps) if steps else _compare(base, head, spare)
    reason = (allow or {}).get("output")
    if check.state == "changed" and reason is not None:
        return OutputCheck(state="allowed", what=f"{check.what}; allowed: {reason}")
    return check


def _compare(
    base: Sequence[Launch], head: Sequence[Launch], more_heads: Sequence[Launch]
) -> OutputCheck:
    compared = [_difference(one, other) for one, other in zip(base, head, strict=False)]
    if all(found is None for found in compared):
        return OutputCheck(state="not checked", what="the launches left no output to compare")
    what = next((found for found in compared if found), "")
    if not what:
        return OutputCheck(state="same")
    if not _reproducible(base):
        return OutputCheck(state="not checked", what="base's own launches differ in output")
    if _reproducible([*head, *more_heads]):
        return OutputCheck(state="changed", what=what)
    if len(base) < 2:
        return OutputCheck(state="not checked", what="head's own launches differ in output")
    return OutputCheck(state="changed", what=f"{what}, and from one head launch to the next")


def _fewer_steps(base: Sequence[Launch], head: Sequence[Launch]) -> str:
    fewest_base, fewest_head = (
        min((len(report.steps_ms) for launch in side for report in launch.reports), default=0)
        for side in (base, head)
    )
    if fewest_head < fewest_base:
        return f"head ran {fewest_head} steps, base {fewest_base}"
    return ""


def _reproducible(launches: Sequence[Launch]) -> bool:
    return not any(_difference(launches[0], other) for other in launches[1:])


def _difference(one: Launch, other: Launch) -> str | None:
    """The first difference, empty if there is none, None if there is nothing to compare."""
    found = [_output_difference(_output(one), _output(other)), _file_difference(one, other)]
    told = [difference for difference in found if difference is not None]
    return next((difference for difference in told if difference), "") if told else None


def _output(launch: Launch) -> OutputFingerprint | None:
    return launch.reports[-1].output if launch.reports else None


def _output_difference(
    one: OutputFingerprint | None, other: OutputFingerprint | None
) -> str | None:
    if one is None and other is None:
        return None
    if one is None or other is None:
        return "only one side reported its output"
    if not one.stages and not other.stages:
        if one.sha256 is None or other.sha256 is None:
            return None
        return "" if one.sha256 == other.sha256 else "the final output differs"
    theirs = {tensor.name: tensor for tensor in other.stages}
    for tensor in one.stages:
        difference = _tensor_difference(tensor, theirs.pop(tensor.name, None))
        if difference:
            return difference
    return f"{next(iter(theirs))} was computed on one side only" if theirs else ""


def _tensor_difference(one: TensorSummary, other: TensorSummary | None) -> str:
    if other is None:
        return f"{one.name} was computed on one side only"
    if one.shape != other.shape:
        return f"{one.name} has another shape"
    scale = max(abs(one.mean), one.deviation, abs(other.mean), other.deviation, _TINY)
    away = max(
        abs(one.mean - other.mean) / scale,
        abs(one.deviation - other.deviation) / scale,
        abs(one.norm - other.norm) / max(one.norm, other.norm, _TINY),
        _distance(one, other) / max(one.norm, other.norm, _TINY),
    )
    if away <= TOLERANCE:
        return ""
    return f"{one.name} is where the outputs part, by {away:.2g} of its scale"


def _distance(one: TensorSummary, other: TensorSummary) -> float:
    """The distance of the tensors as their sketches estimate it; 0 where there are none."""
    if not one.sketch or len(one.sketch) != len(other.sketch):
        return 0.0
    squares = [(a - b) ** 2 for a, b in zip(one.sketch, other.sketch, strict=True)]
    return math.sqrt(fmean(squares))


def _file_difference(one: Launch, other: Launch) -> str | None:
    if not one.output_files and not other.output_files:
        return None
    for name in sorted({*one.output_files, *other.output_files}):
        if name not in one.output_files or name not in other.output_files:
            return f"{name} was written on one side only"
        if one.output_files[name] != other.output_files[name]:
            return f"{name} differs"
    return ""
