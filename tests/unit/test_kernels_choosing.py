"""Which tables are measured for what a person asks, and how a shape is read."""

from __future__ import annotations

import pytest

from perfgate.app.kernels.choosing import Wanted, jobs_of
from perfgate.errors import ConfigurationError
from perfgate.records.kernels import KernelListing, ListedKernel, ListedVariant
from perfgate.workloads.kernels.kernel import Shape
from perfgate.workloads.kernels.shapes import parse_shape, read_shape

KNOWN = (Shape(sizes={"B": 1, "D": 64, "L": 1}), Shape(sizes={"B": 1, "D": 64, "L": 1, "W": 4}))


def listed(name, *variants, file="", shapes=("B1 D64 float32", "B2 D64 float32")):
    return ListedKernel(
        name=name,
        file=file,
        bound="copy",
        reference=ListedVariant(name="reference"),
        variants=tuple(ListedVariant(name=one) for one in variants),
        shapes=shapes,
    )


LISTING = KernelListing(
    perfgate="0.1.0",
    kernels=(
        listed("conv.slots", "eager", "native"),
        listed("conv.circular", "eager"),
        listed("attention", "flash", shapes=("H4 T64 float32",)),
    ),
)
WITH_FILE = LISTING.model_copy(
    update={"kernels": (*LISTING.kernels, listed("mine", "quick", file="/tree/mine.py"))}
)


def jobs(listing=LISTING, **wanted):
    found = jobs_of(listing, Wanted(**{key: tuple(value) for key, value in wanted.items()}))
    return [(job.kernel.name, job.shape, job.variants) for job in found]


def test_everything__where_nothing_is_named():
    assert jobs() == [
        ("conv.slots", "B1 D64 float32", ()),
        ("conv.slots", "B2 D64 float32", ()),
        ("conv.circular", "B1 D64 float32", ()),
        ("conv.circular", "B2 D64 float32", ()),
        ("attention", "H4 T64 float32", ()),
    ]


def test_files__are_measured_alone_unless_others_are_named():
    assert {name for name, *_ in jobs(WITH_FILE)} == {"mine"}
    assert {name for name, *_ in jobs(WITH_FILE, kernels=["mine", "attention"])} == {
        *("mine", "attention")
    }


def test_files__that_could_not_be_read_are_not_replaced_by_perfgates_own_kernels():
    assert jobs(LISTING.model_copy(update={"problems": ("mine.py does not import",)})) == []


def test_kernels__a_name_before_a_dot_means_all_that_follow():
    assert {name for name, *_ in jobs(kernels=["conv"])} == {"conv.slots", "conv.circular"}
    assert {name for name, *_ in jobs(kernels=["conv.slots"])} == {"conv.slots"}


def test_variants__are_measured_where_they_are():
    assert {(name, variants) for name, _, variants in jobs(variants=["native", "eager"])} == {
        ("conv.slots", ("native", "eager")),
        ("conv.circular", ("eager",)),
    }


def test_shapes__are_measured_where_they_fit_with_other_numbers_too():
    assert jobs(shapes=["D128 B3 bfloat16", "B1 D64"]) == [
        ("conv.slots", "B3 D128 bfloat16", ()),
        ("conv.slots", "B1 D64 float32", ()),
        ("conv.circular", "B3 D128 bfloat16", ()),
        ("conv.circular", "B1 D64 float32", ()),
    ]


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ({"kernels": ["convv"]}, "there is no kernel 'convv', did you mean conv?"),
        ({"variants": ["nativ"]}, "there is no variant 'nativ', did you mean native?"),
        (
            {"kernels": ["attention"], "variants": ["native"]},
            "there is no variant 'native'\n  → Use one of reference, flash.",
        ),
        ({"shapes": ["B1"]}, "'B1' is no shape of any chosen kernel"),
        ({"shapes": ["B1 D64 half"]}, "'half' in the shape 'B1 D64 half' is no size"),
    ],
)
def test_names__that_are_nowhere_are_told_with_those_that_are(wanted, told):
    with pytest.raises(ConfigurationError) as caught:
        jobs(**wanted)
    assert told in str(caught.value)


def test_shape__letters_that_some_have_may_be_there_and_a_pool_may_always():
    assert parse_shape("L2 B3 D8", known=KNOWN).name == "B3 D8 L2 float32"
    assert parse_shape("N9 W2 B3 D8 L2 float16", known=KNOWN).name == "B3 D8 L2 W2 N9 float16"
    assert parse_shape("B1  D64 L1 float32", known=KNOWN) is KNOWN[0]


@pytest.mark.parametrize("text", ["B3 D8", "B3 D8 L2 Q1", "B3 D8 L2 W2 Q1"])
def test_shape__of_other_letters_is_none_of_this_kernel(text):
    with pytest.raises(ConfigurationError, match="no shape of this kernel"):
        parse_shape(text, known=KNOWN)


@pytest.mark.parametrize("text", ["", "float32", "B", "B0", "B-1", "B1 B2", "B1e9", "B1 D64 half"])
def test_shape__that_cannot_be_read_is_told(text):
    with pytest.raises(ConfigurationError, match="no s"):
        read_shape(text)
