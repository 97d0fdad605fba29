"""What causal_conv1d_update should do, row by row and tap by tap, from its definition alone.

Shares no line with the variants that it judges, reads only the spelling that ``drawing.py``
writes, and computes on the CPU in fp64 from values of the kernel's type.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from perfgate.workloads.kernels.causal_conv1d.call import Dialect
from perfgate.workloads.kernels.kernel import Arguments


@dataclass(frozen=True, kw_only=True, slots=True)
class Expected:
    """What a call returns and leaves."""

    output: Tensor
    """(live rows, D, L), fp64 on the CPU."""
    live: Tensor
    """(live rows) their places among all rows."""
    state: Tensor
    """In the dialect's shape and layout, on the CPU, with a copy of all the memory around it."""


def expect(arguments: Arguments, *, dialect: Dialect) -> Expected:
    """Must be called before the kernel changes ``arguments``, which stay as they are here."""
    last = dialect == "channels-last"
    x = _on_cpu(arguments, "x")
    x = x.unsqueeze(1 if last else 2) if x.dim() == 2 else x
    x = x.transpose(1, 2) if last else x
    kept = _twin(_tensor(arguments, "conv_state"))
    state = kept.transpose(1, 2) if last else kept
    weight = _on_cpu(arguments, "weight")
    weight = (weight.t() if last else weight).double()
    bias = _on_cpu(arguments, "bias").double() if arguments["bias"] is not None else None
    pad = arguments.get("pad_slot_id")
    outputs, live = [], []
    for row, slot in enumerate(_on_cpu(arguments, "conv_state_indices").tolist()):
        if slot == pad or (dialect == "circular" and slot < 0):
            continue
        new = _moved(state[slot], x[row], arguments, row, taps=weight.shape[1])
        outputs.append(_convolved(new, weight, bias, silu=arguments["activation"] == "silu"))
        live.append(row)
    return Expected(
        output=torch.stack(outputs) if outputs else torch.empty(0, *x.shape[1:]).double(),
        live=torch.tensor(live, dtype=torch.long),
        state=kept,
    )


def memory_of(tensor: Tensor) -> Tensor:
    """All bytes of the memory that a tensor is a view of, copied to the CPU."""
    whole = torch.empty(0, dtype=torch.uint8, device=tensor.device)
    return whole.set_(tensor.untyped_storage()).cpu().clone()


def _moved(state: Tensor, x: Tensor, arguments: Arguments, row: int, *, taps: int) -> Tensor:
    """(D, W - 1 + L) history and new tokens of a row; moves its state (D, S) on."""
    tokens = x.shape[1]
    if "cache_seqlens" in arguments:
        length, ring = int(_on_cpu(arguments, "cache_seqlens")[row]), state.shape[1]
        history = [state[:, (length - back) % ring].clone() for back in range(taps - 1, 0, -1)]
        for token in range(tokens):
            state[:, (length + token) % ring] = x[:, token]
        return torch.stack((*history, *x.unbind(1)), dim=1)
    speculative = "num_accepted_tokens" in arguments
    first = int(_on_cpu(arguments, "num_accepted_tokens")[row]) - 1 if speculative else 0
    history = [state[:, first + column].clone() for column in range(taps - 1)]
    joined = torch.stack((*history, *x.unbind(1)), dim=1)
    dropped = 1 if speculative else tokens
    for column in range(joined.shape[1] - dropped):
        state[:, column] = joined[:, dropped + column]
    return joined


def _convolved(joined: Tensor, weight: Tensor, bias: Tensor | None, *, silu: bool) -> Tensor:
    """(D, L) fp64 from (D, W - 1 + L) and (D, W)."""
    values, taps = joined.double(), weight.shape[1]
    columns = []
    for token in range(values.shape[1] - taps + 1):
        sums = torch.zeros_like(values[:, 0]) if bias is None else bias.clone()
        for tap in range(taps):
            sums += weight[:, tap] * values[:, token + tap]
        columns.append(sums / (1 + torch.exp(-sums)) if silu else sums)
    return torch.stack(columns, dim=1)


def _twin(tensor: Tensor) -> Tensor:
    """A copy of a view together with all the memory behind it, on the CPU."""
    memory = memory_of(tensor).view(tensor.dtype)
    return memory.as_strided(tensor.shape, tensor.stride(), tensor.storage_offset())


def _on_cpu(arguments: Arguments, name: str) -> Tensor:
    return _tensor(arguments, name).cpu()


def _tensor(arguments: Arguments, name: str) -> Tensor:
    value = arguments[name]
    if not isinstance(value, Tensor):
        raise TypeError(f"{name} is no tensor")
    return value
