"""What a failed request is called, by the stage that it left and by what raised it."""

from __future__ import annotations

import pytest

from perfgate.workloads.pipelines.explaining import call_after_the_last_step, explained, no_steps
from perfgate.workloads.pipelines.watching import Watched
from tests.fakes.queued_device import Clock, QueuedDevice


class WanPipeline:
    """Only its name is told."""


class CompilerError(RuntimeError):
    """Stands where torch's own do."""

    __module__ = "torch._dynamo.exc"


STEP = ("denoising_step_3", "DenoisingStage", "request")


@pytest.mark.parametrize(
    ("error", "within", "told"),
    [
        (
            RuntimeError("NPU out of memory. Tried to allocate 2.00 GiB"),
            STEP,
            (
                "out of memory: npu:0 (a queue) in DenoisingStage (denoising_step_3): "
                "RuntimeError: NPU out of memory. Tried to allocate 2.00 GiB"
            ),
        ),
        (CompilerError("graph\nbreak"), STEP, "not compiled: CompilerError: graph break"),
        (
            ValueError("`height` has to be divisible by 16"),
            ("InputValidationStage", "request"),
            (
                "request refused: WanPipeline checked its inputs: ValueError: `height` has to be "
                "divisible by 16"
            ),
        ),
        (
            IndexError("7"),
            STEP,
            "crashed: DenoisingStage (denoising_step_3): IndexError: 7",
        ),
        (KeyError("vae"), ("request",), "crashed: the request: KeyError: 'vae'"),
    ],
)
def test_explained__kind_and_stage(error, within, told):
    device = QueuedDevice(Clock())
    failure = explained(error, pipeline=WanPipeline(), device=device, within=within)
    assert str(failure) == told


def test_no_steps__names_what_there_is_and_what_to_do():
    watched = Watched(denoisers={}, schedulers=("scheduler",), others=("vae", "tokenizer"))
    told = no_steps(WanPipeline(), watched)
    assert told.startswith("no denoising step was seen in WanPipeline: ")
    assert "(here none)" in told
    assert "(here scheduler; other components: vae, tokenizer)" in told
    assert told.endswith(
        "Use backend: command, and time the steps in the pipeline's own script "
        "with perfgate.profile.recorder"
    )


def test_call_after_the_last_step__names_the_pipeline():
    assert call_after_the_last_step(WanPipeline()).startswith("WanPipeline calls a denoiser after ")
