"""sglang's own baseline file, ``perf_baselines/<platform>.json``: text in, values out; no effect.

Top-level keys are ``metadata``, ``tolerances`` (ratios by profile), ``sampling``,
``runner_overrides``, ``scenarios``, and others that perfgate keeps and does not read. Times are
milliseconds, memory is MiB; of a scenario, whatever is null, 0 or absent is not guarded.

The files of NPUs and of MUSA hold scenarios alone: sglang merges them into its H100 file and judges
them with the tolerances there. So does perfgate, with those of the H100 file of sglang 0.5.23,
which stand in :mod:`perfgate.verdict.tolerance`, and the decision says so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from perfgate.baselines.native import no_duplicate_keys
from perfgate.errors import BaselineError, ConfigurationError
from perfgate.verdict.tolerance import (
    DEFAULT_TOLERANCES,
    PER_FRAME,
    STEP_FRACTIONS,
    Expected,
    Tolerances,
)

MAX_FILE_BYTES = 16 * 2**20
_MOST_TOLD = 5
_SHOWN_CHARS = 60
_VIDEO_ID = re.compile(r"(^|_)(t|i|ti|v|ref)2v")
"""How sglang's scenarios call a video: the file does not tell, and steps of videos have a pad of
their own."""

Ms = Annotated[float, Field(strict=True, ge=0, allow_inf_nan=False)]
Mib = Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False)]
Tolerance = Annotated[float, Field(strict=True, ge=0, le=100, allow_inf_nan=False)]
Fraction = Annotated[float, Field(strict=True, ge=0, le=1, allow_inf_nan=False)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
StepIndex = Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,5})$")]


class _Part(BaseModel):
    """A part of the file, with every key that perfgate does not know."""

    model_config = ConfigDict(frozen=True, extra="allow")


class Profile(_Part):
    """How much slower, as a ratio, each kind of time may be."""

    e2e: Tolerance
    denoise_stage: Tolerance
    non_denoise_stage: Tolerance
    denoise_step: Tolerance
    denoise_agg: Tolerance
    load: Tolerance | None = None
    load_peak_vram: Tolerance | None = None
    runtime_peak_vram: Tolerance | None = None


class Sampling(_Part):
    """Which denoising steps are looked at, as fractions of the last one's index."""

    step_fractions: tuple[Fraction, ...] = STEP_FRACTIONS


class Scenario(_Part):
    """What is expected of one scenario."""

    stages_ms: dict[Name, Ms | None] = Field(default_factory=dict)
    denoise_step_ms: dict[StepIndex, Ms] = Field(default_factory=dict)
    expected_e2e_ms: Ms
    expected_avg_denoise_ms: Ms | None = None
    expected_median_denoise_ms: Ms | None = None
    expected_load_ms: Ms | None = None
    load_peak_vram_mb: Mib | None = None
    runtime_peak_vram_mb: Mib | None = None
    warmup_peak_vram_mb: Mib | None = None
    load_peak_allocated_mb: Mib | None = None
    runtime_peak_allocated_mb: Mib | None = None
    load_peak_host_anon_mb: Mib | None = None
    runtime_peak_host_anon_mb: Mib | None = None
    timing_tolerance: Tolerance | None = None
    estimated_full_test_time_s: Ms | None = None
    notes: str | None = None

    def expected(self, name: str) -> Expected:
        """The values that the tolerance rule holds a run against."""
        memory = {key: getattr(self, key) for key in type(self).model_fields if key.endswith("_mb")}
        return Expected(
            scenario=name,
            # Nothing takes no time: sglang writes 0 where it does not look.
            e2e_ms=self.expected_e2e_ms or None,
            stages_ms={key: ms for key, ms in self.stages_ms.items() if ms is not None},
            steps_ms={int(key): ms for key, ms in self.denoise_step_ms.items()},
            average_step_ms=self.expected_avg_denoise_ms or None,
            median_step_ms=self.expected_median_denoise_ms or None,
            load_ms=self.expected_load_ms,
            memory_mb={key: value for key, value in memory.items() if value is not None},
            timing_tolerance=self.timing_tolerance or 0.0,
            video=PER_FRAME in self.stages_ms or _VIDEO_ID.search(name) is not None,
        )


class SglangBaseline(_Part):
    """A whole file."""

    metadata: dict[str, Any] = Field(default_factory=dict)
    tolerances: dict[Name, Profile] = Field(default_factory=dict)
    sampling: Sampling = Sampling()
    runner_overrides: dict[str, dict[str, dict[str, Any]]] = Field(default_factory=dict)
    scenarios: dict[Name, Scenario]

    def tolerances_of(self, profile: str) -> Tolerances:
        """The ratios of a profile; those of the H100 file where this one has none.

        Raises ConfigurationError for a profile that is not there.
        """
        if not self.tolerances:
            return default_tolerances(profile)
        if profile not in self.tolerances:
            raise _no_profile(profile, self.tolerances)
        ratios = self.tolerances[profile].model_dump(include=set(Profile.model_fields))
        return Tolerances(**{name: ratio for name, ratio in ratios.items() if ratio is not None})

    def expected(self, scenario: str, *, runner: str = "") -> Expected | None:
        """What the file expects of a scenario on a runner; None for one that it does not have.

        Of ``runner_overrides`` the first whose name begins the runner's counts.
        """
        if scenario not in self.scenarios:
            return None
        return self._overridden(scenario, runner).expected(scenario)

    def _overridden(self, scenario: str, runner: str) -> Scenario:
        plain = self.scenarios[scenario]
        matching = (key for key in self.runner_overrides if runner and runner.startswith(key))
        first = next(matching, None)
        changes = self.runner_overrides[first].get(scenario) if first is not None else None
        if not changes:
            return plain
        # Validated when the file was read.
        return Scenario.model_validate({**plain.model_dump(), **changes})

    def has_overrides_for(self, scenario: str) -> bool:
        return any(scenario in found for found in self.runner_overrides.values())


def default_tolerances(profile: str) -> Tolerances:
    """The ratios of sglang's H100 file. Raises ConfigurationError for a profile it has not."""
    if profile not in DEFAULT_TOLERANCES:
        raise _no_profile(profile, DEFAULT_TOLERANCES)
    return DEFAULT_TOLERANCES[profile]


def _no_profile(profile: str, known: Mapping[str, object]) -> ConfigurationError:
    return ConfigurationError(
        f"there is no tolerance profile {profile!r}", fix=f"Name one of: {', '.join(known)}."
    )


def parse_sglang_baseline(text: str, *, source: str) -> SglangBaseline:
    """Read a file; BaselineError names ``source``, the place in it and what is impossible there."""
    if len(text.encode()) > MAX_FILE_BYTES:
        raise BaselineError(
            f"{source} is larger than {MAX_FILE_BYTES} bytes", fix="Split it by platform."
        )
    try:
        data = json.loads(text, object_pairs_hook=no_duplicate_keys)
    except (ValueError, RecursionError) as error:
        raise BaselineError(
            f"{source} is not valid JSON: {error}", fix="Restore the file from its last commit."
        ) from error
    where = ""
    try:
        baseline = SglangBaseline.model_validate(data)
        for where, changed in _overridden_scenarios(data):  # noqa: B007 - told if it is refused
            Scenario.model_validate(changed)
    except ValidationError as error:
        raise _refusal(error, source=source, where=where) from error
    if not baseline.scenarios:
        raise BaselineError(f"{source}: scenarios: it holds none", fix="Give a file with figures.")
    return baseline


def _overridden_scenarios(data: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Every scenario as some runner's override makes it, with the override's place."""
    return [
        (f"runner_overrides.{prefix}.{name}", {**data["scenarios"][name], **changes})
        for prefix, scenarios in data.get("runner_overrides", {}).items()
        for name, changes in scenarios.items()
        if name in data["scenarios"]
    ]


def _refusal(error: ValidationError, *, source: str, where: str) -> BaselineError:
    problems = error.errors()
    told = [_told(item, where) for item in problems[:_MOST_TOLD]]
    if len(problems) > _MOST_TOLD:
        told.append(f"and {len(problems) - _MOST_TOLD} more")
    return BaselineError(
        f"{source}: {'; '.join(told)}",
        fix="Restore the file from its last commit, or correct these figures from a run.",
    )


def _told(item: Any, where: str) -> str:  # noqa: ANN401 - pydantic's ErrorDetails
    parts = [where, *(str(part) for part in item["loc"] if part != "[key]")]
    place = ".".join(part for part in parts if part) or "the document"
    message = item["msg"].replace("Input should be", "must be")
    shown = "" if item["type"] == "missing" else f"{repr(item['input'])[:_SHOWN_CHARS]}: "
    return f"{place}: {shown}{message}"
