"""How far two tensors are apart, from their summaries alone, and what is near enough.

The distance d is that of their sketches (:mod:`perfgate.profile.sketch`), within 9 % of d² of the
tensors' own. From it and the norms: cosine = (|a|² + |b|² - d²) / (2 |a| |b|), and for pictures
PSNR = 10 log10(span² N / d²).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from perfgate.records import TensorSummary

# What real changes do to wan-tiny and flux-tiny (8 steps, fp32, one AMD EPYC core, torch 2.13.0,
# 2026-11-21), as the worst tensor's distance over its norm, the last latents' 1 - cosine and the
# frames' PSNR; with 2 threads both presets gave the same bits as with 1:
#   attention by another kernel           5e-7            1e-13        130 to 139 dB
#   one of 8 predictions left out, early  4e-3 to 8e-3    8e-6, 3e-5   57 dB
#   the same, in the middle               1e-2            5e-5, 8e-5   50 to 52 dB
#   the same, the last one                4e-2 to 5e-2    7e-4, 1e-3   38 to 40 dB
#   weights rounded to bf16               2e-3 to 3e-3    2e-6, 3e-6   56 to 62 dB
#   computed in bf16 (autocast)           4e-3 to 6e-3    3e-6, 2e-5   50 to 55 dB
# So one build in fp32 tells a prediction that was left out from rounding by three orders of
# magnitude. Across builds or in bf16 nothing can: all but the last weigh as much as bf16 does. What
# leaves out work there shows in the number of steps and of floating-point operations.
TOLERANCE = 1e-3
"""Of a tensor's scale: what rounding in fp32 stays far below, and left-out work does not."""
LEAST_COSINE = 0.9999
LEAST_PSNR_DB = 40.0
TOLERANCE_OF_ANOTHER_BUILD = math.sqrt(2.0 * (1.0 - LEAST_COSINE))
"""The distance, over the norm, of two tensors of one length at that cosine: 1.4 %. It holds the
length too, which a cosine does not see, and the moments where there are no sketches to compare."""
_TINY = 1e-12


@dataclass(frozen=True, kw_only=True)
class Apart:
    """How two tensors of one shape differ.

    ``of_scale`` is the largest difference of a moment, or the distance, as a fraction of the
    tensors' scale; ``of_length`` the difference of their norms alone. ``cosine`` needs sketches of
    equal length, ``psnr_db`` the span of a picture too; without they are None.
    """

    of_scale: float
    of_length: float
    cosine: float | None = None
    psnr_db: float | None = None

    def by_rounding_alone(self) -> bool:
        """Whether one build that computes in fp32 may give both."""
        return self.of_scale <= TOLERANCE

    def invisible(self) -> bool:
        """Whether two builds, or a type of less than fp32, may give both."""
        if self.cosine is None:
            return self.of_scale <= TOLERANCE_OF_ANOTHER_BUILD
        return (
            self.cosine >= LEAST_COSINE
            and self.of_length <= TOLERANCE_OF_ANOTHER_BUILD
            and (self.psnr_db is None or self.psnr_db >= LEAST_PSNR_DB)
        )

    def __str__(self) -> str:
        parts = []
        if self.psnr_db is not None:
            parts.append(f"PSNR {self.psnr_db:.1f} dB")
        if self.cosine is not None:
            parts.append(f"cosine {_cosine(self.cosine)}")
        return ", ".join([*parts, f"{self.of_scale:.2g} of its scale apart"])


def apart(one: TensorSummary, other: TensorSummary) -> Apart:
    """Compare two summaries; any numbers may stand in them, they come from a benchmark."""
    scale = max(abs(one.mean), one.deviation, abs(other.mean), other.deviation, _TINY)
    longer = max(one.norm, other.norm, _TINY)
    distance = _distance(one, other)
    of_length = abs(one.norm - other.norm) / longer
    return Apart(
        of_scale=max(
            abs(one.mean - other.mean) / scale,
            abs(one.deviation - other.deviation) / scale,
            of_length,
            (distance or 0.0) / longer,
        ),
        of_length=of_length,
        cosine=None if distance is None else _cosine_of(one.norm, other.norm, distance),
        psnr_db=None if distance is None else _psnr_db(one, other, distance),
    )


def _distance(one: TensorSummary, other: TensorSummary) -> float | None:
    """The distance as the sketches estimate it; None where there are none, or two formats."""
    if not one.sketch or len(one.sketch) != len(other.sketch):
        return None
    return math.dist(one.sketch, other.sketch)


def _cosine_of(one: float, other: float, distance: float) -> float:
    if min(one, other) == 0.0:
        return 1.0 if one == other else 0.0
    found = (one / other + other / one - (distance / one) * (distance / other)) / 2.0
    return found if math.isfinite(found) else 0.0


def _psnr_db(one: TensorSummary, other: TensorSummary, distance: float) -> float | None:
    """Decibels; None for what is no picture, infinite for two that are equal."""
    values = math.prod(one.shape)
    if not one.span or not other.span or values < 1:
        return None
    if not 0.0 < distance < math.inf:
        return math.inf if distance == 0.0 else -math.inf
    span_db = 20.0 * math.log10(min(one.span, other.span))
    return span_db + 10.0 * math.log10(values) - 20.0 * math.log10(distance)


def _cosine(value: float) -> str:
    """With the digits that tell it from 1: 0.9971, 0.999992."""
    missing = abs(1.0 - value)
    digits = 4 if missing >= 1e-3 else 6 if missing >= 1e-5 else 9
    return f"{min(value, 1.0):.{digits}f}"
