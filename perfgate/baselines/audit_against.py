"""Looks at what changed in one of sglang's baseline files since another version; text in, out.

A figure may change because launches measured it. Any other change is a hand edit, and whoever makes
one rarely goes through all the figures that rest on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from perfgate.baselines.audit import ROUNDING, Entry, Finding, is_figure, names, tolerance
from perfgate.baselines.audit_sglang import (
    E2E,
    SCENARIOS,
    STAGES,
    STEPS,
    denoising_of,
    figures,
    overrides,
    scenarios_in,
    stages_of,
    steps_of,
)
from perfgate.baselines.places import Document
from perfgate.baselines.spans import JsonPath
from perfgate.verdict.wording import count, percent

Measured: TypeAlias = Mapping[str, Mapping[JsonPath, float]]
"""By scenario, what launches give that are new since the other version; paths as in the file."""

_NOT_GUARDED = {"estimated_full_test_time_s"}
"""A time that plans the job; no gate reads it."""
_WHY = "no new launches stand behind it"


def audit_changes(
    new: Document, old: Document, *, found: Iterable[Finding], measured: Measured
) -> list[Finding]:
    """What changed from ``old`` to ``new`` that nothing measured stands behind.

    ``found`` are the contradictions that ``new`` holds by itself: what did not follow a change
    and contradicts it is told once.
    """
    after, before = scenarios_in(new), scenarios_in(old)
    whole = Entry(document=new, scenario="", root=())
    edits = [*_of_overrides(whole, new.value, old.value)]
    told = [*_of_policy(whole, new.value, old.value)]
    contradicted = {(one.scenario, one.field) for one in found if one.severity == "error"}
    for name, earlier in before.items():
        entry = Entry(document=new, scenario=name, root=(SCENARIOS, name))
        if name not in after:
            told.append(entry.finding("error", (), "the scenario vanished: nothing guards it now"))
            continue
        edited = [*_edits(entry, after[name], earlier, measured.get(name, {}))]
        edits += edited
        told += _widened(entry, after[name], earlier)
        if edited:
            told += [
                one
                for one in _not_followed(entry, after[name], earlier)
                if (name, one.field) not in contradicted
            ]
    return [*edits, *told, *_mixed(whole, edits)]


def _guarding(scenario: Mapping[str, Any]) -> dict[JsonPath, float]:
    return {
        path: value
        for path, value in figures(scenario)
        if is_figure(value) and path[0] not in _NOT_GUARDED
    }


def _edits(
    entry: Entry,
    after: Mapping[str, Any],
    before: Mapping[str, Any],
    measured: Mapping[JsonPath, float],
) -> Iterator[Finding]:
    """Figures that are others now, and that no launch gave."""
    now, then = _guarding(after), _guarding(before)
    for path, old in then.items():
        new = now.get(path)
        if new == old or (new is not None and _is_measured(new, measured.get(path))):
            continue
        if new is not None:
            yield entry.finding("error", path, _edit(old, new), stored=new, derived=old)
        elif not measured:
            what = _vanished(path)
            yield entry.finding(
                "error", path, f"{what}: nothing guards it now, and {_WHY}", derived=old
            )


def _edit(old: float, new: float) -> str:
    way = "raised" if new > old else "lowered"
    by = f" ({percent(new / old - 1.0)})" if old > 0 else ""
    accepted = ", and no acceptance" if new > old else ""
    return f"{way} from {old} to {new}{by}: {_WHY}{accepted}"


def _vanished(path: JsonPath) -> str:
    kind = {STAGES: "the stage", STEPS: "the step"}.get(str(path[0]), "the figure")
    return f"{kind} vanished"


def _is_measured(value: float, figure: float | None) -> bool:
    return figure is not None and abs(value - figure) <= 2 * ROUNDING


def _widened(
    entry: Entry, after: Mapping[str, Any], before: Mapping[str, Any]
) -> Iterator[Finding]:
    name = "timing_tolerance"
    new, old = after.get(name) or 0, before.get(name) or 0
    if is_figure(new) and is_figure(old) and new > old:
        yield entry.finding(
            "warning",
            (name,),
            f"the tolerance got wider, from {old} to {new}",
            stored=new,
            derived=old,
        )


def _not_followed(
    entry: Entry, after: Mapping[str, Any], before: Mapping[str, Any]
) -> Iterator[Finding]:
    """Aggregates that stand as they stood though their parts add up to something else."""
    for path, parts, more in _sums(after, before):
        stored, was = _at(after, path), _at(before, path)
        if stored is None or stored != was or abs(more) <= tolerance(stored):
            continue
        yield entry.finding(
            "error",
            path,
            f"it did not follow its {parts}, which add up to {abs(more):.2f} ms "
            f"{'more' if more > 0 else 'less'} than before: it is {stored} as it was",
            stored=stored,
            derived=round(stored + more, 2),
        )


def _sums(
    after: Mapping[str, Any], before: Mapping[str, Any]
) -> Iterator[tuple[JsonPath, str, float]]:
    """Each aggregate, the name of its parts, and by how much they changed together."""
    steps, earlier = steps_of(after), steps_of(before)
    if steps and earlier and len(steps) == len(earlier):
        more = sum(steps) - sum(earlier)
        denoising = denoising_of(stages_of(after))
        if len(denoising) == 1:
            yield (STAGES, *denoising), "steps", more
    stages, then = stages_of(after), stages_of(before)
    yield (E2E,), "stages", sum(stages.values()) - sum(then.values())


def _at(scenario: Mapping[str, Any], path: JsonPath) -> float | None:
    value: Any = scenario
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    return value if is_figure(value) else None


def _of_overrides(whole: Entry, after: Any, before: Any) -> Iterator[Finding]:  # noqa: ANN401 - JSON
    """Figures that count on some runners alone: what they are now against what counted before."""
    now, then = dict(_finite(overrides(after))), dict(_finite(overrides(before)))
    for path in {**then, **now}:
        old, new = (
            found.get(path, _at(data, (SCENARIOS, *path[2:])))
            for found, data in ((then, before), (now, after))
        )
        if path in now and path in then and now[path] == then[path]:
            continue
        if old is not None and new is not None and old != new:
            yield whole.finding("error", path, _edit(old, new), stored=new, derived=old)


def _finite(found: Iterable[tuple[JsonPath, Any]]) -> Iterator[tuple[JsonPath, float]]:
    return ((path, value) for path, value in found if is_figure(value))


def _of_policy(whole: Entry, after: Any, before: Any) -> Iterator[Finding]:  # noqa: ANN401 - JSON
    """How much slower a run may be, and which of its steps are looked at."""
    for profile, ratios in _mapping(before, "tolerances").items():
        for kind, old in (ratios if isinstance(ratios, dict) else {}).items():
            path = ("tolerances", profile, kind)
            new = _at(after, path)
            if is_figure(old) and new is not None and new > old:
                yield whole.finding(
                    "warning",
                    path,
                    f"the tolerance got wider, from {old} to {new}",
                    stored=new,
                    derived=old,
                )
    if _mapping(after, "sampling") != _mapping(before, "sampling"):
        yield whole.finding("warning", ("sampling",), "other steps are looked at than before")


def _mapping(data: Any, name: str) -> dict[str, Any]:  # noqa: ANN401 - JSON
    found = data.get(name) if isinstance(data, dict) else None
    return found if isinstance(found, dict) else {}


def _mixed(whole: Entry, edits: Iterable[Finding]) -> Iterator[Finding]:
    """Raised figures among lowered ones, where nobody who skims the change sees them."""
    raised: list[Finding] = []
    lowered: list[Finding] = []
    for one in edits:
        if isinstance(one.stored, int | float) and one.derived is not None:
            (raised if one.stored > one.derived else lowered).append(one)
    if raised and lowered:
        which = names([f"{one.scenario} {one.field}".strip() for one in raised])
        yield whole.finding(
            "warning",
            (SCENARIOS,),
            f"{count(len(raised), 'figure')} got looser among {len(lowered)} that got tighter: "
            f"{which}",
        )
