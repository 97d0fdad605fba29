"""Seeded arguments for causal_conv1d_update in each dialect and layout. Runs no kernel.

Sizes of a shape: B rows, D channels, L new tokens, W taps (4 if absent), N slots (2 B + 3 if
absent). More than one token is speculative decoding, but for the circular dialect. Slots are drawn
without repetition: two rows on one slot are a race in every implementation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from perfgate.workloads.kernels.causal_conv1d.call import Dialect
from perfgate.workloads.kernels.kernel import Arguments, Shape

Layout = Literal["contiguous", "transposed", "sliced"]
"""Of the state: as its shape says, channels and columns exchanged in memory, or a part of a pool
of more slots and more columns."""

_TAPS = 4
_MOST_TOKENS_SO_FAR = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Sizes:
    """A shape's sizes with those that it leaves out."""

    rows: int
    channels: int
    tokens: int
    taps: int
    slots: int
    columns: int

    @classmethod
    def of(cls, shape: Shape, dialect: Dialect) -> Sizes:
        """What the dialect needs for a shape."""
        given = shape.sizes
        rows, tokens, taps = given["B"], given["L"], given.get("W", _TAPS)
        ring = 1 if dialect == "circular" else 0
        return cls(
            rows=rows,
            channels=given["D"],
            tokens=tokens,
            taps=taps,
            slots=given.get("N", 2 * rows + 3),
            columns=taps - 1 + tokens - 1 + ring,
        )


def draw(
    shape: Shape,
    device: str,
    seed: int,
    *,
    dialect: Dialect,
    layout: Layout | None = None,
    pads: int = 0,
    pad_slot_id: int = -1,
) -> Arguments:
    """Arguments of a shape; without ``layout`` the state lies channels last, as servers keep it.

    ``pads`` rows, drawn too, have ``pad_slot_id`` for their slot.
    """
    source = torch.Generator().manual_seed(seed)
    sizes = Sizes.of(shape, dialect)
    dtype: torch.dtype = getattr(torch, shape.dtype)

    def normal(*counts: int) -> Tensor:
        return torch.randn(counts, generator=source).to(device, dtype)

    last = dialect == "channels-last"
    x = normal(sizes.rows, sizes.tokens, sizes.channels)
    weight = normal(sizes.channels, sizes.taps) * sizes.taps**-0.5
    slots = torch.randperm(sizes.slots, generator=source)
    slots = slots[slots != pad_slot_id][: sizes.rows].to(torch.int32)
    slots[torch.randperm(sizes.rows, generator=source)[:pads]] = pad_slot_id
    pool = normal(sizes.slots + 2, sizes.columns + 2, sizes.channels)
    arguments: Arguments = {
        "x": _as_called(x, last=last),
        "conv_state": _laid_out(pool, layout or ("contiguous" if last else "transposed"), last),
        "weight": weight.t().contiguous() if last else weight,
        "bias": normal(sizes.channels),
        "activation": "silu",
        "conv_state_indices": slots.to(device),
    }
    if dialect == "circular":
        lengths = torch.randint(_MOST_TOKENS_SO_FAR, (sizes.rows,), generator=source)
        return {**arguments, "cache_seqlens": lengths.to(device, torch.int32)}
    arguments["pad_slot_id"] = pad_slot_id
    if sizes.tokens > 1:
        accepted = torch.randint(1, sizes.tokens + 1, (sizes.rows,), generator=source)
        arguments["num_accepted_tokens"] = accepted.to(device, torch.int32)
    return arguments


def pool_of(arguments: Arguments, slots: int, *, dialect: Dialect, slack: int) -> Tensor:
    """A state of ``slots`` slots like the one in ``arguments``, channels last in memory.

    ``slack`` more columns of each slot are somebody else's.
    """
    state = arguments["conv_state"]
    assert isinstance(state, Tensor)  # noqa: S101 - for the type alone: draw() made it
    last = dialect == "channels-last"
    columns, channels = state.shape[1:] if last else reversed(state.shape[1:])
    size = (slots, columns + slack, channels)
    pool = torch.full(size, 0.5, device=state.device, dtype=state.dtype)[:, :columns]
    return pool if last else pool.transpose(1, 2)


def _as_called(x: Tensor, *, last: bool) -> Tensor:
    """(B, L, D) as the dialect wants it; one token has no dimension of its own."""
    if x.shape[1] == 1:
        return x.squeeze(1)
    return x if last else x.transpose(1, 2)


def _laid_out(pool: Tensor, layout: Layout, last: bool) -> Tensor:
    """(N + 2, S + 2, D) values as a state of N slots; a slice keeps a column too many."""
    if layout == "sliced":
        part = pool[1:-1, :-1]
        return part if last else part.transpose(1, 2)
    values = pool[1:-1, :-2]
    wanted = values if last else values.transpose(1, 2)
    if layout == "contiguous":
        return wanted.clone(memory_format=torch.contiguous_format)
    return wanted.transpose(1, 2).clone(memory_format=torch.contiguous_format).transpose(1, 2)
