"""causal_conv1d_update through torch.compile: the definition in plain operators, fused by torch.

Compiled for one shape and one layout of the state at a time, without graph breaks: a graph that
falls apart, or a limit of recompilations that is met, raises instead of running something else.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor
from torch.nn import functional

from perfgate.workloads.kernels.causal_conv1d.call import (
    ACCEPTED,
    Dialect,
    accepted_tokens,
    live_rows,
    wants_silu,
)
from perfgate.workloads.kernels.causal_conv1d.rows import PreparedWeights, columns_of_history
from perfgate.workloads.kernels.compiling import compiled_alone
from perfgate.workloads.kernels.kernel import Arguments, Function, Target

_OF_ROWS = ("x", "conv_state_indices", "cache_seqlens", *ACCEPTED)


def make(target: Target, *, dialect: Dialect) -> Function:
    """Raises NotAvailable where torch.compile has no compiler for the device."""
    weights = PreparedWeights(dialect)
    fused = compiled_alone(_update, target.device)
    last, circular = dialect == "channels-last", dialect == "circular"

    def run(arguments: Arguments) -> Tensor:
        given = cast("dict[str, Tensor]", arguments)
        state, slots = given["conv_state"], given["conv_state_indices"]
        output, unwritten = fused(
            given["x"],
            state,
            weights.of(arguments),
            given["bias"],
            slots,
            silu=wants_silu(arguments),
            accepted=accepted_tokens(arguments),
            lengths=given["cache_seqlens"] if circular else None,
            last=last,
        )
        if unwritten is not None:
            _write(state if last else state.transpose(1, 2), slots.long(), *unwritten)
        return output

    def function(arguments: Arguments) -> Tensor:
        x, slots = (cast("Tensor", arguments[name]) for name in ("x", "conv_state_indices"))
        live = live_rows(slots, None if circular else cast("int", arguments["pad_slot_id"]))
        if live is None:
            output = run(arguments)
            return x.copy_(output) if last else output
        output = x if last else torch.zeros_like(x)
        if len(live):
            output[live] = run(_filled(arguments, live))[: len(live)]
        return output

    return function


def _filled(arguments: Arguments, live: Tensor) -> Arguments:
    """As many rows without padding: the first live one stands in, and writes what it would anyway.

    A number of rows of its own would be compiled for.
    """
    rows = live[0].repeat(len(cast("Tensor", arguments["x"])))
    rows[: len(live)] = live
    parts = {name: cast("Tensor", arguments[name]) for name in _OF_ROWS if name in arguments}
    return {**arguments, **{name: part[rows] for name, part in parts.items()}}


def _update(
    x: Tensor,
    state: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    slots: Tensor,
    *,
    silu: bool,
    accepted: Tensor | None,
    lengths: Tensor | None,
    last: bool,
) -> tuple[Tensor, tuple[Tensor, Tensor] | None]:
    """The output in the shape of x, from both as their dialect has them and weights of (W, D).

    Where the state's slots are not adjacent also what is left to :func:`_write`: torch would copy
    all of them, twice.
    """
    adjacent = state.stride(0) == state.shape[1] * state.shape[2]
    taps, state = len(weight), state if last else state.transpose(1, 2)
    new = x.unsqueeze(1) if x.dim() == 2 else x if last else x.transpose(1, 2)
    tokens, rows = new.shape[1], slots.long()
    # Each column by itself: joined into one tensor they would be written once more.
    if accepted is None and lengths is None:
        history = tuple(state[rows, column] for column in range(taps - 1))
    else:
        steps, ring = torch.arange(taps - 1, device=x.device), state.shape[1]
        read = columns_of_history(steps, accepted=accepted, lengths=lengths, ring=ring)
        history = state[rows.unsqueeze(1), read].unbind(1)
    values = (*history, *new.unbind(1))
    windows = (values[token : token + taps] for token in range(tokens))
    # All of it before the state is written: for what follows a write torch copies the whole state.
    output = torch.stack([_of_window(one, weight, bias, silu=silu) for one in windows], dim=1)
    output = (output if last else output.transpose(1, 2)).reshape(x.shape)
    if lengths is not None:
        kept, columns = new, (lengths.unsqueeze(1) + torch.arange(tokens, device=x.device)) % ring
    else:
        kept = torch.stack(values[tokens if accepted is None else 1 :], dim=1)
        columns = torch.arange(kept.shape[1], device=x.device)
    if not adjacent:
        return output, (columns, kept)
    _write(state, rows, columns, kept)
    return output, None


def _write(state: Tensor, rows: Tensor, columns: Tensor, values: Tensor) -> None:
    """Put (B, C, D) into these columns, (C) or (B, C), of each row's slot."""
    state[rows.unsqueeze(1), columns] = values


def _of_window(
    window: tuple[Tensor, ...], weight: Tensor, bias: Tensor | None, *, silu: bool
) -> Tensor:
    """(B, D) of W columns of (B, D)."""
    sums = window[0].float() * weight[0]
    for column, tap in zip(window[1:], weight[1:], strict=True):
        sums = sums + column.float() * tap
    if bias is not None:
        sums = sums + bias.float()
    return (functional.silu(sums) if silu else sums).to(window[0].dtype)
