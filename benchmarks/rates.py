"""Measures how fast a device multiplies and attends, and counts what a denoising loop asks for.

The share that a preset reaches is the time which its matrix products and attention would take at
those two rates, over the time that its denoising stage took: what is missing are launches, layers
that move memory, and host work. torch counts on meta tensors, so that counting executes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from perfgate.profile.devices.device import Device
from perfgate.workloads.diffusion.config import PipelineConfig
from perfgate.workloads.diffusion.denoiser import denoiser, make_transformer
from perfgate.workloads.diffusion.placement import Placement, chosen_dtype

ROUNDS, _WARM_UP = 15, 3
_MATRIX = {"cpu": 2048, "cuda": 8192, "npu": 8192}
_TOKENS = {"cpu": 1024, "cuda": 16384, "npu": 16384}
_HEADS, _CHANNELS = 12, 128
_TERA = 1e12


@dataclass(frozen=True, kw_only=True)
class Rates:
    """TFLOP/s of a device: the best of several rounds, at sizes where nothing else limits."""

    dtype: str
    matrix: float
    attention: float


@dataclass(frozen=True, kw_only=True)
class Work:
    """TFLOP of one denoising loop: all but attention (products, convolutions), and attention."""

    matrix: float
    attention: float

    def ideal_ms(self, rates: Rates) -> float:
        """How long the loop would take if nothing but these two rates limited it."""
        return 1e3 * (self.matrix / rates.matrix + self.attention / rates.attention)


def measure_rates(device: Device) -> Rates:
    """Matrix product and attention as the presets run: in their type, on a CPU on one thread."""
    torch.set_num_threads(1)
    dtype = chosen_dtype(None, device)
    size, tokens = _MATRIX[device.kind], _TOKENS[device.kind]
    options = {"device": device.torch_device, "dtype": getattr(torch, dtype)}
    left = torch.randn(size, size, **options)
    heads = torch.randn(1, _HEADS, tokens, _CHANNELS, **options)
    with torch.inference_mode():
        product_ms = best_ms(device, lambda: left @ left)
        attention_ms = best_ms(
            device, lambda: functional.scaled_dot_product_attention(heads, heads, heads)
        )
    return Rates(
        dtype=dtype,
        matrix=2.0 * size**3 / (product_ms / 1e3) / _TERA,
        attention=4.0 * _HEADS * tokens**2 * _CHANNELS / (attention_ms / 1e3) / _TERA,
    )


def best_ms(device: Device, work: Callable[[], object]) -> float:
    """The shortest of several rounds, each waited for."""
    times = []
    for _ in range(_WARM_UP + ROUNDS):
        device.synchronise()
        start = device.event()
        work()
        end = device.event()
        device.synchronise()
        times.append(start.elapsed_ms(end))
    return min(times[_WARM_UP:])


def denoising_work(config: PipelineConfig) -> Work:
    """What all steps of a request execute, counted on one prediction."""
    with torch.device("meta"):
        transformer = make_transformer(config)
    model = denoiser(
        config, Placement(device=torch.device("meta"), dtype=torch.float32), transformer
    )
    shape = config.latent_shape()
    prompts = 2 if config.guidance_is_batched else 1
    text = torch.empty((prompts, config.text.tokens, config.text.width), device="meta")
    predict = model.prepared(
        [1.0], text=text, rotary=model.rotary(shape), guidance=config.request.guidance
    )
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        predict(torch.empty(shape, device="meta"), 0)
    counts = counter.get_flop_counts()["Global"]
    # Linear layers are mm and addmm; batched products stand in attention alone.
    attention = sum(flops for op, flops in counts.items() if re.search("bmm|attention", str(op)))
    steps = config.request.steps
    return Work(
        matrix=steps * (sum(counts.values()) - attention) / _TERA,
        attention=steps * attention / _TERA,
    )
