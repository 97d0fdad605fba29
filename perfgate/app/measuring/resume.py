"""Goes on from the record of a gate: proves that it is the same comparison, joins the two parts.

What continuing does to the false-block rate: nothing is judged twice. The evidence of a metric is a
ratio of likelihoods of all pairs in their order, which may be looked at after every pair, so that
its bound holds however many pairs follow (Ville's inequality; Grünwald, de Heide and Koolen, "Safe
testing", 2024, doi:10.1093/jrsssb/qkae011). The exact sign test has one look, at the suite's last
pair (``gate.max_pairs``), and continuing gives it no second one. What the simulations of the rule
measured ends at that pair: beyond it the bound rests on the noise model alone.
"""

from __future__ import annotations

from pathlib import Path

from perfgate.app.measuring.selection import Selection
from perfgate.errors import ConfigurationError
from perfgate.records import (
    Decision,
    Fingerprint,
    GatePolicy,
    Origin,
    Record,
    Tree,
    Verdict,
    parse_record,
)
from perfgate.verdict.wording import count

_START_ANEW = "Run `perfgate gate` without --continue: it measures from the beginning."


def read_earlier(path: Path) -> Record:
    """The record to go on from.

    Raises ConfigurationError where there is none, or none that was measured in pairs.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"there is no record to go on from: {path} cannot be read", fix=_START_ANEW
        ) from error
    record = parse_record(text, source=str(path))
    if record.base is None or record.policy.strategy == "baseline":
        raise ConfigurationError(
            f"{path} was measured without a base: pairs cannot go on from it", fix=_START_ANEW
        )
    return record


def refuse_another_comparison(
    earlier: Record, *, base: Tree, head: Tree, selection: Selection, policy: GatePolicy
) -> None:
    """Raise ConfigurationError unless this is the comparison that ``earlier`` began."""
    then = earlier.base.commit if earlier.base is not None else "none"
    if base.commit != then:
        raise _another("base", f"it was {then[:12]}, it is {base.commit[:12]} now")
    if head.commit != earlier.head.commit:
        raise _another("head", f"it was {earlier.head.commit[:12]}, it is {head.commit[:12]} now")
    if not head.content or not earlier.head.content:
        raise _another("head", "that the working tree is the same cannot be proven")
    if head.content != earlier.head.content:
        raise ConfigurationError(
            "cannot go on from the record: files of the working tree are not those that were "
            "measured",
            fix="Bring them back, and let .gitignore name what the benchmark itself writes; or run "
            "`perfgate gate` without --continue.",
        )
    if policy != earlier.policy:
        raise _another("gate's policy", "it is read otherwise now")
    chosen = {one.case.id: one for one in selection.chosen}
    for case in earlier.cases:
        found = chosen[case.id]
        if (found.case.workload_hash(), found.origin) != (case.workload_hash, case.origin):
            raise _another(f"case {case.id}", "it computes something else, or came in otherwise")


def refuse_another_machine(earlier: Fingerprint, now: Fingerprint) -> None:
    """Raise ConfigurationError unless the fingerprints match."""
    seen = {"hardware key": earlier.hardware_key, **earlier.must_match}
    here = {"hardware key": now.hardware_key, **now.must_match}
    for key in sorted({*seen, *here}):
        if seen.get(key) != here.get(key):
            was, is_ = seen.get(key, "not set"), here.get(key, "not set")
            raise _another("machine", f"{key} was {was}, it is {is_} now")


def _another(what: str, how: str) -> ConfigurationError:
    return ConfigurationError(
        f"cannot go on from the record: another {what}, {how}", fix=_START_ANEW
    )


def is_finished(earlier: Record, decision: Decision) -> bool:
    """Whether launches could change nothing any more: every case decided, failed or measured."""
    undecided = any(case.verdict is Verdict.INCONCLUSIVE for case in decision.cases)
    cut_off = earlier.interrupted or any(case.stopped for case in earlier.cases)
    new = any(case.origin is Origin.NEW for case in earlier.cases)
    return not undecided and not (cut_off and new)


def told_before(earlier: Record, decision: Decision) -> str:
    """One line for a person: what the record holds, and what is left to do."""
    left = [case.id for case in decision.cases if case.verdict is Verdict.INCONCLUSIVE]
    launches = sum(len(case.launches) for case in earlier.cases)
    undecided = f"undecided: {', '.join(left)}" if left else "new cases are left"
    return f"going on from {count(launches, 'launch')} of {earlier.created_at[:16]}; {undecided}"


def joined(earlier: Record, later: Record) -> Record:
    """One record of both parts: the job of the first, the launches and the end of the second."""
    return earlier.model_copy(
        update={
            "cases": later.cases,
            "interrupted": later.interrupted,
            "continued": earlier.continued + 1,
        }
    )
