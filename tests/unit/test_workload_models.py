"""The models: causal, conditioned, seeded, and no block is the identity."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from perfgate.workloads.diffusion.config import DecoderConfig
from perfgate.workloads.diffusion.decoder import (
    CausalConv,
    Decoder,
    FrameAttention,
    ResidualBlock,
    TimeUpsample,
)
from perfgate.workloads.diffusion.denoiser import denoiser, draw_transformer
from perfgate.workloads.diffusion.layers import Modulation, ModulationTable, sinusoids
from perfgate.workloads.diffusion.placement import ON_CPU
from perfgate.workloads.diffusion.presets import PRESETS
from perfgate.workloads.diffusion.text import TextEncoder
from perfgate.workloads.diffusion.transformer import unpatchify
from perfgate.workloads.diffusion.weights import build
from tests.pipelines import a_narrow_config

SMALL = DecoderConfig(channels=(8, 8, 4), upsampling=((2, 2), (2, 1)))


@pytest.fixture(autouse=True)
def without_gradients():
    with torch.inference_mode():
        yield


def noise(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def a_prediction(config, model, *, latents=None, text=None, sigma=0.5, guidance=5.0):
    latents = noise(*config.latent_shape()) if latents is None else latents
    prompts = 2 if config.guidance_is_batched else 1
    if text is None:
        text = noise(prompts, config.text.tokens, config.text.width, seed=1)
    rotary = model.rotary(latents.shape)
    predict = model.prepared([0.9, sigma], text=text, rotary=rotary, guidance=guidance)
    return predict(latents, 1)


def a_denoiser(config):
    return denoiser(config, ON_CPU, draw_transformer(config, ON_CPU, seed=1))


@pytest.mark.parametrize("changed", [0, 1, 2, 3])
def test_decoder__is_causal(changed):
    decoder = build(lambda: Decoder(SMALL, channels=4), seed=0)
    latents = noise(1, 4, 4, 4, 4)
    other = latents.clone()
    other[:, :, changed] += 1.0
    first, second = decoder(latents), decoder(other)
    # Latent frame k is read from frame 1 + 4 (k - 1) on, and the first one from frame 0 on.
    earliest = max(0, 4 * changed - 3)
    assert torch.equal(first[:, :, :earliest], second[:, :, :earliest])
    assert not torch.equal(first[:, :, earliest], second[:, :, earliest])


@pytest.mark.parametrize(
    ("upsampling", "latents", "frames"),
    [
        (((2, 2), (2, 1)), (1, 4, 3, 4, 6), (1, 3, 9, 8, 12)),
        (((1, 2), (1, 2)), (1, 4, 1, 4, 6), (1, 3, 1, 16, 24)),
        (((2, 2), (2, 1)), (1, 4, 1, 4, 6), (1, 3, 1, 8, 12)),
    ],
)
def test_decoder__an_image_is_a_video_of_one_frame(upsampling, latents, frames):
    config = DecoderConfig(channels=(8, 8, 4), upsampling=upsampling)
    decoded = build(lambda: Decoder(config, channels=4), seed=0)(noise(*latents))
    assert decoded.shape == frames
    assert 0.0 <= float(decoded.min()) < float(decoded.max()) <= 1.0


@pytest.mark.parametrize(
    "make",
    [
        lambda: CausalConv(4, 4, size=3),
        lambda: ResidualBlock(4, 4),
        lambda: FrameAttention(4),
    ],
)
def test_decoder_layers__keep_the_shape_and_see_no_later_frame(make):
    layer = build(make, seed=0)
    x = noise(1, 4, 3, 4, 4)
    assert layer(x).shape == x.shape
    # Another number of frames may take another kernel, which rounds differently.
    torch.testing.assert_close(layer(x)[:, :, :2], layer(x[:, :, :2]), rtol=1e-4, atol=1e-5)


def test_frame_attention__mixes_the_places_of_one_frame_only():
    layer = build(lambda: FrameAttention(4), seed=0)
    x = noise(1, 4, 3, 4, 4)
    other = x.clone()
    other[:, :, 1, 0, 0] += 1.0
    differs = (layer(x) != layer(other)).flatten(3).any(dim=-1).any(dim=1)[0]
    assert differs.tolist() == [False, True, False]
    assert bool((layer(x) != layer(other))[0, :, 1].any(dim=0).all())


def test_time_upsample__gives_one_frame_for_the_first_and_two_for_each_other():
    layer = build(lambda: TimeUpsample(4), seed=0)
    assert [layer(noise(1, 4, f, 2, 2)).shape[2] for f in (1, 2, 3)] == [1, 3, 5]


@pytest.mark.parametrize("preset", PRESETS)
def test_transformer__predicts_in_the_shape_of_the_latents_and_reads_its_inputs(preset):
    config = a_narrow_config(preset)
    model = a_denoiser(config)
    latents = noise(*config.latent_shape())
    predicted = a_prediction(config, model)
    assert predicted.shape == latents.shape
    text = noise(2 if config.guidance_is_batched else 1, 4, 16, seed=9)
    for other in (
        a_prediction(config, model, text=text),
        a_prediction(config, model, sigma=0.9),
        a_prediction(config, model, latents=latents.flip(-1)),
    ):
        assert not torch.allclose(predicted, other, rtol=1e-3)
    assert not torch.allclose(  # position counts: flipped input is not flipped output
        a_prediction(config, model, latents=latents.flip(-1)).flip(-1), predicted, rtol=1e-3
    )


@pytest.mark.parametrize("preset", PRESETS)
def test_transformer__reads_its_guidance_scale(preset):
    config = a_narrow_config(preset)
    model = a_denoiser(config)
    first, second = (a_prediction(config, model, guidance=scale) for scale in (1.5, 9.0))
    assert not torch.allclose(first, second, rtol=1e-3)


def test_classifier_free__at_guidance_one_is_the_conditional_prediction():
    config = a_narrow_config("wan-tiny")
    model = a_denoiser(config)
    text = noise(2, 4, 16, seed=1)
    conditional_twice = text[1:].expand(2, -1, -1)
    torch.testing.assert_close(
        a_prediction(config, model, text=text, guidance=1.0),
        a_prediction(config, model, text=conditional_twice, guidance=1.0),
    )


@pytest.mark.parametrize("preset", PRESETS)
def test_modulation__is_not_zero_so_that_no_block_is_the_identity(preset):
    config = a_narrow_config(preset)
    model = a_denoiser(config)
    kinds = Modulation | ModulationTable
    modulations = [m for m in model.transformer.modules() if isinstance(m, kinds)]
    assert modulations
    for modulation in modulations:
        wide = 32 * modulation.parts if isinstance(modulation, ModulationTable) else 32
        parts = modulation(noise(1, wide))
        assert all(float(part.abs().min()) > 0.0 for part in parts)
    predicted = a_prediction(config, model)
    for name, block in blocks(model.transformer):
        before = {key: value.clone() for key, value in block.state_dict().items()}
        for parameter in block.parameters():
            parameter.zero_()
        assert not torch.allclose(a_prediction(config, model), predicted, rtol=1e-4), name
        block.load_state_dict(before)
    assert torch.equal(a_prediction(config, model), predicted)


def blocks(transformer):
    lists = [(n, m) for n, m in transformer.named_children() if isinstance(m, nn.ModuleList)]
    assert lists
    return [(f"{name}.{index}", block) for name, many in lists for index, block in enumerate(many)]


def test_unpatchify__puts_each_patch_where_it_was():
    latents = noise(2, 3, 2, 4, 6)
    patch = (1, 2, 2)
    grid = (2, 2, 3)
    cut = latents.reshape(2, 3, 2, 1, 2, 2, 3, 2).permute(0, 2, 4, 6, 1, 3, 5, 7)
    tokens = cut.reshape(2, 2 * 2 * 3, 3 * 4)
    assert torch.equal(unpatchify(tokens, grid=grid, patch=patch), latents)


def test_text_encoder__embeds_each_prompt_by_itself_and_by_order():
    config = a_narrow_config("wan-tiny").text
    encoder = build(lambda: TextEncoder(config), seed=0)
    ids = torch.tensor([[1, 2, 3, 0], [2, 1, 3, 0]])
    positions = sinusoids(torch.arange(4), config.width)
    encoded = encoder(ids, positions)
    assert encoded.shape == (2, 4, config.width)
    torch.testing.assert_close(encoded[:1], encoder(ids[:1], positions))
    assert not torch.allclose(encoded[0, :2], encoded[1, :2].flip(0), rtol=1e-3)


def test_build__is_seeded_and_leaves_the_global_generator_alone():
    config = a_narrow_config("wan-tiny").text
    state = torch.get_rng_state()
    first, second, other = (build(lambda: TextEncoder(config), seed=s) for s in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), state)
    weights = [torch.cat([p.flatten() for p in m.parameters()]) for m in (first, second, other)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])
    assert not any(p.is_meta or p.requires_grad for p in first.parameters())


def test_build__refuses_a_layer_without_a_rule():
    with pytest.raises(TypeError, match="no rule for the weights of BatchNorm1d"):
        build(lambda: nn.BatchNorm1d(4), seed=0)


@pytest.mark.parametrize(
    ("preset", "low", "high"), [("wan-tiny", 0.5, 1.0), ("flux-tiny", 0.0, 0.2)]
)
def test_preset__video_is_bound_by_attention_and_the_image_by_its_linear_layers(preset, low, high):
    config = PRESETS[preset]
    # One block of each kind has the proportions of all of them.
    singles = min(1, config.transformer.single_layers)
    one = replace(config, transformer=replace(config.transformer, layers=1, single_layers=singles))
    model = a_denoiser(one)
    # Only the plain implementation of attention is counted, as batched products.
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        a_prediction(one, model)
    flops = {str(name): count for name, count in counter.get_flop_counts()["Global"].items()}
    attention = flops["aten.bmm"]
    assert low <= attention / sum(flops.values()) <= high
