"""causal_conv1d_update in plain torch, as one writes it down: index, join, convolve, put back.

The measure of the others' speed, so nothing here is done for speed.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from perfgate.workloads.kernels.causal_conv1d.call import Call, Dialect, on_live_rows, spoken
from perfgate.workloads.kernels.kernel import Function, Target


def make(_: Target, *, dialect: Dialect) -> Function:
    """Runs on any device."""
    return spoken(lambda call: on_live_rows(call, _update), dialect)


def _update(call: Call) -> Tensor:
    width = call.weight.shape[1]
    tokens = call.x.shape[2]
    slots = call.slot_of_rows()
    if call.lengths is not None:
        ring = call.state.shape[2]
        joined = torch.cat((_columns(call, call.lengths - (width - 1), width - 1), call.x), dim=2)
        written = (call.lengths.unsqueeze(1) + _steps(call, tokens)) % ring
        call.state[slots.unsqueeze(1), :, written] = call.x.transpose(1, 2)
    elif call.accepted is not None:
        joined = torch.cat((_columns(call, call.accepted - 1, width - 1), call.x), dim=2)
        call.state[slots, :, : width - 2 + tokens] = joined[:, :, 1:]
    else:
        joined = torch.cat((call.state[slots, :, : width - 1], call.x), dim=2)
        call.state[slots, :, : width - 1] = joined[:, :, tokens:]
    weight = call.weight.unsqueeze(1)
    output = functional.conv1d(joined, weight, call.bias, groups=call.weight.shape[0])
    return functional.silu(output) if call.silu else output


def _columns(call: Call, first: Tensor, count: int) -> Tensor:
    """(B, D, count): a row's columns of its slot from ``first`` on, which may wrap around."""
    columns = (first.unsqueeze(1) + _steps(call, count)) % call.state.shape[2]
    return call.state[call.slot_of_rows().unsqueeze(1), :, columns].transpose(1, 2)


def _steps(call: Call, count: int) -> Tensor:
    return torch.arange(count, device=call.x.device)
