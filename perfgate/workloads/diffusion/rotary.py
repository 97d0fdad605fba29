"""Rotary position embedding over time, rows and columns. Holds no weights.

Su et al. 2021 (RoFormer), with a head's channels divided among three axes as in Wan and FLUX.
"""

from __future__ import annotations

import torch
from torch import Tensor

_BASE = 10_000.0


def grid_positions(frames: int, rows: int, columns: int) -> Tensor:
    """(frames * rows * columns, 3) int64: each token's time, row and column, columns fastest."""
    axes = (torch.arange(frames), torch.arange(rows), torch.arange(columns))
    return torch.cartesian_prod(*axes).reshape(-1, 3)


def rotary_table(positions: Tensor, axes: tuple[int, int, int]) -> Tensor:
    """(tokens, 3) positions to (tokens, sum(axes) / 2) complex64 rotations of unit length.

    Channel pair k of an axis with c channels turns by ``position * 10000^(-2k/c)``.
    """
    angles = []
    for axis, channels in enumerate(axes):
        exponent = torch.arange(0, channels, 2, dtype=torch.float64) / channels
        angles.append(positions[:, axis, None].to(torch.float64) * _BASE**-exponent)
    angle = torch.cat(angles, dim=1)
    return torch.polar(torch.ones_like(angle), angle).to(torch.complex64)


def rotate(x: Tensor, table: Tensor) -> Tensor:
    """Turn neighbouring channel pairs of (batch, heads, tokens, channels) by the token's angle."""
    pairs = torch.view_as_complex(x.reshape(*x.shape[:-1], -1, 2))
    return torch.view_as_real(pairs * table).flatten(-2)
