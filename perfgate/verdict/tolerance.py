"""sglang's tolerance rule: one run against stored figures; reads no file, knows no error rate.

The arithmetic is that of ``PerformanceValidator`` in sglang 0.5.23's diffusion tests
(sgl-project/sglang, ``python/sglang/multimodal_gen/test/server/test_server_utils.py``):

    limit = max(b (1 + tolerance), b + pad),   slower if the run is above it

with the tolerance by kind of time from the baseline's profile, and with the pads below. It differs
in what it tells: every metric, not only the first that fails. It looks at one run on either side,
so that nobody knows how often it is wrong, and a time far below its limit proves nothing: this rule
never says "improved".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import fmean, median
from types import MappingProxyType
from typing import Literal

from perfgate.records import CaseDecision, MetricDecision, Report, Verdict
from perfgate.verdict.conclude import case_verdict
from perfgate.verdict.metrics import END_TO_END, LOAD, MEDIAN_STEP, PEAK_MEMORY, RESERVED
from perfgate.verdict.sentences import leading_sentence
from perfgate.verdict.wording import LIMIT, count

NO_ERROR_RATE = "tolerance, no error rate"
AVERAGE_STEP = "average step"
PER_FRAME = "per_frame_generation"
"""Among a video's stages: end-to-end over the number of frames, which a run does not tell."""

STEP_FRACTIONS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
PAD_MS = 20.0
STAGE_PAD_MS = 120.0
DECODING = "DecodingStage"
"""Stages whose name ends so may be 90 % slower at least, with a pad of their own."""
DECODING_TOLERANCE, DECODING_PAD_MS = 0.9, 450.0
FIRST_STEP_TOLERANCE, FIRST_STEP_PAD_MS = 4.0, 80.0
VIDEO_STEP_PAD_MS = 160.0
VRAM_PAD_MIB, HOST_PAD_MIB = 128.0, 256.0
DENOISING = "DenoisingStage"
"""The one denoising stage where a run does not tell which of its stages denoise."""

_MOMENTS = ("load_peak", "runtime_peak", "warmup_peak")
_READINGS = {
    "vram_mb": "peak_reserved_mb",
    "allocated_mb": "peak_allocated_mb",
    "host_anon_mb": "peak_host_anon_mb",
}


@dataclass(frozen=True, kw_only=True)
class Tolerances:
    """How much slower, as a fraction, each kind of figure may be; ``load`` is that of ``e2e``
    where a profile has none."""

    e2e: float
    denoise_stage: float
    non_denoise_stage: float
    denoise_step: float
    denoise_agg: float
    load: float | None = None
    load_peak_vram: float = 0.01
    runtime_peak_vram: float = 0.02

    def widened(self, least: float) -> Tolerances:
        """Every tolerance of a time at least ``least``: a scenario's own ``timing_tolerance``."""
        load = self.e2e if self.load is None else self.load
        return replace(
            self,
            e2e=max(self.e2e, least),
            denoise_stage=max(self.denoise_stage, least),
            non_denoise_stage=max(self.non_denoise_stage, least),
            denoise_step=max(self.denoise_step, least),
            denoise_agg=max(self.denoise_agg, least),
            load=max(load, least),
        )


DEFAULT_TOLERANCES: Mapping[str, Tolerances] = MappingProxyType(
    {
        "pr_test": Tolerances(
            e2e=0.25,
            denoise_stage=0.25,
            non_denoise_stage=0.8,
            denoise_step=0.3,
            denoise_agg=0.2,
            load=0.4,
        ),
        "long_term": Tolerances(
            e2e=0.15,
            denoise_stage=0.1,
            non_denoise_stage=0.5,
            denoise_step=0.25,
            denoise_agg=0.15,
        ),
    }
)
"""Those of ``perf_baselines/h100.json`` in sglang 0.5.23, for files that hold none."""


@dataclass(frozen=True, kw_only=True)
class Expected:
    """A scenario's figures, in ms and MiB; what is None or not listed guards nothing."""

    scenario: str
    e2e_ms: float | None
    stages_ms: Mapping[str, float] = field(default_factory=dict)
    steps_ms: Mapping[int, float] = field(default_factory=dict)
    average_step_ms: float | None = None
    median_step_ms: float | None = None
    load_ms: float | None = None
    memory_mb: Mapping[str, float] = field(default_factory=dict)
    timing_tolerance: float = 0.0
    video: bool = False


@dataclass(frozen=True, kw_only=True)
class Run:
    """What was measured; ``denoising`` names the stages that denoise, None where nobody tells."""

    e2e_ms: float
    stages_ms: Mapping[str, float]
    steps_ms: Sequence[float] = ()
    load_ms: float | None = None
    memory_mb: Mapping[str, float] = field(default_factory=dict)
    denoising: frozenset[str] | None = None

    @property
    def average_step_ms(self) -> float | None:
        return fmean(self.steps_ms) if self.steps_ms else None

    @property
    def median_step_ms(self) -> float | None:
        return median(self.steps_ms) if self.steps_ms else None


def run_of(reports: Sequence[Report], *, denoising: frozenset[str] | None = None) -> Run:
    """One run from its requests: the median of each figure; sglang itself looks at one request.

    A stage or step that not every request had is a median of those that had it.
    """
    stages: dict[str, list[float]] = {}
    for report in reports:
        for stage in report.stages:
            stages.setdefault(stage.name, []).append(stage.duration_ms)
    steps = max((len(report.steps_ms) for report in reports), default=0)
    loads = [report.load_ms for report in reports if report.load_ms is not None]
    memory: dict[str, list[float]] = {}
    for report in reports:
        for name, value in _memory(report):
            memory.setdefault(name, []).append(value)
    return Run(
        e2e_ms=median([report.total_duration_ms for report in reports]),
        stages_ms={name: median(found) for name, found in stages.items()},
        steps_ms=[
            median([one.steps_ms[i] for one in reports if i < len(one.steps_ms)])
            for i in range(steps)
        ],
        load_ms=median(loads) if loads else None,
        memory_mb={name: median(found) for name, found in memory.items()},
        denoising=denoising,
    )


def _memory(report: Report) -> Iterable[tuple[str, float]]:
    """The peaks by the baseline's own keys, and the highest of any moment."""
    for moment in _MOMENTS:
        readings = report.memory_checkpoints.get(moment, {})
        for ending, reading in _READINGS.items():
            if readings.get(reading, 0.0) > 0.0:
                yield f"{moment}_{ending}", readings[reading]
    if report.peak_memory_mb:
        yield PEAK_MEMORY, report.peak_memory_mb


def checkpoints_of(memory_mb: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """A report's memory checkpoints from the peaks by the baseline's keys."""
    found: dict[str, dict[str, float]] = {}
    for moment in _MOMENTS:
        for ending, reading in _READINGS.items():
            if (value := memory_mb.get(f"{moment}_{ending}")) is not None:
                found.setdefault(moment, {})[reading] = value
    return found


def expected_of(run: Run, scenario: str) -> Expected:
    """A run as what another one is held against."""
    return Expected(
        scenario=scenario,
        e2e_ms=run.e2e_ms,
        stages_ms=run.stages_ms,
        steps_ms=dict(enumerate(run.steps_ms)),
        average_step_ms=run.average_step_ms,
        median_step_ms=run.median_step_ms,
        load_ms=run.load_ms,
        memory_mb=run.memory_mb,
    )


def sampled_steps(steps: int, fractions: Sequence[float]) -> list[int]:
    """The steps of a run that are looked at: each fraction of the last index, rounded."""
    if not steps:
        return []
    last = steps - 1
    return sorted({min(last, max(0, round(fraction * last))) for fraction in fractions})


def limit_of(expected: float, *, tolerance: float, pad: float) -> float:
    """What a figure may be at most: ``max(b (1 + tolerance), b + pad)``."""
    return max(expected * (1.0 + tolerance), expected + pad)


@dataclass(frozen=True, kw_only=True)
class _Check:
    """One figure with what it may be at most."""

    name: str
    expected: float | None
    tolerance: float
    pad: float
    unit: Literal["ms", "MiB"] = "ms"
    guards: bool = True

    def row(self, actual: float | None) -> MetricDecision:
        """The figure of a run beside its limit."""
        if actual is None:
            return self._row(None, Verdict.MISSING, judged=True, reason="absent from the run")
        if self.expected is None or not self.guards:
            return self._row(actual, Verdict.PASSED, judged=False, reason="told, not guarded")
        limit = limit_of(self.expected, tolerance=self.tolerance, pad=self.pad)
        verdict = Verdict.REGRESSED if actual > limit else Verdict.PASSED
        return self._row(actual, verdict, judged=True, reason=self._reason(limit))

    def _row(
        self, actual: float | None, verdict: Verdict, *, judged: bool, reason: str
    ) -> MetricDecision:
        return MetricDecision(
            name=self.name,
            unit=self.unit,
            base=self.expected,
            head=actual,
            ratio=actual / self.expected if actual is not None and self.expected else None,
            verdict=verdict,
            judged=judged,
            reason=reason,
        )

    def _reason(self, limit: float) -> str:
        digits = 0 if limit >= 100.0 else 1
        told = f"{LIMIT} {limit:.{digits}f} {self.unit}"
        return f"{told}: tolerance {100.0 * self.tolerance:g} %, pad {self.pad:g} {self.unit}"


def judge_run(
    expected: Expected,
    run: Run,
    *,
    tolerances: Tolerances,
    fractions: Sequence[float] = STEP_FRACTIONS,
    launches: int = 1,
    warnings: Sequence[str] = (),
) -> CaseDecision:
    """Every figure of a run against its limit. A case with one figure above it is regressed."""
    allowed = tolerances.widened(expected.timing_tolerance)
    rows = tuple(
        check.row(actual)
        for check, actual in (
            *_times(expected, run, allowed),
            *_steps(expected, run, allowed, fractions),
            *_stages(expected, run, allowed),
            *_memory_checks(expected, run, allowed),
        )
    )
    return CaseDecision(
        id=expected.scenario,
        verdict=case_verdict(rows),
        detail=NO_ERROR_RATE,
        sentence=leading_sentence(rows, certain=f"{count(launches, 'launch')}; {NO_ERROR_RATE}"),
        launches=launches,
        warnings=(*warnings, *_not_guarded(expected, run)),
        metrics=rows,
    )


def _times(
    expected: Expected, run: Run, allowed: Tolerances
) -> Iterable[tuple[_Check, float | None]]:
    figures = (
        (END_TO_END, expected.e2e_ms, allowed.e2e, run.e2e_ms),
        (AVERAGE_STEP, expected.average_step_ms, allowed.denoise_agg, run.average_step_ms),
        (MEDIAN_STEP, expected.median_step_ms, allowed.denoise_agg, run.median_step_ms),
        (LOAD, expected.load_ms, allowed.load or 0.0, run.load_ms),
    )
    for name, value, tolerance, actual in figures:
        told = name != LOAD or actual is not None
        if name == END_TO_END or (value is not None and told):
            yield _Check(name=name, expected=value, tolerance=tolerance, pad=PAD_MS), actual


def _steps(
    expected: Expected, run: Run, allowed: Tolerances, fractions: Sequence[float]
) -> Iterable[tuple[_Check, float]]:
    for index in sampled_steps(len(run.steps_ms), fractions):
        if index not in expected.steps_ms:
            continue
        tolerance, pad = allowed.denoise_step, VIDEO_STEP_PAD_MS if expected.video else PAD_MS
        if index == 0:
            tolerance, pad = FIRST_STEP_TOLERANCE, FIRST_STEP_PAD_MS
        check = _Check(
            name=f"step {index}", expected=expected.steps_ms[index], tolerance=tolerance, pad=pad
        )
        yield check, run.steps_ms[index]


def _stages(
    expected: Expected, run: Run, allowed: Tolerances
) -> Iterable[tuple[_Check, float | None]]:
    for stage, value in expected.stages_ms.items():
        if stage == PER_FRAME:
            continue
        denoises = stage in run.denoising if run.denoising is not None else stage == DENOISING
        tolerance = allowed.denoise_stage if denoises else allowed.non_denoise_stage
        pad = STAGE_PAD_MS
        if stage.endswith(DECODING):
            tolerance, pad = max(tolerance, DECODING_TOLERANCE), DECODING_PAD_MS
        name = f"{stage} (stage)" if stage in (*RESERVED, AVERAGE_STEP) else stage
        check = _Check(name=name, expected=value, tolerance=tolerance, pad=pad)
        yield check, run.stages_ms.get(stage)


def _memory_checks(
    expected: Expected, run: Run, allowed: Tolerances
) -> Iterable[tuple[_Check, float]]:
    """Where allocated memory is stored it guards, and reserved memory is only told."""
    for key, value in expected.memory_mb.items():
        if key not in run.memory_mb:
            continue
        moment = "load" if key.startswith("load_") else "runtime"
        host = key.endswith("host_anon_mb")
        allocated = key.replace("_vram_mb", "_allocated_mb")
        check = _Check(
            name=memory_name(key),
            expected=value,
            tolerance=allowed.load_peak_vram if moment == "load" else allowed.runtime_peak_vram,
            pad=HOST_PAD_MIB if host else VRAM_PAD_MIB,
            unit="MiB",
            guards=not key.startswith("warmup_")
            and (allocated == key or allocated not in expected.memory_mb),
        )
        yield check, run.memory_mb[key]


def memory_name(key: str) -> str:
    """The metric's name of one of the format's own keys for a memory peak."""
    return key.removesuffix("_mb").replace("_", " ")


def _not_guarded(expected: Expected, run: Run) -> list[str]:
    """What the rule lets through without a look, as warnings."""
    told = []
    if expected.e2e_ms is None:
        told.append("the baseline holds 0 for end-to-end: nothing guards it")
    new = [stage for stage in run.stages_ms if stage not in expected.stages_ms]
    if new and expected.stages_ms:
        told.append(f"not in the baseline and not judged: {', '.join(new)}")
    last = max(expected.steps_ms, default=-1)
    if expected.steps_ms and len(run.steps_ms) != last + 1:
        told.append(
            f"the run took {count(len(run.steps_ms), 'step')}, the baseline {last + 1}: "
            "what has no counterpart is not judged"
        )
    untold = [memory_name(key) for key in expected.memory_mb if key not in run.memory_mb]
    if expected.load_ms is not None and run.load_ms is None:
        untold.insert(0, LOAD)
    if expected.stages_ms.get(PER_FRAME):
        untold.append(PER_FRAME)
    if untold:
        told.append(f"the run does not tell, and is not judged by: {', '.join(untold)}")
    return told
