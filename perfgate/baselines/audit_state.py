"""Holds changed figures of sglang's files against the launches kept beside them; no effect.

Those files have no place for launches. A figure there stands on them where it is what they give,
and they are not believed either: neither edited launches nor an import count.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from perfgate.baselines.audit import Entry, Finding
from perfgate.baselines.audit_native import parsed
from perfgate.baselines.audit_native_against import (
    Terms,
    audit_native_changes,
    loosened,
    values_of,
)
from perfgate.baselines.audit_sglang import (
    E2E,
    MEDIAN,
    SCENARIOS,
    STAGES,
    figures,
    scenarios_in,
    stages_of,
)
from perfgate.baselines.native import Baseline, parse_baseline
from perfgate.baselines.places import Document
from perfgate.baselines.sglang_edit import figures_of, updated_scenario
from perfgate.baselines.spans import JsonPath
from perfgate.errors import BaselineError
from perfgate.verdict.metrics import END_TO_END, LOAD, MEDIAN_STEP

_LOAD = "expected_load_ms"
_FIELDS: Mapping[str, JsonPath] = {
    END_TO_END: (E2E,),
    MEDIAN_STEP: (MEDIAN,),
    LOAD: (_LOAD,),
}
"""Where sglang's format has a metric that is no stage."""
_IMPORTED = "imported from"


@dataclass(frozen=True, kw_only=True)
class Kept:
    """The file of a scenario's launches, as it is and as it was; None where it was not."""

    new: Document
    old: Document | None


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What launches give, by scenario, and what is wrong with what stands on them."""

    measured: Mapping[str, Mapping[JsonPath, float]]
    findings: tuple[Finding, ...]


def standing_on(
    document: Document, earlier: Document, kept: Mapping[str, Kept], terms: Terms
) -> Standing:
    """What the launches of every scenario that changed give, and what they make looser."""
    measured: dict[str, Mapping[JsonPath, float]] = {}
    found: list[Finding] = []
    for name, launches in kept.items():
        now, then = (scenarios_in(one).get(name) for one in (document, earlier))
        if now is None or then is None or now == then:
            continue
        entry = Entry(document=document, scenario=name, root=(SCENARIOS, name))
        try:
            baseline = _trusted(launches, terms)
            if baseline is None:
                continue
            measured[name] = _written(document, name, baseline)
        except BaselineError as error:
            found.append(
                entry.finding("error", (), f"its launches do not stand behind it: {error.problem}")
            )
            continue
        found += _looser(entry, baseline, parsed(launches.old) or then, terms)
    return Standing(measured=measured, findings=tuple(found))


def _trusted(kept: Kept, terms: Terms) -> Baseline | None:
    """The launches; None for an import. Raises BaselineError where somebody edited them."""
    baseline = parse_baseline(kept.new.text, source=kept.new.name)
    if all(_IMPORTED in job.told for job in baseline.jobs):
        return None
    if kept.old is not None:
        no_margins = {"derived"}
        for one in audit_native_changes(kept.new, kept.old, terms):
            if one.severity == "error" and one.field.split(".")[0] not in no_margins:
                raise BaselineError(
                    f"{kept.new.name}: {one.field}: {one.message}", fix="Undo the edit."
                )
    return baseline


def _written(document: Document, name: str, baseline: Baseline) -> dict[JsonPath, float]:
    """Every figure of the scenario as an update by these launches writes it."""
    text = updated_scenario(document.text, name, figures_of(baseline), source=document.name)
    scenario = json.loads(text)[SCENARIOS][name]
    return {path: value for path, value in figures(scenario) if value is not None}


def _looser(
    entry: Entry, baseline: Baseline, before: Baseline | Mapping[str, Any], terms: Terms
) -> Iterator[Finding]:
    old = values_of(before) if isinstance(before, Baseline) else _comparable(before)
    for one in loosened(old, values_of(baseline), of=baseline, terms=terms):
        path = _FIELDS.get(one.metric, (STAGES, one.metric))
        yield entry.finding("error", path, one.told(), stored=one.new, derived=one.old)


def _comparable(scenario: Mapping[str, Any]) -> dict[str, float]:
    """Times of sglang's that mean the same as those of launches."""
    told = {END_TO_END: scenario.get(E2E), **stages_of(scenario), LOAD: scenario.get(_LOAD)}
    return {name: value for name, value in told.items() if value}
