"""What a failed request tells: its stage, and for a lack of memory a size that would fit."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from perfgate.errors import BenchmarkError
from perfgate.profile.devices.cpu import CpuDevice
from perfgate.profile.devices.device import Capability, MemoryReading
from perfgate.workloads.diffusion.estimate import fits_in, needed_bytes, smaller_requests
from perfgate.workloads.diffusion.failures import check_finite, explained
from perfgate.workloads.diffusion.params import resolve
from perfgate.workloads.diffusion.pipeline import Generated
from perfgate.workloads.diffusion.placement import ON_CPU
from perfgate.workloads.diffusion.presets import PRESETS

GIB = 2**30
WITHIN = ("denoising_step_3", "DenoisingStage", "request")
FULL = torch.OutOfMemoryError(
    "CUDA out of memory. Tried to allocate 2.50 GiB. GPU 0 has a total capacity of 79.11 GiB of "
    "which 512.00 MiB is free."
)


class AGpu(CpuDevice):
    """A GPU of so much memory, all but half a GiB of it held by this process."""

    kind = "cuda"
    torch_device = "cuda:0"
    memory_gib = 80.0

    def name(self):
        return "NVIDIA H100"

    def capability(self):
        memory_bytes = int(self.memory_gib * GIB)
        return Capability(
            version="9.0", fast_dtype="bfloat16", memory_bytes=memory_bytes, graphs=True
        )

    def memory(self):
        return MemoryReading(reserved_mb=(self.memory_gib - 0.5) * 1024)


def a_gpu(memory_gib):
    return type("ASmallerGpu", (AGpu,), {"memory_gib": memory_gib})()


def told(error, *, preset="wan-small", params=None, device=None, within=WITHIN):
    return explained(
        error,
        within=within,
        config=resolve(preset, params or {}),
        placement=replace(ON_CPU, dtype=torch.bfloat16),
        device=device or AGpu(),
    )


def test_out_of_memory__names_the_device_the_stage_and_what_was_asked_for():
    error = told(FULL)
    assert isinstance(error, BenchmarkError)
    assert error.problem == (
        "cuda:0 (NVIDIA H100) ran out of memory in DenoisingStage (denoising_step_3), asking for "
        "2.5 GiB more"
    )


def test_out_of_memory__names_sizes_that_would_fit():
    huge = {"frames": 81, "height": 512, "width": 512}
    error = told(FULL, params=huge, device=a_gpu(4.0), within=("DecodingStage", "request"))
    assert "ran out of memory in DecodingStage, asking" in error.problem
    assert error.fix == (
        "By perfgate's estimate this request needs 13.2 GiB, and it could have 4.0 GiB. "
        "frames: 17, or height: 256 with width: 256, would fit."
    )


def test_out_of_memory__where_the_request_should_have_fitted_points_elsewhere():
    assert "a limit or another process takes memory away" in told(FULL).fix


def test_out_of_memory__where_no_size_fits_the_weights_are_too_many():
    error = told(FULL, preset="flux-like", device=a_gpu(16.0), within=("loading",))
    assert "ran out of memory in loading" in error.problem
    assert "Set depth_divisor, or use a larger device." in error.fix
    smallest = told(FULL, preset="wan-small", device=a_gpu(0.125))
    assert "no size of this preset would fit" in smallest.fix


def test_another_error__stays_what_it_is():
    error = RuntimeError("shape mismatch")
    assert told(error) is error


def test_estimate__counts_weights_and_grows_with_the_request():
    config = PRESETS["wan-1.3b"]
    needed = needed_bytes(config, element_bytes=2)
    assert needed > 2 * 1.42e9
    assert needed_bytes(config, element_bytes=4) == 2 * needed
    larger = replace(config, request=replace(config.request, height=960, width=960))
    assert needed_bytes(larger, element_bytes=2) > needed
    plain = replace(config, execution=replace(config.execution, attention="math"))
    assert needed_bytes(plain, element_bytes=2) > needed


@pytest.mark.parametrize("memory_gib", [1.0, 2.0, 4.0, 8.0])
def test_smaller_requests__are_the_largest_that_fit(memory_gib):
    config = resolve("wan-small", {"frames": 81, "height": 768, "width": 1024})
    fits = fits_in(int(memory_gib * GIB), element_bytes=2)
    sizes = [dict(_pairs(text)) for text in smaller_requests(config, fits)]
    assert sizes
    for size in sizes:
        assert fits(resized(config, size))
        if "frames" in size:
            assert not fits(resized(config, {"frames": size["frames"] + 4}))


def resized(config, size):
    return replace(config, request=replace(config.request, **size))


def _pairs(text):
    for part in text.split(" with "):
        name, value = part.split(": ")
        yield name, int(value)


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        ((), None),
        (("text",), "TextEncodingStage computed NaN or infinity: the text embedding of"),
        (("frames",), "DecodingStage computed NaN or infinity: the frames of"),
        (
            ("second", "frames"),
            "DenoisingStage computed NaN or infinity: the latents after the last step of",
        ),
    ],
)
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_not_finite__names_the_first_stage(broken, told, value):
    whole, hole = torch.ones(2), torch.tensor([1.0, value])
    values = {name: hole if name in broken else whole for name in ("text", "second", "frames")}
    generated = Generated(
        text=values["text"],
        latents=(
            ("latents after the first step", whole),
            ("latents after the last step", values["second"]),
        ),
        frames=values["frames"],
    )
    if told is None:
        check_finite(generated)
    else:
        with pytest.raises(BenchmarkError, match=told):
            check_finite(generated)
