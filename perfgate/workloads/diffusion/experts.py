"""Two experts that take turns in one place on the device, as Wan 2.2 is served. Knows no loop.

Wan 2.2 (Wan Team 2025): one transformer's weights for the steps at high noise, another's for the
rest. Two of them rarely fit a device, so each waits in host memory and is copied over the other.
The copy goes into the same tensors: what was compiled or captured for one serves both.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

from torch import nn

from perfgate.workloads.diffusion.config import PipelineConfig
from perfgate.workloads.diffusion.denoiser import draw_transformer
from perfgate.workloads.diffusion.placement import Placement

Expert: TypeAlias = Literal["high_noise", "low_noise"]


class ExpertSlot:
    """One resident transformer, and the weights of each expert in host memory."""

    def __init__(
        self, config: PipelineConfig, placement: Placement, *, seeds: Mapping[Expert, int]
    ) -> None:
        self._parked = {}
        for expert, seed in seeds.items():
            self.transformer: nn.Module = draw_transformer(config, placement, seed=seed)
            parked = [weights.detach().to("cpu", copy=True) for weights in self._resident()]
            if placement.device.type == "cuda":  # page-locked memory is copied without a detour
                parked = [weights.pin_memory() for weights in parked]
            self._parked[expert] = parked

    def load(self, expert: Expert) -> None:
        """Copy an expert's weights to the device; queued there like any other work."""
        for resident, parked in zip(self._resident(), self._parked[expert], strict=True):
            resident.copy_(parked, non_blocking=True)

    def _resident(self) -> list[nn.Parameter]:
        return list(self.transformer.parameters())
