"""Presets and their parameters: what is taken, and how a mistake is told."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest

from perfgate.errors import ConfigurationError
from perfgate.workloads.diffusion.config import Execution
from perfgate.workloads.diffusion.params import nearest_fit, resolve, validate
from perfgate.workloads.diffusion.presets import PRESETS


@pytest.mark.parametrize("preset", PRESETS)
def test_preset__is_what_it_says_when_nothing_is_set(preset):
    assert resolve(preset, {}) == PRESETS[preset]
    assert PRESETS[preset].preset == preset
    validate(PRESETS[preset])


@pytest.mark.parametrize("preset", PRESETS)
def test_preset__fits_together(preset):
    config = PRESETS[preset]
    head = config.transformer.width // config.transformer.heads
    assert config.transformer.width % config.transformer.heads == 0
    assert sum(config.transformer.rotary_axes) == head
    assert all(channels % 2 == 0 for channels in config.transformer.rotary_axes)
    assert len(config.decoder.channels) == len(config.decoder.upsampling) + 1


def test_resolve__sets_what_is_given_and_keeps_the_rest():
    config = resolve("wan-tiny", {"steps": 3, "guidance": 2, "prompt": "a cat", "frames": 5})
    assert config.request == replace(
        PRESETS["wan-tiny"].request, steps=3, guidance=2.0, prompt="a cat", frames=5
    )
    assert isinstance(config.request.guidance, float)
    assert config.latent_shape() == (1, 16, 2, 32, 32)


def test_resolve__sets_how_it_is_computed_apart_from_what_is_asked():
    config = resolve("wan-tiny", {"compile": True, "attention": "math", "dtype": "bfloat16"})
    assert config.execution == Execution(compile=True, attention="math", dtype="bfloat16")
    assert config.request == PRESETS["wan-tiny"].request


@pytest.mark.parametrize(
    ("preset", "divisor", "layers"),
    [("wan-1.3b", 4, (7, 0)), ("flux-like", 4, (4, 9)), ("flux-like", 8, (2, 4))],
)
def test_resolve__keeps_one_in_so_many_blocks(preset, divisor, layers):
    transformer = resolve(preset, {"depth_divisor": divisor}).transformer
    assert (transformer.layers, transformer.single_layers) == layers


@pytest.mark.parametrize("value", [3, 4.0, True, "4"])
def test_resolve__takes_a_few_depths_only(value):
    with pytest.raises(ConfigurationError, match=r"depth_divisor: .*: write one of 1, 2, 4, 8"):
        resolve("flux-like", {"depth_divisor": value})


@pytest.mark.parametrize(
    ("preset", "name", "value", "fit"),
    [
        ("wan-1.3b", "frames", 16, 13),
        ("wan-1.3b", "frames", 17, 17),
        ("wan-1.3b", "frames", 0, 0),
        ("wan-1.3b", "height", 479, 464),
        ("wan-1.3b", "height", 7, 0),
        ("flux-tiny", "width", 127, 120),
    ],
)
def test_nearest_fit__is_the_largest_size_that_is_taken(preset, name, value, fit):
    assert nearest_fit(name, value, PRESETS[preset]) == fit


def test_resolve__an_unknown_preset_names_the_nearest_and_all():
    with pytest.raises(ConfigurationError) as caught:
        resolve("wan-tinny", {})
    assert str(caught.value) == (
        "unknown preset 'wan-tinny', did you mean wan-tiny?\n"
        "  → Use one of the presets: wan-tiny, flux-tiny, wan-dual, wan-small, wan-1.3b, flux-like."
    )


def test_resolve__tells_every_wrong_param_at_once():
    with pytest.raises(ConfigurationError) as caught:
        resolve("flux-tiny", {"frames": 9, "stepps": 8, "height": 130, "seed": -1})
    assert str(caught.value) == (
        "preset flux-tiny cannot take these params:\n"
        "  - frames: unknown param\n"
        "  - stepps: unknown param, did you mean steps?\n"
        "  - height: 130: must be a multiple of 8, such as 128 or 136\n"
        "  - seed: -1: write a whole number from 0 to 9223372036854775807\n"
        "  → Correct them; flux-tiny takes height, width, steps, guidance, seed, prompt, dtype, "
        "attention, compile, graphs."
    )


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ({"frames": 8}, "frames: 8: must be 1 more than a multiple of 4, such as 5 or 9"),
        ({"frames": 4}, "frames: 4: must be 1 more than a multiple of 4, such as 1 or 5"),
        ({"width": 10}, "width: 10: must be a multiple of 4, such as 8 or 12"),
        ({"width": 4096}, "width: 4096: write a whole number from 8 to 1024"),
        ({"steps": 0}, "steps: 0: write a whole number from 1 to 200"),
        ({"steps": 8.0}, "steps: 8.0: write a whole number from 1 to 200"),
        ({"steps": True}, "steps: True: write a whole number from 1 to 200"),
        ({"steps": "8"}, "steps: '8': write a whole number from 1 to 200"),
        ({"guidance": "high"}, "guidance: 'high': write a number from 0 to 50"),
        ({"guidance": float("nan")}, "guidance: nan: write a number from 0 to 50"),
        ({"prompt": 7}, "prompt: 7: write a text of at most 2000 characters"),
        ({"compile": 1}, "compile: 1: write true or false"),
        ({"compil": True}, "compil: unknown param, did you mean compile?"),
        ({"attention": 2}, "attention: 2: write one of auto, flash, efficient, math, cudnn"),
        (
            {"dtype": "bf16"},
            "dtype: 'bf16': write one of float32, bfloat16, float16, did you mean bfloat16?",
        ),
        ({"depth_divisor": 2}, "depth_divisor: unknown param"),
        ({"guidance_2": 2}, "guidance_2: unknown param, did you mean guidance?"),
    ],
)
def test_resolve__names_the_value_and_what_is_allowed(params, told):
    with pytest.raises(ConfigurationError) as caught:
        resolve("wan-tiny", params)
    assert f"\n  - {told}\n" in str(caught.value)


def test_validate__refuses_a_request_that_does_not_fit():
    config = PRESETS["wan-tiny"]
    with pytest.raises(ConfigurationError, match="height: 66: must be a multiple of 4"):
        validate(replace(config, request=replace(config.request, height=66)))


def test_import__loads_no_torch():
    script = (
        "import sys; from perfgate.workloads.diffusion import params; "
        "params.resolve('wan-tiny', {}); assert 'torch' not in sys.modules"
    )
    done = subprocess.run((sys.executable, "-c", script), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
