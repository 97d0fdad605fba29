"""Which cases are measured and by whose rules: base's suite judges head. Pure.

A pull request never changes its own judge: policy, permissions and case definitions come from the
base commit, only new cases from head, and what head changes in them is told.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from pathspec import GitIgnoreSpec

from perfgate.errors import ConfigurationError
from perfgate.records import GatePolicy, Origin
from perfgate.suite import Case, Gate, SglangFiles, Suite

_TOLD_KEYS = ("accuracy", "allow", "outputs", "timeout", "when")


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """One case of this job; ``case`` is base's definition unless the case is new."""

    case: Case
    origin: Origin


@dataclass(frozen=True, kw_only=True)
class Selection:
    """What this job measures and decides by; ``notes`` are told to the reviewer."""

    name: str
    policy: GatePolicy
    state_folder: str | None
    sglang: SglangFiles | None
    chosen: tuple[Chosen, ...]
    notes: tuple[str, ...] = ()

    def keeps(self, path: str) -> bool:
        """Whether a path below the repository is a baseline, or what is kept beside them."""
        if self.sglang is not None and path in self.sglang.files.values():
            return True
        return self.state_folder is not None and path.startswith(
            self.state_folder.rstrip("/") + "/"
        )

    def noting(self, note: str) -> Selection:
        """The same selection with one more note."""
        return replace(self, notes=(*self.notes, note))


@dataclass(frozen=True, kw_only=True)
class Change:
    """What the conditions under ``when:`` look at."""

    event: str
    labels: Collection[str]
    paths: Sequence[str]


def select(
    base: Suite | None, head: Suite, *, change: Change, only: Sequence[str] = ()
) -> Selection:
    """Join base's and head's suite; ``base`` is None where the base commit has no suite.

    ``only`` names cases and overrides ``when:``. Raises ConfigurationError for an unknown name.
    """
    judge = base or head
    notes = _own_gate_changes(base, head) if base else ("base has no suite: every case is new",)
    chosen = _join(base, head)
    _refuse_unknown(only, [one.case.id for one in chosen])
    kept, left_out = [], []
    for one in chosen:
        reason = None if only else not_selected(one.case, change)
        if (only and one.case.id in only) or (not only and reason is None):
            kept.append(one)
        elif reason:
            left_out.append(f"{one.case.id}: {reason}")
    if left_out:
        notes += ("not selected: " + "; ".join(left_out),)
    return Selection(
        name=judge.name,
        policy=judge.gate.policy(),
        state_folder=judge.state_folder,
        sglang=judge.sglang,
        chosen=tuple(kept),
        notes=notes,
    )


def not_selected(case: Case, change: Change) -> str | None:
    """Why ``when:`` leaves the case out, or None. On a laptop only paths count."""
    when, local = case.when, change.event == "local"
    if when.events and not local and change.event not in when.events:
        return f"not for the event {change.event}"
    if when.labels and not local and not set(when.labels) & set(change.labels):
        return f"no label of {', '.join(when.labels)}"
    if when.paths:
        spec = GitIgnoreSpec.from_lines(when.paths)
        if not any(spec.match_file(path) for path in change.paths):
            return f"no change in {', '.join(when.paths)}"
    return None


def _join(base: Suite | None, head: Suite) -> tuple[Chosen, ...]:
    if base is None:
        return tuple(Chosen(case=case, origin=Origin.NEW) for case in head.cases)
    ours = {case.id: case for case in head.cases}
    judged = [
        Chosen(
            case=case,
            origin=Origin.WORKLOAD_CHANGED
            if case.id in ours and ours[case.id].workload_hash() != case.workload_hash()
            else Origin.JUDGED,
        )
        for case in base.cases
    ]
    known = {case.id for case in base.cases}
    new = [Chosen(case=c, origin=Origin.NEW) for c in head.cases if c.id not in known]
    return (*judged, *new)


def _own_gate_changes(base: Suite, head: Suite) -> tuple[str, ...]:
    changes = [
        f"gate.{key} {getattr(base.gate, key)} → {getattr(head.gate, key)}"
        for key in Gate.model_fields
        if getattr(base.gate, key) != getattr(head.gate, key)
    ]
    changes += [
        f"{key} changed"
        for key in ("name", "baselines", "setup", "imports")
        if getattr(base, key) != getattr(head, key)
    ]
    ours = {case.id: case for case in head.cases}
    for case in base.cases:
        other = ours.get(case.id)
        if other is None:
            changes.append(f"case {case.id} removed (judged all the same)")
            continue
        if other.workload_hash() != case.workload_hash():
            changes.append(f"case {case.id} computes something else now")
        changes += [
            f"case {case.id}: {key} changed"
            for key in _TOLD_KEYS
            if getattr(case, key) != getattr(other, key)
        ]
    if not changes:
        return ()
    return (f"this pull request changes its own gate, without effect here: {'; '.join(changes)}",)


def _refuse_unknown(only: Sequence[str], known: Sequence[str]) -> None:
    unknown = [name for name in only if name not in known]
    if unknown:
        raise ConfigurationError(
            f"no case is called {', '.join(unknown)}", fix=f"The suite has: {', '.join(known)}."
        )
