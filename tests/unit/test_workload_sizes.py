"""The presets for devices, without one: counted without storage, and computed in small."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten
from torch.utils.flop_counter import FlopCounterMode

from perfgate.profile.recorder import NO_RECORDER
from perfgate.workloads.diffusion.decoder import Decoder
from perfgate.workloads.diffusion.denoiser import denoiser, draw_transformer, make_transformer
from perfgate.workloads.diffusion.estimate import parameter_counts
from perfgate.workloads.diffusion.failures import check_finite
from perfgate.workloads.diffusion.pipeline import Pipeline
from perfgate.workloads.diffusion.placement import ON_CPU, Placement
from perfgate.workloads.diffusion.presets import PRESETS
from perfgate.workloads.diffusion.weights import build
from tests.pipelines import a_narrow_config

META = Placement(device=torch.device("meta"), dtype=torch.bfloat16)


@pytest.mark.parametrize(
    ("preset", "parameters"),
    [
        ("wan-1.3b", 1.42e9),  # Wan 2.1 T2V 1.3B
        ("flux-like", 11.9e9),  # FLUX.1-dev
    ],
)
def test_transformer__has_the_parameters_of_the_real_model(preset, parameters):
    assert parameter_counts(PRESETS[preset])["transformer"] == pytest.approx(parameters, rel=0.02)


@pytest.mark.parametrize(
    ("preset", "frames", "products_tf", "attention_tf"),
    [
        # Computed from the published configurations; a Wan step is two of these, a FLUX step one.
        ("wan-1.3b", 81, 82, 198 + 3.1),
        ("flux-like", 1, 59, 15),
    ],
)
def test_transformer__executes_the_operations_of_the_real_model(
    preset, frames, products_tf, attention_tf
):
    config = PRESETS[preset]
    config = replace(config, request=replace(config.request, frames=frames))
    prompts = 2 if config.guidance_is_batched else 1
    with torch.device("meta"):
        transformer = make_transformer(config).to(torch.bfloat16)
        text = torch.empty(prompts, config.text.tokens, config.text.width, dtype=torch.bfloat16)
        model = denoiser(config, META, transformer)
    rotary = model.rotary(config.latent_shape())
    predict = model.prepared([1.0], text=text, rotary=rotary, guidance=5.0)
    plain = sdpa_kernel(SDPBackend.MATH)
    with torch.inference_mode(), plain, FlopCounterMode(display=False) as counter:
        predict(torch.empty(config.latent_shape(), device="meta"), 0)
    flops = {str(name): count for name, count in counter.get_flop_counts()["Global"].items()}
    assert flops["aten.addmm"] / prompts == pytest.approx(products_tf * 1e12, rel=0.02)
    assert flops["aten.bmm"] / prompts == pytest.approx(attention_tf * 1e12, rel=0.02)


class Devices(TorchDispatchMode):
    """Notes the device of every tensor that an operation reads or writes."""

    def __init__(self):
        super().__init__()
        self.seen = set()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        flat, _ = tree_flatten((args, kwargs, result))
        self.seen |= {leaf.device.type for leaf in flat if isinstance(leaf, torch.Tensor)}
        return result


@pytest.mark.parametrize("preset", PRESETS)
def test_a_step__neither_reads_nor_makes_a_tensor_on_the_host(preset):
    """A tensor without storage can also not be read back, which would wait for a device."""
    config = a_narrow_config(preset)
    model = denoiser(config, META, draw_transformer(_drawn_on_host(config), META, seed=1))
    prompts = 2 if config.guidance_is_batched else 1
    text = torch.empty(prompts, config.text.tokens, 16, device="meta", dtype=torch.bfloat16)
    rotary = model.rotary(config.latent_shape())
    predict = model.prepared([1.0, 0.5], text=text, rotary=rotary, guidance=5.0)
    latents = torch.empty(config.latent_shape(), device="meta")
    with torch.inference_mode(), Devices() as devices:
        velocity = predict(latents, 1)
    assert devices.seen == {"meta"}
    assert velocity.dtype == torch.float32


def _drawn_on_host(config):
    """No generator draws without storage."""
    return replace(config, weights_drawn_on="host")


def test_request__of_real_size_gives_frames_of_real_size():
    config = replace(
        a_narrow_config("wan-1.3b", frames=17, height=480, width=832), weights_drawn_on="host"
    )
    generated = Pipeline(config, META).generate(config.request, NO_RECORDER)
    assert generated.frames.shape == (1, 3, 17, 480, 832)
    assert generated.latents[0][1].shape == (1, 4, 5, 60, 104)


@pytest.mark.parametrize("preset", ["wan-small", "wan-1.3b", "flux-like"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_request__of_fifty_steps_stays_finite_with_the_real_heads(preset, dtype):
    """Two blocks of each kind, with heads as wide as the real ones."""
    config = a_narrow_config(preset, steps=50)
    real = PRESETS[preset].transformer
    singles = min(2, real.single_layers)
    width = min(real.width, 768)
    shallow = replace(
        real,
        width=width,
        heads=width // (real.width // real.heads),
        hidden=2 * width,
        layers=2,
        single_layers=singles,
    )
    pipeline = Pipeline(replace(config, transformer=shallow), replace(ON_CPU, dtype=dtype))
    generated = pipeline.generate(config.request, NO_RECORDER)
    check_finite(generated)
    deviation = float(generated.latents[-1][1].std())
    assert 0.01 < deviation < 20, "latents start with a deviation of one"
    assert math.isfinite(deviation)


@pytest.mark.parametrize("frames", [1, 2, 5])
@pytest.mark.parametrize("chunk", [1, 2, 3])
def test_decoder__by_chunks_decodes_what_one_pass_does(frames, chunk):
    config = replace(a_narrow_config("wan-1.3b").decoder, chunk=0)
    chunked = replace(config, chunk=chunk)
    latents = torch.randn(1, 4, frames, 4, 6, generator=torch.Generator().manual_seed(3))
    with torch.inference_mode():
        whole = build(lambda: Decoder(config, channels=4), seed=0)(latents)
        decoder = build(lambda: Decoder(chunked, channels=4), seed=0)
        # Another number of frames may take another kernel, which rounds differently.
        torch.testing.assert_close(decoder(latents), whole, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(decoder(latents), whole, rtol=1e-4, atol=1e-5)


def test_build__rounds_the_same_draws_to_the_type_that_is_asked_for():
    config = a_narrow_config("wan-dual").decoder
    half = replace(ON_CPU, dtype=torch.bfloat16)
    models = [
        build(lambda: Decoder(config, channels=4), seed=1, placement=placement)
        for placement in (ON_CPU, half)
    ]
    for exact, rounded in zip(*(model.parameters() for model in models), strict=True):
        assert torch.equal(exact.to(torch.bfloat16), rounded)


def test_build__drawn_on_the_device_is_seeded_as_well():
    config = a_narrow_config("wan-dual").decoder
    half = replace(ON_CPU, dtype=torch.bfloat16)

    def drawn(seed):
        model = build(
            lambda: Decoder(config, channels=4), seed=seed, placement=half, drawn_on="device"
        )
        return torch.cat([weights.flatten() for weights in model.parameters()])

    assert drawn(1).dtype == torch.bfloat16
    assert torch.equal(drawn(1), drawn(1))
    assert not torch.equal(drawn(1), drawn(2))
