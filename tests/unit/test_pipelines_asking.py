"""What of a request reaches a pipeline's call, and what is refused by name."""

from __future__ import annotations

import pytest

from perfgate.workloads.pipelines.asking import call_of
from perfgate.workloads.pipelines.failing import REFUSED, LaunchError


class TextToVideo:
    def __call__(
        self,
        prompt=None,
        negative_prompt=None,
        height=480,
        width=832,
        num_frames=81,
        num_inference_steps=50,
        guidance_scale=5.0,
        generator=None,
        output_type="np",
    ):
        """As Wan's."""


class ImageToVideo:
    def __call__(self, image, frame_rate=25.0, **kwargs):
        """Takes what it is given beside its own, and uses none of it."""


WHOLE = {
    "prompt": "a cat",
    "negative_prompt": "blurry",
    "width": 64,
    "height": 32,
    "frames": 5,
    "steps": 4,
    "guidance": 3.5,
    "seed": 42,
    "extra": {"output_type": "pt"},
}


def asked(pipeline, load_image=str.upper, **request):
    return call_of(pipeline, request, load_image=load_image)


def test_call__each_field_under_the_pipelines_own_name():
    call = asked(TextToVideo(), **WHOLE)
    assert call.arguments == {
        "prompt": "a cat",
        "negative_prompt": "blurry",
        "width": 64,
        "height": 32,
        "num_frames": 5,
        "num_inference_steps": 4,
        "guidance_scale": 3.5,
        "output_type": "pt",
    }
    assert call.generated
    assert call.not_sent == ()


def test_call__an_absent_field_is_left_to_the_pipeline():
    assert asked(TextToVideo(), prompt="a cat").arguments == {"prompt": "a cat"}


def test_call__all_that_the_pipeline_does_not_take_at_once():
    with pytest.raises(LaunchError) as caught:
        asked(ImageToVideo(), prompt="a cat", frames=5, extra={"cfg": 1})
    assert caught.value.kind == REFUSED
    assert caught.value.text == (
        "ImageToVideo takes no prompt; ImageToVideo takes no num_frames; ImageToVideo takes no cfg."
        " It takes image, frame_rate"
    )


@pytest.mark.parametrize("extra", [{"num_inference_steps": 9}, {"generator": 7}])
def test_call__extra_does_not_say_again_what_the_request_says(extra):
    with pytest.raises(LaunchError, match="is already said by the request"):
        asked(TextToVideo(), prompt="a cat", steps=4, extra=extra)


def test_call__the_rate_of_a_file_that_nobody_writes_is_told():
    assert asked(TextToVideo(), prompt="a cat", fps=16).not_sent == ("fps",)
    call = asked(ImageToVideo(), image="a.png", fps=16.0)
    assert (call.arguments["frame_rate"], call.not_sent, call.generated) == (16, (), False)
    assert isinstance(call.arguments["frame_rate"], int)


def test_call__the_picture_is_loaded_beforehand():
    assert asked(ImageToVideo(), image="a.png").arguments == {"image": "A.PNG"}


def test_call__a_picture_that_is_none():
    def load(where):
        raise ValueError("Incorrect path or URL")

    with pytest.raises(LaunchError, match=r"request\.image a\.png cannot be read: Incorrect path"):
        asked(ImageToVideo(), load, image="a.png")
