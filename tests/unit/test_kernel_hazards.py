"""What every kernel is checked for: it agrees with its reference and changes nothing in silence."""

from __future__ import annotations

import pytest
import torch

from perfgate.workloads.kernels.hazards import check, difference
from perfgate.workloads.kernels.kernel import (
    NotAvailable,
    Shape,
    Target,
    Tolerance,
    Variant,
)
from tests.kernels import a_clock, a_kernel, a_shape, a_variant, doubled, found

SHAPE = a_shape(N=8)
EXACT = Tolerance(relative=0.0, absolute=0.0)


def test_a_shape_is_named_by_its_sizes_and_type():
    assert Shape(sizes={"B": 16, "D": 2048, "L": 1}).name == "B16 D2048 L1 float32"


def test_the_reference_itself_has_no_finding():
    assert found(a_kernel(), doubled, SHAPE) == {}


def test_another_output_is_told_with_the_place_that_is_most_wrong():
    def off(arguments):
        output = doubled(arguments)
        output[5] += 3.0
        return output

    said = found(a_kernel(), off, SHAPE)
    assert said["reference"].startswith("the output differs in 1 of 8 values, most at [5]")


def test_an_output_of_another_shape_is_told_by_its_shape():
    said = found(a_kernel(), lambda arguments: doubled(arguments).unsqueeze(0), SHAPE)
    assert said["reference"] == "the output has shape (1, 8), not (8,)"


def test_a_state_that_is_not_updated_is_told_by_its_name():
    def forgetful(arguments):
        return doubled({**arguments, "total": arguments["total"].clone()})

    assert found(a_kernel(), forgetful, SHAPE)["reference"].startswith("total differs in 8 of 8")


def test_an_argument_that_is_overwritten_must_be_declared():
    def overwriting(arguments):
        return arguments["x"].copy_(doubled(arguments))

    assert found(a_kernel(), overwriting, SHAPE) == {
        "declared mutation": "changes x and does not say so"
    }
    declared = a_variant(overwriting, mutates=frozenset({"x"}))
    assert found(a_kernel(), declared, SHAPE) == {}


def test_an_output_that_depends_on_what_the_memory_held_is_told():
    values = iter((float("nan"), 1e4, 0.0))

    def unwritten(arguments):
        output = doubled(arguments)
        output[0] = next(values)
        return output

    hazards = found(a_kernel(), unwritten, SHAPE)
    assert "output not written" in hazards


def test_a_variant_that_raises_is_a_finding_and_the_other_hazards_are_looked_for():
    def broken(_):
        raise RuntimeError("no\nluck")

    said = found(a_kernel(), broken, SHAPE)
    assert said == dict.fromkeys(
        ("reference", "declared mutation", "output not written"), "raises RuntimeError: no luck"
    )


def test_a_variant_that_is_not_available_is_no_finding_but_says_why():
    def make(_):
        raise NotAvailable("runs on the moon")

    with pytest.raises(NotAvailable, match="runs on the moon"):
        check(
            a_kernel(),
            Variant(name="far", make=make),
            Target(device="cpu", shape=SHAPE),
            clock=a_clock(),
        )


def test_what_is_told_is_bounded():
    def broken(_):
        raise RuntimeError("x" * 10_000)

    assert len(found(a_kernel(), broken, SHAPE)["reference"]) == 300


@pytest.mark.parametrize(
    ("actual", "expected", "words"),
    [
        ([1.0, 2.0], [1.0, 2.0], None),
        ([1.0, float("nan")], [1.0, float("nan")], None),
        ([1.0, float("nan")], [1.0, 2.0], "differs in 1 of 2 values, most at [1]: nan, not 2"),
        ([float("inf"), 2.0], [1.0, 2.5], "differs in 2 of 2 values, most at [0]: inf, not 1"),
    ],
)
def test_difference__not_a_number_equals_only_itself(actual, expected, words):
    assert difference(torch.tensor(actual), torch.tensor(expected), EXACT) == words


def test_difference__within_the_tolerance_is_none():
    near = Tolerance(relative=0.1, absolute=0.0)
    assert difference(torch.tensor([1.05]), torch.tensor([1.0]), near) is None
    assert difference(torch.tensor([1.15]), torch.tensor([1.0]), near) is not None
