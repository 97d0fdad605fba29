"""Looks at ``accepted.yml``: what is refused, what has ended, what a change permits; no effect.

The file is reviewed like code. What gets more permissive is told, so that a reviewer meets it, and
a reference that moves is an error: every slowdown would begin anew from it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import yaml

from perfgate.baselines.accepted import parse_accepted
from perfgate.baselines.audit import Finding, Limits, Severity, as_text
from perfgate.baselines.margins import Margins
from perfgate.errors import BaselineError
from perfgate.records import GatePolicy
from perfgate.verdict.acceptance import Acceptance
from perfgate.verdict.wording import count, percent

Key: TypeAlias = tuple[str, str, str]
"""Hardware, case and metric, as :attr:`Acceptance.key` has them."""


@dataclass(frozen=True, kw_only=True)
class Permissions:
    """The acceptances of one version of the file, each with the line that it begins on.

    ``accepted`` is None where the file cannot be read.
    """

    name: str
    accepted: Mapping[Key, tuple[Acceptance, int]] | None
    findings: tuple[Finding, ...]


def audit_accepted(text: str, *, name: str, limits: Limits) -> Permissions:
    """The file by itself: refused as a gate refuses it, or with a warning for all that ended."""
    try:
        accepted = parse_accepted(text, source=name)
    except BaselineError as error:
        told = error.problem.removeprefix(f"{name}: ")
        refused = Finding(
            file=name, line=1, scenario="", field="", severity="error", message=as_text(told)
        )
        return Permissions(name=name, accepted=None, findings=(refused,))
    lines = _lines(text)
    found = tuple(
        _finding(
            name,
            line,
            one,
            "warning",
            "expires",
            f"it ended {count(-one.days_left(limits.today), 'day')} ago: renew it with a reason, "
            "or fix the slowdown",
            stored=str(one.expires),
        )
        for one, line in zip(accepted, lines, strict=True)
        if one.days_left(limits.today) < 0
    )
    placed = {one.key: (one, line) for one, line in zip(accepted, lines, strict=True)}
    return Permissions(name=name, accepted=placed, findings=found)


def audit_permissions(
    new: Permissions, old: Permissions, *, figures: Mapping[Key, float], policy: GatePolicy
) -> list[Finding]:
    """What a change permits more of, from another figure on, or for ever.

    ``figures`` are those that the baselines hold now, by the key of a permission.
    """
    found: list[Finding] = []
    if new.accepted is None or old.accepted is None:
        return found
    name = new.name
    for key, (now, line) in new.accepted.items():
        if key not in old.accepted:
            told = f"a new permission: up to {now.ceiling:g} times {now.reference.value:g}"
            found.append(_finding(name, line, now, "warning", "ceiling", told, stored=now.ceiling))
            continue
        then = old.accepted[key][0]
        if now.reference.value != then.reference.value:
            told = (
                f"the reference moved from {then.reference.value} to {now.reference.value}: it is "
                "the figure from before the slowdown"
            )
            values = {"stored": now.reference.value, "derived": then.reference.value}
            found.append(_finding(name, line, now, "error", "reference.value", told, **values))
        if now.ceiling > then.ceiling:
            told = f"it permits more: {then.ceiling:g} times the reference before"
            found.append(_finding(name, line, now, "warning", "ceiling", told, stored=now.ceiling))
        if now.expires > then.expires:
            told = f"it lasts longer: until {then.expires} before"
            stored = str(now.expires)
            found.append(_finding(name, line, now, "warning", "expires", told, stored=stored))
    for key, (gone, _) in old.accepted.items():
        if key not in new.accepted:
            found += _gone(name, gone, figures.get(key), policy)
    return found


def _gone(
    name: str, gone: Acceptance, figure: float | None, policy: GatePolicy
) -> Iterator[Finding]:
    """A permission that was taken out while what it permitted is still there."""
    if figure is None:
        told = "the permission went, and no launches say whether it is as fast as before again"
        yield _finding(name, 1, gone, "warning", "", told)
        return
    margin = Margins.of_machine(gone.hardware, policy).of(gone.metric, {gone.metric: figure})
    if margin is not None and gone.ratio(figure) > 1.0 + margin:
        told = (
            f"the permission went, and the baseline is still {percent(gone.ratio(figure) - 1.0)} "
            "since then: only an update that finds it as fast as before takes one away"
        )
        reference = gone.reference.value
        yield _finding(name, 1, gone, "error", "", told, stored=figure, derived=reference)


def _finding(
    name: str,
    line: int,
    acceptance: Acceptance,
    severity: Severity,
    field: str,
    message: str,
    *,
    stored: float | str | None = None,
    derived: float | None = None,
) -> Finding:
    hardware, _, metric = acceptance.key
    return Finding(
        file=name,
        line=line,
        scenario=acceptance.case,
        field=f"{hardware}.{metric}.{field}".rstrip("."),
        stored=stored,
        derived=derived,
        severity=severity,
        message=f"{metric} on {hardware}: {message}",
    )


def _lines(text: str) -> list[int]:
    """The line, from 1, of each acceptance of a file that was read."""
    document = yaml.compose(text, Loader=yaml.SafeLoader)
    for key, value in document.value if isinstance(document, yaml.MappingNode) else ():
        if key.value == "accepted" and isinstance(value, yaml.SequenceNode):
            return [item.start_mark.line + 1 for item in value.value]
    return []
