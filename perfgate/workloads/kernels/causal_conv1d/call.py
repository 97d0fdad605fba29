"""A call of causal_conv1d_update as all variants see it, whatever dialect it was spelled in.

Computes nothing. Names and shapes are those of channels-first tensors:

    y[t] = bias + sum over j of weight[j] * z[t + j]    with  z = history (W - 1), then x (L)

and ``silu(y)`` where an activation is asked for. The dialects differ in where the history lies:

* circular: W - 1 columns before ``cache_seqlens`` in a ring; x is written from there on.
* slots: columns 0 to W - 2 of a row's slot, which then move on by L. With accepted tokens
  (speculative decoding) the history starts at ``accepted - 1``, and z moves in from its second
  column. Further columns of the state belong to somebody else.
* channels-last: as slots, with the channels last in x, state and weight, and the output in x.

Rows of padding leave the state as it is; their output is anything.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple, cast

import torch
from torch import Tensor

from perfgate.workloads.kernels.kernel import Arguments, Function

Dialect = Literal["circular", "slots", "channels-last"]

ACTIVATIONS: dict[object, bool] = {
    None: False,
    False: False,
    True: True,
    "silu": True,
    "swish": True,
}
"""How callers ask for SiLU, or for nothing."""
ACCEPTED = ("num_accepted_tokens", "num_accept_tokens")
"""What projects call the number of accepted tokens."""


class Call(NamedTuple):
    """B rows, D channels, L new tokens, W taps, N slots of S columns."""

    x: Tensor
    """(B, D, L)"""
    state: Tensor
    """(N, D, S)"""
    weight: Tensor
    """(D, W)"""
    bias: Tensor | None
    """(D)"""
    silu: bool
    slots: Tensor | None
    """(B) whole numbers; row b uses slot b without it."""
    pad: int | None
    """The slot id of padding; any negative one without it."""
    accepted: Tensor | None
    """(B) whole numbers from 1 to L."""
    lengths: Tensor | None
    """(B) tokens so far; only circular."""

    def only(self, rows: Tensor) -> Call:
        """The call of these rows alone."""
        return self._replace(
            x=self.x[rows],
            slots=rows if self.slots is None else self.slots[rows],
            accepted=None if self.accepted is None else self.accepted[rows],
            lengths=None if self.lengths is None else self.lengths[rows],
        )

    def slot_of_rows(self) -> Tensor:
        """(B) slots to index with."""
        if self.slots is None:
            return torch.arange(self.x.shape[0], device=self.x.device)
        return self.slots.long()


Update = Callable[[Call], Tensor]
"""From a call to its output of (B, D, L), with the state changed."""


def read(arguments: Arguments, dialect: Dialect) -> Call:
    """Arguments in a dialect as a call; x of (B, D) is one token. Raises ValueError."""
    last = dialect == "channels-last"
    x = cast("Tensor", arguments["x"])
    x = x.unsqueeze(1 if last else 2) if x.dim() == 2 else x
    state = cast("Tensor", arguments["conv_state"])
    weight = cast("Tensor", arguments["weight"])
    circular = dialect == "circular"
    return Call(
        x=x.transpose(1, 2) if last else x,
        state=state.transpose(1, 2) if last else state,
        weight=weight.t() if last else weight,
        bias=cast("Tensor | None", arguments.get("bias")),
        silu=wants_silu(arguments),
        slots=cast("Tensor | None", arguments.get("conv_state_indices")),
        pad=None if circular else cast("int", arguments.get("pad_slot_id", -1)),
        accepted=accepted_tokens(arguments),
        lengths=cast("Tensor", arguments["cache_seqlens"]) if circular else None,
    )


def wants_silu(arguments: Arguments) -> bool:
    """Whether the activation is SiLU. Raises ValueError for a spelling that nobody uses."""
    spelled = arguments.get("activation")
    try:
        return ACTIVATIONS[spelled]
    except KeyError:
        raise ValueError(f"activation: {spelled!r}") from None


def accepted_tokens(arguments: Arguments) -> Tensor | None:
    """The number of accepted tokens of each row, under either name."""
    for name in ACCEPTED:  # a generator would cost a tenth of a small call
        if name in arguments:
            return cast("Tensor", arguments[name])
    return None


def spoken(update: Update, dialect: Dialect) -> Function:
    """A variant of :class:`Call` as a function of arguments in a dialect."""

    def function(arguments: Arguments) -> Tensor:
        output = update(read(arguments, dialect))
        x = cast("Tensor", arguments["x"])
        if dialect == "channels-last":
            return x.copy_(output.transpose(1, 2).reshape(x.shape))
        return output.reshape(x.shape)

    return function


def on_live_rows(call: Call, update: Update) -> Tensor:
    """Update without the rows of padding, whose output is zero.

    Looks at the slots on the host, which waits for the device.
    """
    live = None if call.slots is None else live_rows(call.slots, call.pad)
    if live is None:
        return update(call)
    output = torch.zeros_like(call.x)
    if len(live):
        output[live] = update(call.only(live))
    return output


def live_rows(slots: Tensor, pad: int | None) -> Tensor | None:
    """Rows that are no padding, or None for all; without ``pad`` negative slots are padding."""
    numbers = slots.tolist()  # sooner than three operators on a tensor of a few numbers
    if not (min(numbers) < 0 if pad is None else pad in numbers):
        return None
    return torch.nonzero(slots >= 0 if pad is None else slots != pad).squeeze(1)
