"""What a benchmark writes to ``$PERFGATE_REPORT``, told for editors and validators; reads nothing.

:mod:`perfgate.backends.reports` is the reader, which also takes sglang's performance log and what
github-action-benchmark is fed. A test holds both to one verdict.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from perfgate.records import NonNegative, OutputFingerprint, PositiveMs, Value


class WrittenStage(Value):
    """One stage of a request."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    """Such as TextEncodingStage; the same name twice adds up."""
    duration_ms: NonNegative
    """How long it took."""


class WrittenStep(Value):
    """One denoising step."""

    duration_ms: NonNegative
    """How long it took."""


class OwnWords(Value):
    """What perfgate knows beyond sglang's dump; other keys are kept and not judged."""

    version: Literal[1] = 1
    """The version of these keys: 1."""
    load_ms: NonNegative | None = None
    """How long loading took."""
    peak_memory_mb: NonNegative | None = None
    """The most memory of the device that was in use, in MiB."""
    sync: Literal["stage", "events", "off"] | None = None
    """Of what the times are: waited for at each stage, the device's events, or the host's."""
    flops: NonNegative | None = None
    """Floating-point operations that the request executed."""
    output: OutputFingerprint | None = None
    """What was computed, as the recorder's sketches tell it."""
    stage_counts: dict[str, Annotated[int, Field(ge=1)]] = Field(default_factory=dict)
    """How often a stage ran, by its name, where that is more than once."""
    incomplete: Annotated[tuple[str, ...], Field(max_length=0)] = ()
    """Spans that an exception left: with any of them it is no measurement."""


class WrittenRequest(Value):
    """One measured request, in the form of sglang's performance dump; other keys are kept."""

    total_duration_ms: PositiveMs
    """The request from beginning to end."""
    steps: Annotated[tuple[WrittenStage, ...], Field(min_length=1)]
    """Its stages, which sglang calls steps."""
    denoise_steps_ms: tuple[WrittenStep, ...] = ()
    """Its denoising steps, in order."""
    memory_checkpoints: dict[str, Any] | None = None
    """Readings of memory in MiB, by the moment at which they were taken."""
    suppress_stage_breakdown: Literal[False] = False
    """True in a warm-up, which is no measurement."""
    warmup_failed: Literal[False] = False
    """True where the warm-up before it failed, so that it is no measurement."""
    perfgate: OwnWords = OwnWords()
    """What else is told of it."""


WrittenReport = WrittenRequest | Annotated[tuple[WrittenRequest, ...], Field(min_length=1)]
"""What a benchmark leaves: one measured request, or a list of them."""
