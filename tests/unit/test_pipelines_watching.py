"""Which calls of a pipeline are seen, and that nobody else's objects are touched."""

from __future__ import annotations

import copy
import inspect

import pytest

from perfgate.profile.recorder import StageRecorder
from perfgate.workloads.pipelines.timeline import Timeline
from perfgate.workloads.pipelines.watching import LATENTS, TEXT, watch


class Module:
    """As torch's: called as a whole, with parameters."""

    def __call__(self, value):
        return value + 1

    def parameters(self):
        return iter(())


class Vae(Module):
    def encode(self, value):
        return value

    def decode(self, value):
        return value


class Scheduler:
    def __init__(self):
        self.stepped = 0

    def set_timesteps(self, count):
        self.timesteps = range(count)

    def step(self, noise, timestep, sample, *, eta=0.0):
        """What diffusers calls with what it finds in the signature."""
        self.stepped += 1
        return (sample - noise,)


class Pipeline:
    """As diffusers': components by name, and the usual methods."""

    def __init__(self, **more):
        self.components = {
            "transformer": Module(),
            "vae": Vae(),
            "scheduler": Scheduler(),
            "tokenizer": object(),
            "image_encoder": None,
            **more,
        }

    @staticmethod
    def check_inputs(prompt):
        assert prompt

    def encode_prompt(self, prompt):
        return len(prompt), None

    def __call__(self, prompt):
        transformer, vae, scheduler = (
            self.components[name] for name in ("transformer", "vae", "scheduler")
        )
        self.check_inputs(prompt)
        sample, _ = self.encode_prompt(prompt)
        scheduler.set_timesteps(3)
        for timestep in scheduler.timesteps:
            (sample,) = scheduler.step(transformer(0), timestep, sample)
        return vae.decode(sample)


def timed(pipeline, watched):
    recorder = StageRecorder()
    watched.timeline = Timeline(recorder)
    with recorder.request():
        result = pipeline("a cat")
        watched.timeline.leave_denoising()
    timeline, watched.timeline = watched.timeline, None
    return result, recorder, timeline


def test_watch__every_stage_and_step_once():
    pipeline = Pipeline()
    result, recorder, timeline = timed(pipeline, watch(pipeline))
    assert [stage.name for stage in recorder.stages] == [
        "InputValidationStage",
        "TextEncodingStage",
        "TimestepPreparationStage",
        "DenoisingStage",
        "DecodingStage",
    ]
    assert len(recorder.steps_ms) == timeline.steps == 3
    assert timeline.kept == {TEXT: 5, LATENTS: 2}
    assert result == 2


def test_watch__the_result_is_that_of_a_pipeline_that_nobody_watches():
    watched = Pipeline()
    result, _, _ = timed(watched, watch(watched))
    assert Pipeline()("a cat") == result


def test_watch__between_requests_nothing_is_seen():
    pipeline = Pipeline()
    watched = watch(pipeline)
    _, recorder, _ = timed(pipeline, watched)
    before = recorder.stages
    assert pipeline("a dog") == 2
    assert recorder.stages == before


def test_watch__classes_and_other_objects_stay_as_they_were():
    before = {kind: dict(vars(kind)) for kind in (Pipeline, Module, Vae, Scheduler)}
    pipeline, other = Pipeline(), Pipeline()
    watched = watch(pipeline)
    watched.timeline = Timeline(StageRecorder())
    assert other("a cat") == 2
    assert watched.timeline.steps == 0
    assert {kind: dict(vars(kind)) for kind in before} == before
    assert isinstance(pipeline.components["scheduler"], Scheduler)
    assert str(type(pipeline)) == str(Pipeline)


def test_watch__a_copied_scheduler_steps_for_itself():
    pipeline = Pipeline()
    watched = watch(pipeline)
    original = pipeline.components["scheduler"]
    copied = copy.deepcopy(original)
    watched.timeline = Timeline(StageRecorder())
    with watched.timeline.recorder.request():
        pipeline.components["transformer"](0)
        copied.step(1, 0, 2)
        watched.timeline.leave_denoising()
    assert (original.stepped, copied.stepped, watched.timeline.steps) == (0, 1, 1)


def test_watch__signatures_stay_the_same():
    pipeline = Pipeline()
    watch(pipeline)
    step = pipeline.components["scheduler"].step
    assert list(inspect.signature(step).parameters) == ["noise", "timestep", "sample", "eta"]


def test_watch__one_component_under_two_names_is_seen_once():
    shared = Module()
    pipeline = Pipeline(transformer=shared, transformer_2=shared)
    _, recorder, _ = timed(pipeline, watch(pipeline))
    assert len(recorder.steps_ms) == 3


def test_watch__text_encoders_where_there_is_no_encode_prompt():
    pipeline = Pipeline(text_encoder=Module())
    watch(pipeline)
    assert type(pipeline.components["text_encoder"]) is Module
    bare = WithoutPrompt()
    watched = watch(bare)
    _, recorder, _ = timed(bare, watched)
    assert [stage.name for stage in recorder.stages] == ["TextEncodingStage"]


class WithoutPrompt:
    """An older pipeline, which calls its text encoder itself."""

    def __init__(self):
        self.components = {"text_encoder": Module()}

    def __call__(self, prompt):
        return self.components["text_encoder"](1)


def test_watch__the_pipelines_that_a_combined_one_is_made_of():
    inner = Pipeline()

    class Combined:
        def __init__(self):
            self.prior_pipe = inner
            self.components = inner.components

        def __call__(self, prompt):
            return self.prior_pipe(prompt)

    pipeline = Combined()
    _, recorder, _ = timed(pipeline, watch(pipeline))
    assert "TextEncodingStage" in {stage.name for stage in recorder.stages}
    assert len(recorder.steps_ms) == 3


@pytest.mark.parametrize(
    ("name", "place", "expected"),
    [
        ("transformer_2", "anywhere", True),
        ("unet", "anywhere", True),
        ("prior_prior", "diffusers.models.unets.unet_stable_cascade", True),
        ("prior", "diffusers.models.transformers.prior_transformer", True),
        ("controlnet", "diffusers.models.controlnets.controlnet_flux", True),
        ("text_encoder", "transformers.models.t5.modeling_t5", False),
        ("transformer_options", "anywhere", False),
    ],
)
def test_watch__which_components_denoise(name, place, expected):
    kind = type("Part", (Module,), {"__module__": place})
    watched = watch(Pipeline(transformer=None, **{name: kind()}))
    assert (name in watched.denoisers) is expected
