"""What a launch measured, by metric name, and which metrics may be judged; compares nothing.

The value of a launch is the median over its measured requests: requests of one process share its
memory layout and clocks, so they are no independent samples (Kalibera and Jones, "Rigorous
benchmarking in reasonable time", 2013, doi:10.1145/2464157.2464160).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Literal, TypeAlias

from perfgate.records import Launch, Report

END_TO_END = "end-to-end"
MEDIAN_STEP = "median step"
PEAK_MEMORY = "peak memory"
LOAD = "load"
RESERVED = (END_TO_END, MEDIAN_STEP, PEAK_MEMORY, LOAD)

Unit: TypeAlias = Literal["ms", "MiB"]
Kind: TypeAlias = Literal["primary", "secondary", "memory", "shown"]

STAGE_SHARE = 0.01
"""A stage under this part of end-to-end is shown and not judged."""
LEAST_STEPS = 3
"""With fewer steps there is no warm-up step to leave out and no median worth its name."""
LOAD_MARGIN = 0.25


@dataclass(frozen=True, kw_only=True)
class MetricPlan:
    """How one metric of one case is treated: what may be said about it, at which margin."""

    name: str
    kind: Kind
    margin: float
    why_not_judged: str = ""

    @property
    def unit(self) -> Unit:
        return "MiB" if self.name == PEAK_MEMORY else "ms"

    @property
    def judged(self) -> bool:
        return self.kind != "shown"


def failure_of(launch: Launch) -> str | None:
    """Why a launch measured nothing; None for one that did."""
    if launch.failure is not None:
        return launch.failure
    return None if launch.reports else "left no report"


def unfit_of(launch: Launch) -> str | None:
    """Why its times may not be looked at: a throttled or shared device; None for a fit one."""
    return next(iter(launch.conditions.unfit), None) if launch.conditions else None


def is_usable(launch: Launch) -> bool:
    """Whether it measured something, and on a fit device."""
    return failure_of(launch) is None and unfit_of(launch) is None


def launch_metrics(launch: Launch) -> dict[str, float]:
    """Every metric of a launch, by name."""
    return metrics_of(launch.reports)


def metrics_of(reports: Iterable[Report]) -> dict[str, float]:
    """The medians over one launch's requests; a time of 0 says that nothing ran: left out."""
    requests = [dict(_request_metrics(report)) for report in reports]
    return {name: value for name, value in medians_of(requests).items() if value > 0.0}


def medians_of(several: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The median of every metric over those that have it."""
    if len(several) == 1:
        return dict(several[0])
    found: dict[str, list[float]] = {}
    for values in several:
        for name, value in values.items():
            found.setdefault(name, []).append(value)
    return {name: median(values) for name, values in found.items()}


def _request_metrics(report: Report) -> Iterable[tuple[str, float]]:
    yield END_TO_END, report.total_duration_ms
    for stage in report.stages:
        # A stage that is called like one of our own metrics must not mix with it.
        name = f"{stage.name} (stage)" if stage.name in RESERVED else stage.name
        yield name, stage.duration_ms
    if len(report.steps_ms) >= LEAST_STEPS:
        yield MEDIAN_STEP, median(report.steps_ms[1:])
    if report.peak_memory_mb is not None:
        yield PEAK_MEMORY, report.peak_memory_mb
    if report.load_ms is not None:
        yield LOAD, report.load_ms


def ordered_names(launches: Iterable[Mapping[str, float]]) -> list[str]:
    """Every name of several launches once: end-to-end, the stages, then the other three."""
    names = dict.fromkeys(name for metrics in launches for name in metrics)
    stages = [name for name in names if name not in RESERVED]
    return [
        *(name for name in RESERVED[:1] if name in names),
        *stages,
        *(name for name in RESERVED[1:] if name in names),
    ]


def stage_names(names: Iterable[str]) -> list[str]:
    return [name for name in names if name not in RESERVED]


def plan_metrics(
    launches: Sequence[Launch],
    *,
    stage_margin: float,
    margin: float,
    stage_floor_ms: float,
    on_device: bool,
) -> dict[str, MetricPlan]:
    """Which metrics are judged, from launches that are not compared (the burn-in)."""
    measured = [launch_metrics(launch) for launch in launches if is_usable(launch)]
    plans = {}
    for name in ordered_names(measured):
        value = fmean([metrics[name] for metrics in measured if name in metrics])
        total = fmean([metrics[END_TO_END] for metrics in measured])
        plans[name] = plan_metric(
            name,
            value=value,
            total=total,
            margin=margin,
            stage_margin=stage_margin,
            stage_floor_ms=stage_floor_ms,
            on_device=on_device,
        )
    return plans


def plan_metric(
    name: str,
    *,
    value: float,
    total: float,
    margin: float,
    stage_margin: float,
    stage_floor_ms: float,
    on_device: bool,
) -> MetricPlan:
    """How a metric is treated that usually takes ``value`` of the ``total`` milliseconds."""
    if name == END_TO_END:
        return MetricPlan(name=name, kind="primary", margin=margin)
    if name == PEAK_MEMORY:
        return MetricPlan(
            name=name,
            kind="memory" if on_device else "shown",
            margin=0.0,
            why_not_judged="" if on_device else "memory is judged on devices only",
        )
    why = ""
    if value < stage_floor_ms:
        why = f"under {stage_floor_ms:g} ms"
    elif name not in RESERVED and value < STAGE_SHARE * total:
        why = f"under {STAGE_SHARE:.0%} of end-to-end".replace("%", " %")
    return MetricPlan(
        name=name,
        kind="shown" if why else "secondary",
        margin=LOAD_MARGIN if name == LOAD else stage_margin,
        why_not_judged=why,
    )
