"""What a pipeline returned, in whatever form, as one array that is fingerprinted."""

from __future__ import annotations

from collections import namedtuple

import numpy as np
import pytest
import torch
from PIL import Image

from perfgate.workloads.pipelines.failing import LaunchError
from perfgate.workloads.pipelines.outcome import output_fingerprint
from perfgate.workloads.pipelines.watching import LATENTS, TEXT

PICTURE = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
Returned = namedtuple("Returned", ["images", "nsfw"])  # noqa: PYI024 - as simple as diffusers' own


@pytest.mark.parametrize(
    ("result", "shape", "span"),
    [
        (([Image.fromarray(PICTURE)],), (1, 4, 4, 3), 255),
        (([[Image.fromarray(PICTURE)] * 2],), (1, 2, 4, 4, 3), 255),
        ((PICTURE[None] / 255.0,), (1, 4, 4, 3), 1),
        ((torch.linspace(0, 1, 48).reshape(1, 3, 4, 4),), (1, 3, 4, 4), 1),
        ((torch.linspace(-3, 3, 48, dtype=torch.bfloat16),), (48,), None),
        (Returned(PICTURE, [False]), (4, 4, 3), 255),
        (PICTURE, (4, 4, 3), 255),
    ],
    ids=["pictures", "frames", "arrays", "tensor", "latents", "several fields", "bare"],
)
def test_output__every_form(result, shape, span):
    found = output_fingerprint(result, {})
    (summary,) = found["stages"]
    assert (summary["name"], tuple(summary["shape"]), summary["span"]) == ("output", shape, span)
    assert len(found["sha256"]) == 64


def test_output__the_same_pixels_have_the_same_hash_and_others_another():
    same = [output_fingerprint(([Image.fromarray(PICTURE)],), {}) for _ in range(2)]
    other = output_fingerprint(([Image.fromarray(PICTURE[::-1])],), {})
    assert same[0] == same[1]
    assert other["sha256"] != same[0]["sha256"]


def test_output__what_was_kept_of_the_way_there_stands_before_it():
    kept = {LATENTS: torch.ones(2), TEXT: torch.ones(3), "other": torch.ones(1)}
    names = [one["name"] for one in output_fingerprint((PICTURE,), kept)["stages"]]
    assert names == [TEXT, LATENTS, "output"]
    not_arrays = output_fingerprint((PICTURE,), {TEXT: [torch.ones(2)]})["stages"]
    assert [one["name"] for one in not_arrays] == ["output"]


@pytest.mark.parametrize(
    ("result", "told"),
    [
        ((None,), "the pipeline returned NoneType, not pictures or an array"),
        ((["a text"],), "the pipeline returned list, not pictures or an array"),
        (([],), "the pipeline returned list, not pictures or an array"),
        (([np.zeros(2), np.zeros(3)],), "the pipeline returned list, not pictures or an array"),
        ((torch.tensor([1.0, float("nan")]),), "the output of the request is no result: "),
    ],
)
def test_output__that_is_none(result, told):
    with pytest.raises(LaunchError) as caught:
        output_fingerprint(result, {})
    assert caught.value.kind == "failed"
    assert caught.value.text.startswith(told)
