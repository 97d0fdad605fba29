"""A whole request: its stages, its steps, and the same bits for the same seed."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from perfgate.errors import ConfigurationError
from perfgate.profile.recorder import StageRecorder
from perfgate.workloads.diffusion.output import output_fingerprint, sha256
from perfgate.workloads.diffusion.pipeline import Pipeline
from perfgate.workloads.diffusion.presets import PRESETS
from tests.pipelines import a_narrow_config

STAGES = [
    "InputValidationStage",
    "TextEncodingStage",
    "LatentPreparationStage",
    "TimestepPreparationStage",
    "DenoisingStage",
    "DecodingStage",
]


@pytest.fixture(scope="module", params=PRESETS)
def pipeline(request):
    return Pipeline(a_narrow_config(request.param, frames=1))


def served(pipeline, **changes):
    recorder = StageRecorder()
    request = replace(pipeline.config.request, **changes)
    return pipeline.generate(request, recorder), recorder


def test_request__has_exactly_sglangs_stages_and_one_step_for_each(pipeline):
    generated, recorder = served(pipeline)
    assert [stage.name for stage in recorder.stages] == STAGES
    assert all(stage.count == 1 and stage.duration_ms > 0 for stage in recorder.stages)
    assert len(recorder.steps_ms) == 3
    denoising_ms = recorder.stages[4].duration_ms
    assert sum(recorder.steps_ms) <= denoising_ms <= recorder.total_ms
    assert recorder.stages_ms <= recorder.total_ms
    assert {stage.within for stage in recorder.nested} <= {"DenoisingStage"}
    assert generated.frames.shape == (1, 3, 1, 16, 16)


def test_request__the_same_seed_gives_the_same_bits_and_another_seed_does_not(pipeline):
    hashes = [output_fingerprint(served(pipeline, seed=seed)[0])["sha256"] for seed in (7, 7, 8)]
    assert hashes[0] == hashes[1] != hashes[2]


@pytest.mark.parametrize("change", [{"prompt": "a cat"}, {"guidance": 1.5}, {"steps": 2}])
def test_request__each_param_changes_what_is_computed(pipeline, change):
    before, after = (sha256(served(pipeline, **asked)[0].frames) for asked in ({}, change))
    assert before != after


def test_request__fifty_steps_stay_finite(pipeline):
    generated, recorder = served(pipeline, steps=50)
    assert len(recorder.steps_ms) == 50
    described = output_fingerprint(generated)
    assert all(math.isfinite(row["norm"]) and row["deviation"] > 0 for row in described["stages"])
    last = described["stages"][3]
    assert last["deviation"] < 20, "latents start with a deviation of one"


def test_request__that_does_not_fit_is_refused_in_its_first_stage(pipeline):
    recorder = StageRecorder()
    with pytest.raises(ConfigurationError, match="height: 17: must be a multiple"):
        pipeline.generate(replace(pipeline.config.request, height=17), recorder)
    assert recorder.incomplete == ("InputValidationStage", "request")


def test_fingerprint__tells_text_latents_and_frames_in_order(pipeline):
    generated, _ = served(pipeline)
    described = output_fingerprint(generated)
    assert [row["name"] for row in described["stages"]] == [
        "text embedding",
        "latents after the first step",
        "latents after the middle step",
        "latents after the last step",
        "frames",
    ]
    assert described["stages"][-1]["shape"] == [1, 3, 1, 16, 16]
    norms = [row["norm"] for row in described["stages"][1:4]]
    assert len(set(norms)) == 3
    assert len(described["sha256"]) == 64


def test_fingerprint__changes_nothing_in_the_request(pipeline):
    generated, _ = served(pipeline)
    before = generated.frames.clone()
    assert output_fingerprint(generated) == output_fingerprint(generated)
    assert torch.equal(generated.frames, before)


def two_experts(**request):
    return Pipeline(a_narrow_config("wan-dual", **request))


def test_experts__take_turns_once_and_both_loops_are_recorded_whole():
    _, recorder = served(two_experts(steps=8))
    assert [(span.name, span.within, span.count) for span in recorder.nested] == [
        ("ExpertLoadStage", "DenoisingStage", 1),
        ("ExpertSwitchStage", "DenoisingStage", 1),
    ]
    assert len(recorder.steps_ms) == 8


def test_experts__the_second_one_serves_the_steps_below_the_boundary():
    """At a shift of 12 the noise level of the first six of eight steps is 0.875 or more."""
    config = a_narrow_config("wan-dual", steps=8)
    first_only, second_from_step_one = (
        served(Pipeline(replace(config, boundary=boundary)))[0] for boundary in (0.0, 1.0)
    )
    both, _ = served(Pipeline(config))
    first, middle, last = (latents for _, latents in both.latents)
    assert torch.equal(first, first_only.latents[0][1])
    assert torch.equal(middle, first_only.latents[1][1])
    assert not torch.allclose(last, first_only.latents[2][1], rtol=1e-3)
    assert not torch.allclose(last, second_from_step_one.latents[2][1], rtol=1e-3)


def test_experts__each_has_a_guidance_of_its_own():
    pipeline = two_experts(steps=8)
    usual, first, second = (
        served(pipeline, **asked)[0].latents
        for asked in ({}, {"guidance": 1.5}, {"guidance_2": 1.5})
    )
    assert not torch.equal(first[0][1], usual[0][1])
    assert torch.equal(second[1][1], usual[1][1])
    assert not torch.equal(second[2][1], usual[2][1])


def test_experts__that_have_no_step_are_not_loaded():
    _, recorder = served(two_experts(steps=1))
    assert [span.name for span in recorder.nested] == ["ExpertLoadStage"]
