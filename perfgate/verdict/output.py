"""Says whether base and head computed the same, from fingerprints and files; knows no times.

Faster and wrong is not faster. What has one hash is the same. Tensors that one build computed in
fp32 may differ by the rounding of another order of additions; those of another build or type, and
the files that a benchmark leaves, by as much as nobody sees. An output that already differs
between launches of base proves nothing about the change and is not checked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from perfgate.records import Launch, OutputFingerprint, Report, TensorSummary
from perfgate.verdict.distance import apart
from perfgate.verdict.metrics import failure_of

OutputState: TypeAlias = Literal["same", "changed", "allowed", "not checked"]


@dataclass(frozen=True, kw_only=True)
class OutputCheck:
    """Whether the outputs agree, and the first thing that does not.

    For what was not checked ``what`` is why it could not be; empty where there was nothing.
    """

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
        return OutputCheck(state="not checked")
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
    # A head that answers its second request from memory may have computed the first one wrongly.
    requests = zip(one.reports, other.reports, strict=False)
    found = [
        *(_request_difference(first, second) for first, second in requests),
        _file_difference(one, other),
    ]
    told = [difference for difference in found if difference is not None]
    return next((difference for difference in told if difference), "") if told else None


def _request_difference(one: Report, other: Report) -> str | None:
    if one.output is None and other.output is None:
        return None
    if one.output is None or other.output is None:
        return "only one side reported its output"
    if one.output.sha256 is not None and one.output.sha256 == other.output.sha256:
        return ""
    if one.output.stages or other.output.stages:
        exact = _same_rounding(one.output, other.output)
        return _first_apart(one.output.stages, other.output.stages, exact=exact)
    if one.output.sha256 is None or other.output.sha256 is None:
        return None
    return "the final output differs"


def _same_rounding(one: OutputFingerprint, other: OutputFingerprint) -> bool:
    """One build in fp32; what an older side does not tell is taken for the same."""
    one_build = one.build == other.build or not one.build or not other.build
    return one_build and {one.dtype, other.dtype} <= {"", "float32"}


def _first_apart(
    ones: Sequence[TensorSummary], others: Sequence[TensorSummary], *, exact: bool
) -> str:
    """The first tensor that differs by more than it may, in the order of execution."""
    theirs = {tensor.name: tensor for tensor in others}
    for tensor in ones:
        counterpart = theirs.pop(tensor.name, None)
        if counterpart is None:
            return f"{tensor.name} was computed on one side only"
        if tensor.shape != counterpart.shape:
            return f"{tensor.name} has another shape"
        found = apart(tensor, counterpart)
        if not (found.by_rounding_alone() if exact else found.invisible()):
            return f"{tensor.name} is where the outputs part: {found}"
    return f"{next(iter(theirs))} was computed on one side only" if theirs else ""


def _file_difference(one: Launch, other: Launch) -> str | None:
    if not one.output_files and not other.output_files:
        return None
    for name in sorted({*one.output_files, *other.output_files}):
        if name not in one.output_files or name not in other.output_files:
            return f"{name} was written on one side only"
        if one.output_files[name] != other.output_files[name]:
            difference = _content_difference(name, one, other)
            if difference:
                return difference
    return ""


def _content_difference(name: str, one: Launch, other: Launch) -> str:
    """What differs in a file of two hashes; empty where both hold the same within tolerance."""
    ones, others = (
        [kept for kept in launch.outputs if kept.name == name or kept.name.startswith(f"{name}: ")]
        for launch in (one, other)
    )
    if ones and others:
        return _first_apart(ones, others, exact=False)
    why = other.undecoded.get(name) or one.undecoded.get(name)
    return f"{name} differs (compared by its hash: {why})" if why else f"{name} differs"
