"""What the base commit's calibration says of the selected cases: noise, error rates, refusals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from perfgate.app.measuring.selection import Chosen
from perfgate.baselines.calibration import NAME, Calibration, parse_calibration
from perfgate.records import EqualGates, Fingerprint, GatePolicy, Origin
from perfgate.verdict.rates import why_refused

_FIX = (
    "run `perfgate calibrate --resident` on this machine, from the default branch, and commit its "
    "file; or write `launch: fresh`"
)


@dataclass(frozen=True, kw_only=True)
class KnownNoise:
    """By case id: stored differences, error rates of resident servers, why a case is refused.

    ``notes`` name every case whose stored differences cannot be used.
    """

    histories: dict[str, tuple[float, ...]] = field(default_factory=dict)
    equal_gates: dict[str, EqualGates] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def known_noise(
    files: Mapping[str, str],
    chosen: Sequence[Chosen],
    policy: GatePolicy,
    fingerprint: Fingerprint,
) -> KnownNoise:
    """Read the calibration among what base keeps of this hardware; raises BaselineError.

    A case with resident servers is judged only where their error rate is known well enough.
    """
    path = next((path for path in files if path.endswith(f"/{NAME}")), None)
    stored = Calibration(hardware_key=fingerprint.hardware_key)
    if path is not None:
        key = fingerprint.hardware_key
        stored = parse_calibration(files[path], source=path, hardware_key=key)
    known = KnownNoise()
    for one in chosen:
        _add(known, one, stored, policy, fingerprint)
    return known


def _add(
    known: KnownNoise,
    one: Chosen,
    stored: Calibration,
    policy: GatePolicy,
    fingerprint: Fingerprint,
) -> None:
    case = one.case
    found, of_another = stored.find(
        case.id, workload_hash=case.workload_hash(), must_match=fingerprint.must_match
    )
    differences, why_not = ((), of_another) if found is None else found.history()
    if differences:
        known.histories[case.id] = differences
    if why_not:
        known.notes.append(f"the calibration of {case.id} is not used: {why_not}")
    if not case.resident or one.origin is not Origin.JUDGED or policy.strategy == "baseline":
        return
    rate = None if found is None else found.equal_gates
    if rate is not None:
        known.equal_gates[case.id] = rate
    if why := why_refused(rate, policy):
        known.refused[case.id] = f"resident servers may not judge here: {why}; {_FIX}"
