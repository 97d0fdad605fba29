"""causal_conv1d_update through torch.compile: the definition in plain operators, fused by torch.

Compiled for one shape and one layout of the state at a time, without graph breaks: a graph that
falls apart, or a limit of recompilations that is met, raises instead of running something else.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from perfgate.workloads.kernels.causal_conv1d.call import Call, Dialect, on_live_rows, spoken
from perfgate.workloads.kernels.causal_conv1d.rows import PreparedWeights, columns_of_history
from perfgate.workloads.kernels.compiling import compiled_alone
from perfgate.workloads.kernels.kernel import Arguments, Function, Target


def make(target: Target, *, dialect: Dialect) -> Function:
    """Raises NotAvailable where torch.compile has no compiler for the device."""
    weights = PreparedWeights(dialect)
    fused = compiled_alone(_update, target.device)

    def function(arguments: Arguments) -> Tensor:
        weight = weights.of(arguments)

        def update(call: Call) -> Tensor:
            return fused(
                call.x,
                call.state,
                weight,
                call.bias,
                call.slot_of_rows() if call.slots is None else call.slots,
                silu=call.silu,
                accepted=call.accepted,
                lengths=call.lengths,
            )

        return spoken(lambda call: on_live_rows(call, update, fill=True), dialect)(arguments)

    return function


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
) -> Tensor:
    """(B, D, L) from x of the same, a state of (N, D, S) and weights of (W, D)."""
    taps, new, state = len(weight), x.transpose(1, 2), state.transpose(1, 2)
    tokens, rows = new.shape[1], slots.long()
    if accepted is None and lengths is None:
        joined = torch.cat((state[rows, : taps - 1], new), dim=1)
        state[rows, : taps - 1] = joined[:, tokens:]
    else:
        steps, rows = torch.arange(taps - 1, device=x.device), rows.unsqueeze(1)
        ring = state.shape[1]
        columns = columns_of_history(steps, accepted=accepted, lengths=lengths, ring=ring)
        joined = torch.cat((state[rows, columns], new), dim=1)
        if lengths is None:
            state[rows.squeeze(1), : taps - 2 + tokens] = joined[:, 1:]
        else:
            written = lengths.unsqueeze(1) + torch.arange(tokens, device=x.device)
            state[rows, written % ring] = new
    values = joined.float()
    sums = values[:, :tokens] * weight[0]
    for tap in range(1, taps):
        sums = sums + values[:, tap : tap + tokens] * weight[tap]
    if bias is not None:
        sums = sums + bias.float()
    output = functional.silu(sums) if silu else sums
    return output.to(new.dtype).transpose(1, 2)
