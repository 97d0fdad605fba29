"""The flow-matching schedule and its Euler step. Pure arithmetic, no randomness.

Flow matching (Lipman et al. 2023) takes latents from noise at sigma 1 to data at sigma 0 along
``dx/dsigma = v``. The shift is that of Stable Diffusion 3 (Esser et al. 2024, equation 23).
"""

from __future__ import annotations

import torch
from torch import Tensor

TRAIN_TIMESTEPS = 1000.0
"""Transformers are conditioned on ``1000 * sigma``."""


def sigmas(steps: int, *, shift: float) -> Tensor:
    """(steps + 1,) float64 from 1 down to 0: ``s * u / (1 + (s - 1) * u)``, u equally spaced."""
    uniform = torch.linspace(1.0, 0.0, steps + 1, dtype=torch.float64)
    return shift * uniform / (1.0 + (shift - 1.0) * uniform)


def euler_step(x: Tensor, velocity: Tensor, *, sigma: float, sigma_next: float) -> Tensor:
    """``x + (sigma_next - sigma) * v``; a new tensor of x's shape."""
    return x + (sigma_next - sigma) * velocity


def guide(unconditional: Tensor, conditional: Tensor, *, scale: float) -> Tensor:
    """Classifier-free guidance ``u + g * (c - u)`` (Ho and Salimans 2022, equation 6)."""
    return torch.lerp(unconditional, conditional, scale)
