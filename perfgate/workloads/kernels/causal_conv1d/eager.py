"""causal_conv1d_update in torch's own operators, as fast as they get: channels last, in place.

A grouped convolution of one output is mostly overhead; a multiply-add a tap over whole rows is
not. The rows are taken a few at a time, so that what lies between two operators stays in the
cache, and the allocator gives the same memory out again.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from perfgate.workloads.kernels.causal_conv1d.call import Call, Dialect, on_live_rows, spoken
from perfgate.workloads.kernels.causal_conv1d.rows import PreparedWeights, columns_of_history
from perfgate.workloads.kernels.kernel import Arguments, Function, Target

_VALUES_AT_ONCE = 2**18
"""Of x on a CPU; five times as many are in use, 5 MiB in fp32."""


def make(target: Target, *, dialect: Dialect) -> Function:
    """Runs on any device."""
    weights = PreparedWeights(dialect)
    on_cpu = target.device == "cpu"

    def function(arguments: Arguments) -> Tensor:
        weight = weights.of(arguments)

        def update(call: Call) -> Tensor:
            rows, channels, tokens = call.x.shape
            at_once = max(1, _VALUES_AT_ONCE // (channels * tokens))
            if not on_cpu or rows <= at_once:
                return _update(call, weight)
            output = torch.empty_like(call.x)
            for first in range(0, rows, at_once):
                part = _part(call, slice(first, first + at_once))
                output[first : first + at_once] = _update(part, weight)
            return output

        return spoken(lambda call: on_live_rows(call, update), dialect)(arguments)

    return function


def _part(call: Call, rows: slice) -> Call:
    return call._replace(
        x=call.x[rows],
        slots=call.slot_of_rows()[rows],
        accepted=None if call.accepted is None else call.accepted[rows],
        lengths=None if call.lengths is None else call.lengths[rows],
    )


def _update(call: Call, weight: Tensor) -> Tensor:
    """(B, D, L) from weights of (W, D)."""
    state, taps, tokens = call.state.transpose(1, 2), len(weight), call.x.shape[2]
    slots = call.slot_of_rows()
    if call.lengths is not None or call.accepted is not None:
        joined = _moved(call, state, call.x.transpose(1, 2), slots.unsqueeze(1), taps)
    elif tokens == 1:
        return _one_token(call, state[:, : taps - 1], weight, slots).unsqueeze(2)
    else:
        history = state[:, : taps - 1]
        joined = torch.cat((history.index_select(0, slots), call.x.transpose(1, 2)), dim=1)
        history.index_copy_(0, slots, joined[:, tokens:])
    windows = joined.float().unfold(1, tokens, 1).unbind(1)
    bias = None if call.bias is None else call.bias.unsqueeze(1)
    return _summed(windows, weight.unsqueeze(2), bias, silu=call.silu).to(call.x.dtype)


def _one_token(call: Call, history: Tensor, weight: Tensor, slots: Tensor) -> Tensor:
    """(B, D). The token is not joined with its history: that would write all of it once more."""
    token, before = call.x.squeeze(2), history.index_select(0, slots)
    history[:, :-1].index_copy_(0, slots, before[:, 1:])
    history[:, -1].index_copy_(0, slots, token)
    columns = (*before.float().unbind(1), token.float())
    return _summed(columns, weight, call.bias, silu=call.silu).to(token.dtype)


def _summed(
    windows: tuple[Tensor, ...], weight: Tensor, bias: Tensor | None, *, silu: bool
) -> Tensor:
    """What each tap multiplies, one after the other; fp32, as they are shaped."""
    (first, *others), (tap, *taps) = windows, weight.unbind()
    start = weight.new_zeros(()) if bias is None else bias.float()
    sums = torch.addcmul(start, first, tap)
    for window, tap in zip(others, taps, strict=True):
        sums.addcmul_(window, tap)
    return functional.silu(sums, inplace=True) if silu else sums


def _moved(call: Call, state: Tensor, new: Tensor, slots: Tensor, taps: int) -> Tensor:
    """(B, W - 1 + L, D) where the history lies anywhere in the state, which is moved on."""
    tokens = new.shape[1]
    steps = torch.arange(max(taps - 1, tokens), device=new.device)
    columns = columns_of_history(
        steps[: taps - 1], accepted=call.accepted, lengths=call.lengths, ring=state.shape[1]
    )
    joined = torch.cat((state[slots, columns], new), dim=1)
    if call.lengths is not None:
        written = (call.lengths.unsqueeze(1) + steps[:tokens]) % state.shape[1]
        state[slots, written] = new
    else:
        state[:, : joined.shape[1] - 1].index_copy_(0, slots.squeeze(1), joined[:, 1:])
    return joined
