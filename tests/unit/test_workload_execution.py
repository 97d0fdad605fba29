"""How the same request may be computed: type, attention, graphs, compilation; and FLOPs counted."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from perfgate.errors import ConfigurationError
from perfgate.profile.devices.cpu import CpuDevice
from perfgate.profile.devices.device import Capability
from perfgate.profile.recorder import NO_RECORDER
from perfgate.workloads.diffusion.acceleration import Acceleration, accelerate
from perfgate.workloads.diffusion.attention import available_attention
from perfgate.workloads.diffusion.config import Execution
from perfgate.workloads.diffusion.flops import count_flops
from perfgate.workloads.diffusion.graphs import Graphed
from perfgate.workloads.diffusion.output import sha256
from perfgate.workloads.diffusion.pipeline import Pipeline
from perfgate.workloads.diffusion.placement import ON_CPU, Placement, chosen_dtype, placed
from perfgate.workloads.diffusion.presets import PRESETS
from tests.pipelines import CPU_PRESETS, a_narrow_config


class AFastDevice(CpuDevice):
    """The CPU under another name, with the types of a GPU."""

    kind = "cuda"

    def capability(self):
        return Capability(version="9.0", fast_dtype="bfloat16", memory_bytes=2**36, graphs=True)


def a_pipeline(preset="wan-tiny", **execution):
    config = replace(a_narrow_config(preset), execution=Execution(**execution))
    return Pipeline(config, placed(config.execution.dtype, CpuDevice()))


def frames(pipeline):
    return pipeline.generate(pipeline.config.request, NO_RECORDER).frames


@pytest.mark.parametrize(
    ("asked", "device", "chosen"),
    [
        (None, CpuDevice(), "float32"),
        (None, AFastDevice(), "bfloat16"),
        ("float32", AFastDevice(), "float32"),
        ("bfloat16", CpuDevice(), "bfloat16"),
    ],
)
def test_dtype__is_the_cases_else_fp32_on_a_cpu_and_the_fast_one_elsewhere(asked, device, chosen):
    assert chosen_dtype(asked, device) == chosen


def test_dtype__that_a_case_asks_for_is_that_of_every_weight_and_of_the_frames():
    pipeline = a_pipeline(dtype="bfloat16")
    models = (pipeline.text_encoder, pipeline.denoiser.transformer, pipeline.decoder)
    kinds = {weights.dtype for model in models for weights in model.parameters()}
    assert kinds == {torch.bfloat16}
    assert frames(pipeline).dtype == torch.bfloat16


@pytest.mark.parametrize("preset", CPU_PRESETS)
def test_dtype__bf16_computes_the_same_request_less_exactly(preset):
    exact, rounded = (
        Pipeline(a_narrow_config(preset), replace(ON_CPU, dtype=dtype))
        for dtype in (torch.float32, torch.bfloat16)
    )
    torch.testing.assert_close(frames(rounded).to(torch.float32), frames(exact), rtol=0, atol=0.1)


@pytest.mark.parametrize("name", ["flash", "math"])
def test_attention__each_that_is_there_computes_the_same(name):
    torch.testing.assert_close(
        frames(a_pipeline(attention=name)), frames(a_pipeline()), rtol=1e-4, atol=1e-5
    )


def test_attention__that_is_not_there_names_those_that_are():
    pipeline = a_pipeline(attention="cudnn")
    with pytest.raises(ConfigurationError) as caught:
        accelerate(pipeline, CpuDevice())
    assert str(caught.value) == (
        "attention: cudnn is not available on cpu in float32\n"
        "  → Use one that is: auto, flash, math."
    )


def test_attention__cannot_be_chosen_where_torch_does_not_heed_it():
    elsewhere = Placement(device=torch.device("meta"), dtype=torch.float32)
    assert available_attention(PRESETS["wan-tiny"].transformer, elsewhere) == ("auto",)


def test_graphs__are_refused_on_a_device_without():
    pipeline = a_pipeline(graphs=True)
    with pytest.raises(ConfigurationError, match=r"graphs: true, but .* has no device graphs"):
        accelerate(pipeline, CpuDevice())


def test_acceleration__that_nobody_asks_for_changes_nothing():
    pipeline = a_pipeline()
    before = pipeline.denoiser.forward
    assert accelerate(pipeline, CpuDevice()) == Acceleration()
    assert pipeline.denoiser.forward is before


def test_compile__of_what_is_no_single_graph_runs_as_it_stands_and_says_why():
    pipeline = a_pipeline(compile=True)
    pipeline.denoiser.transformer = BreakingGraphs(pipeline.denoiser.transformer)
    done = accelerate(pipeline, CpuDevice())
    assert not done.compiled
    assert done.compile_ms is None
    assert "latents.sum().item()" in done.not_compiled
    assert torch.equal(frames(pipeline), frames(a_pipeline(compile=False)))


class BreakingGraphs(nn.Module):
    """A transformer that looks at a value on the host, as a careless change would."""

    def __init__(self, transformer):
        super().__init__()
        self.transformer = transformer

    def forward(self, latents, *rest):
        if latents.sum().item() > 1e30:
            return latents
        return self.transformer(latents, *rest)


class Replays:
    """Captures by keeping the work and replays by doing it again into the same tensor."""

    def __init__(self):
        self.captures = 0
        self.copied = 0

    def __call__(self, run):
        self.captures += 1
        result = run()
        return lambda: result.copy_(run()), result


@pytest.mark.parametrize("preset", CPU_PRESETS)
def test_graph__is_captured_once_and_serves_every_step_of_every_request(preset):
    pipeline, plain = (Pipeline(a_narrow_config(preset)) for _ in range(2))
    capture = Replays()
    pipeline.denoiser.forward = Graphed(pipeline.denoiser.forward, capture)
    request = pipeline.config.request
    for asked in (request, replace(request, prompt="a cat"), replace(request, seed=7), request):
        graphed = pipeline.generate(asked, NO_RECORDER)
        assert torch.equal(graphed.frames, plain.generate(asked, NO_RECORDER).frames)
    assert capture.captures == 1


def test_flops__are_in_proportion_to_the_steps_and_leave_the_pipeline_alone():
    def counted(steps):
        return count_flops(Pipeline(a_narrow_config("wan-tiny", steps=steps)))

    one, two, four = counted(1), counted(2), counted(4)
    assert 0 < two - one == (four - two) / 2
    pipeline = a_pipeline()
    before = sha256(frames(pipeline))
    forward, config = pipeline.denoiser.forward, pipeline.config
    count_flops(pipeline)
    assert (pipeline.denoiser.forward, pipeline.config) == (forward, config)
    assert sha256(frames(pipeline)) == before


def test_flops__of_a_graph_are_those_of_the_model_as_it_stands():
    pipeline = a_pipeline()
    expected = count_flops(pipeline)
    pipeline.denoiser.forward = Graphed(pipeline.denoiser.forward, Replays())
    frames(pipeline)
    assert count_flops(pipeline) == expected


def test_flops__count_attention_as_well():
    config = a_narrow_config("wan-tiny", frames=1)
    wide = replace(config, request=replace(config.request, height=64, width=64))
    tokens = 16 * 16
    scores = 2 * tokens**2 * config.transformer.width * 2
    per_step = count_flops(Pipeline(_of_steps(wide, 2))) - count_flops(Pipeline(_of_steps(wide, 1)))
    linear = (
        2
        * tokens
        * sum(
            weights.numel()
            for name, weights in Pipeline(wide).denoiser.transformer.named_parameters()
            if "self_attention" in name and weights.dim() == 2
        )
    )
    prompts, layers = 2, config.transformer.layers
    assert per_step > prompts * (layers * scores + linear)


def _of_steps(config, steps):
    return replace(config, request=replace(config.request, steps=steps))
