"""The calibration file of one hardware key: differences of equal sides; text in, values out.

Schema history:
    1  first version
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from perfgate.errors import BaselineError
from perfgate.records import MAX_HISTORY, EqualGates, Finite, Record, Value, first_problem
from perfgate.verdict.calibration import differences_of
from perfgate.verdict.likelihood import MIN_HISTORY
from perfgate.verdict.wording import count

NAME = "calibration.json"
MOST_DIGITS = 7
"""Decimals of a stored difference: a hundred thousandth of a per cent."""
_LARGEST = 5.0
"""A logarithm: what lies beyond is an outlier, however far."""
_RESTORE = "Restore the file from its last commit; new differences come from `perfgate calibrate`."


class CalibrationRun(Value):
    """One visit to a runner: the commit that ran on both sides, and each pair's log(head/base)."""

    date: str
    commit: Annotated[str, Field(min_length=1)]
    job: str = ""
    differences: Annotated[
        tuple[Annotated[Finite, Field(ge=-_LARGEST, le=_LARGEST)], ...],
        Field(min_length=1, max_length=MAX_HISTORY),
    ]


class CalibratedCase(Value):
    """One workload of one case, and the machine's software that it was measured with.

    ``equal_gates`` counts whole gates of equal sides, of a case whose servers stay resident.
    """

    case: str
    workload_hash: str
    must_match: dict[str, str] = Field(default_factory=dict)
    equal_gates: EqualGates | None = None
    runs: Annotated[tuple[CalibrationRun, ...], Field(min_length=1)]

    @property
    def differences(self) -> tuple[float, ...]:
        """Every stored difference, the oldest first."""
        return tuple(one for run in self.runs for one in run.differences)

    def history(self) -> tuple[tuple[float, ...], str]:
        """The differences to judge with, or why they are too few; one is empty."""
        stored = self.differences
        if len(stored) < MIN_HISTORY:
            return (), f"it holds {count(len(stored), 'pair')}, and {MIN_HISTORY} are the fewest"
        return stored, ""


class Calibration(Value):
    """All that is known of the noise of one kind of machine."""

    schema_name: Literal["perfgate.calibration"] = Field("perfgate.calibration", alias="schema")
    version: Literal[1] = 1
    hardware_key: str
    cases: tuple[CalibratedCase, ...] = ()

    def history(
        self, case_id: str, *, workload_hash: str, must_match: Mapping[str, str]
    ) -> tuple[tuple[float, ...], str]:
        """The differences to judge a case with, and why stored ones are left out; one is empty."""
        found, why_not = self.find(case_id, workload_hash=workload_hash, must_match=must_match)
        return ((), why_not) if found is None else found.history()

    def find(
        self, case_id: str, *, workload_hash: str, must_match: Mapping[str, str]
    ) -> tuple[CalibratedCase | None, str]:
        """What is known of a case on this machine, or why what is stored is of something else."""
        found = next((one for one in self.cases if one.case == case_id), None)
        if found is None:
            return None, ""
        if found.workload_hash != workload_hash:
            return None, "it is of another workload"
        keys = sorted({*found.must_match, *must_match})
        other = [key for key in keys if found.must_match.get(key) != must_match.get(key)]
        if other:
            return None, f"it is of another machine ({', '.join(other)})"
        return found, ""


def parse_calibration(text: str, *, source: str, hardware_key: str) -> Calibration:
    """Read a calibration file; BaselineError names the file and what is wrong with it."""
    try:
        found = Calibration.model_validate_json(text)
    except ValidationError as error:
        raise BaselineError(f"{source}: {first_problem(error)}", fix=_RESTORE) from error
    if found.hardware_key != hardware_key:
        raise BaselineError(
            f"{source}: hardware_key says {found.hardware_key!r}, but the path says "
            f"{hardware_key!r}",
            fix="A calibration holds for the machine it was measured on: move the file back.",
        )
    names = [one.case for one in found.cases]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise BaselineError(f"{source}: the case {twice!r} stands twice", fix=_RESTORE)
    long = next((one for one in found.cases if len(one.differences) > MAX_HISTORY), None)
    if long is not None:
        raise BaselineError(
            f"{source}: {long.case} holds more than {MAX_HISTORY} differences", fix=_RESTORE
        )
    return found


def render_calibration(calibration: Calibration) -> str:
    """The file's text: the same bytes for the same value, a case on a line for small diffs."""
    head = calibration.model_dump(mode="json", exclude={"cases"})
    lines = json.dumps(head, indent=1, ensure_ascii=False).removesuffix("\n}")
    cases = ",\n".join(f"  {_compact(case.model_dump(mode='json'))}" for case in calibration.cases)
    return f'{lines},\n "cases": [\n{cases}\n ]\n}}\n'


def _compact(value: dict[str, Any]) -> str:
    value["must_match"] = dict(sorted(value["must_match"].items()))
    if value["equal_gates"] is None:
        del value["equal_gates"]
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def add_run(calibration: Calibration | None, record: Record) -> Calibration:
    """The calibration with this record's pairs of equal sides added to each of its cases.

    The newest differences stay; those of another workload or machine go, since none could use them.
    Gates of equal sides add up, as long as the same rule decided them. A case without a single good
    pair is left as it was.
    """
    key = record.fingerprint.hardware_key
    cases = {} if calibration is None else {one.case: one for one in calibration.cases}
    for case in record.cases:
        differences = tuple(_stored(one) for one in differences_of(case))
        if not differences:
            continue
        run = CalibrationRun(
            date=record.created_at,
            commit=record.head.commit + ("-dirty" if record.head.dirty else ""),
            job=record.job,
            differences=differences[-MAX_HISTORY:],
        )
        fresh = CalibratedCase(
            case=case.id,
            workload_hash=case.workload_hash,
            must_match=record.fingerprint.must_match,
            runs=(run,),
        )
        old = cases.get(case.id)
        same = old is not None and (old.workload_hash, old.must_match) == (
            fresh.workload_hash,
            fresh.must_match,
        )
        before = old if same else None
        runs = (run,) if before is None else (*before.runs, run)
        gates = _added(None if before is None else before.equal_gates, case.equal_gates)
        cases[case.id] = fresh.model_copy(update={"runs": _newest(runs), "equal_gates": gates})
    return Calibration(hardware_key=key, cases=tuple(cases[name] for name in sorted(cases)))


def _added(before: EqualGates | None, now: EqualGates | None) -> EqualGates | None:
    """Both together; of another rule nothing stays, since no gate could use it."""
    if before is None or now is None:
        return now or before
    if before.rule != now.rule:
        return now
    counted = ("gates", "blocked", "passed", "undecided")
    sums = {name: getattr(before, name) + getattr(now, name) for name in counted}
    return now.model_copy(update=sums)


def _stored(difference: float) -> float:
    return round(max(-_LARGEST, min(difference, _LARGEST)), MOST_DIGITS)


def _newest(runs: Sequence[CalibrationRun]) -> tuple[CalibrationRun, ...]:
    """The newest runs that hold MAX_HISTORY differences together; the oldest of them is cut."""
    kept: list[CalibrationRun] = []
    room = MAX_HISTORY
    for run in reversed(runs):
        if room <= 0:
            break
        kept.append(run.model_copy(update={"differences": run.differences[-room:]}))
        room -= len(run.differences)
    return tuple(reversed(kept))
