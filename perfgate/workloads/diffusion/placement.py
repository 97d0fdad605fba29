"""Where a pipeline stands and in which type it computes. Opens no device."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from perfgate.profile.devices.device import Device
from perfgate.workloads.diffusion.config import DtypeName


@dataclass(frozen=True, kw_only=True, slots=True)
class Placement:
    """The device and the type of a pipeline's weights and activations."""

    device: torch.device
    dtype: torch.dtype

    def put(self, tensor: Tensor) -> Tensor:
        """A floating-point tensor there, in that type."""
        return tensor.to(self.device, self.dtype)


ON_CPU = Placement(device=torch.device("cpu"), dtype=torch.float32)


def chosen_dtype(asked: DtypeName | None, device: Device) -> DtypeName:
    """What a case asks for; else the fastest type of a GPU or NPU, and fp32 on every CPU.

    A CPU with bf16 instructions multiplies matrices faster in it, one without them 66 times slower
    than in fp32: a preset would not be the same work from one runner to the next.
    """
    if asked is not None:
        return asked
    return "float32" if device.kind == "cpu" else device.capability().fast_dtype


def placed(asked: DtypeName | None, device: Device) -> Placement:
    """The placement on an opened device."""
    dtype: torch.dtype = getattr(torch, chosen_dtype(asked, device))
    return Placement(device=torch.device(device.torch_device), dtype=dtype)
