"""Rotary position embedding over time, rows and columns. Holds no weights.

Su et al. 2021 (RoFormer), with a head's channels divided among three axes as in Wan and FLUX.

A table is complex or real. Complex multiplication is one pass over the data and the fastest way on
a CPU (an eighth of the real form's time in fp32 on one thread), but NPUs lack complex kernels,
torch has none for bf16, and torch.compile generates none. In fp32 the two forms give the same bits:
each adds the same two products.
"""

from __future__ import annotations

import torch
from torch import Tensor

_BASE = 10_000.0


def grid_positions(frames: int, rows: int, columns: int) -> Tensor:
    """(frames * rows * columns, 3) int64: each token's time, row and column, columns fastest."""
    axes = (torch.arange(frames), torch.arange(rows), torch.arange(columns))
    return torch.cartesian_prod(*axes).reshape(-1, 3)


def rotary_table(positions: Tensor, axes: tuple[int, int, int], *, real: bool) -> Tensor:
    """(tokens, 3) positions to rotations of unit length, computed in fp64.

    Complex: (tokens, sum(axes) / 2) complex64. Real: (2, tokens, sum(axes)) fp32, what a channel
    and what its neighbour is multiplied with. Channel pair k of an axis with c channels turns by
    ``position * 10000^(-2k/c)``.
    """
    angles = []
    for axis, channels in enumerate(axes):
        exponent = torch.arange(0, channels, 2, dtype=torch.float64) / channels
        angles.append(positions[:, axis, None].to(torch.float64) * _BASE**-exponent)
    angle = torch.cat(angles, dim=1)
    turns = torch.polar(torch.ones_like(angle), angle).to(torch.complex64)
    if not real:
        return turns
    own = turns.real.repeat_interleave(2, dim=1)
    neighbour = torch.stack((-turns.imag, turns.imag), dim=2).flatten(1)
    return torch.stack((own, neighbour))


def rotate(x: Tensor, table: Tensor) -> Tensor:
    """Turn neighbouring channel pairs of (batch, heads, tokens, channels) by the token's angle."""
    if table.is_complex():
        pairs = torch.view_as_complex(x.reshape(*x.shape[:-1], -1, 2))
        return torch.view_as_real(pairs * table).flatten(-2)
    swapped = x.reshape(*x.shape[:-1], -1, 2).flip(-1).flatten(-2)
    return x * table[0] + swapped * table[1]
