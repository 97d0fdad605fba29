"""The sketch of an array: its distances are right on average and spread as the theory says."""

import math

import numpy as np
import pytest

from perfgate.profile.sketch import COUNTERS, summary

SPREAD = math.sqrt(2.0 / COUNTERS)
TRIALS = 600
SIZE = 4096


def sketch(values):
    return np.array(summary("x", values)["sketch"])


def estimated(one, other):
    return float(((sketch(one) - sketch(other)) ** 2).sum())


def random_differences(random, image):
    return image + random.standard_normal(image.shape)


def sparse_differences(random, image):
    other = image.copy()
    other[random.choice(image.size, 12, replace=False)] += random.standard_normal(12)
    return other


def one_element(random, image):
    other = image.copy()
    other[random.integers(image.size)] += 3.0
    return other


def a_block(random, image):
    other = image.copy()
    start = random.integers(image.size - 64)
    other[start : start + 64] = 0.0
    return other


def changed_places(random, image):
    return random.permutation(image)


def a_constant(random, image):
    return image + random.uniform(0.5, 2.0)


@pytest.mark.parametrize(
    "change",
    [random_differences, sparse_differences, a_block, changed_places],
)
def test_distance__is_unbiased_and_within_the_stated_spread(change):
    random = np.random.default_rng(20_261_121)
    ratios = []
    for _ in range(TRIALS):
        image = random.standard_normal(SIZE)
        other = change(random, image)
        ratios.append(estimated(image, other) / float(((image - other) ** 2).sum()))
    # Four standard errors of the mean; the spread of a sample of 600 is known to 3 %.
    assert np.mean(ratios) == pytest.approx(1.0, abs=4.0 * SPREAD / math.sqrt(TRIALS))
    assert np.std(ratios) <= 1.15 * SPREAD


def test_distance__of_a_single_element_is_exact():
    random = np.random.default_rng(7)
    image = random.standard_normal(SIZE)
    for _ in range(50):
        assert estimated(image, one_element(random, image)) == pytest.approx(9.0, rel=1e-6)


def test_distance__of_images_of_many_sizes_that_differ_by_a_constant():
    # The signs are fixed, so that only the size varies what they add up to.
    random = np.random.default_rng(11)
    ratios = []
    for size in random.integers(1000, 60_000, TRIALS):
        image = random.standard_normal(size)
        other = a_constant(random, image)
        ratios.append(estimated(image, other) / float(((image - other) ** 2).sum()))
    assert abs(np.mean(ratios) - 1.0) <= 3.0 * SPREAD
    assert max(ratios) <= 1.0 + 5.0 * SPREAD
    assert min(ratios) >= 1.0 - 5.0 * SPREAD


def test_the_hash_is_splitmix64_forever():
    # The first numbers of splitmix64 from seed 0 end in af, f4 and 4f; the first has its top bit
    # set, which makes the sign negative.
    found = summary("x", np.array([1.0, 10.0, 100.0]))["sketch"]
    assert {index: value for index, value in enumerate(found) if value} == {
        0xAF: -1.0,
        0xF4: 10.0,
        0x4F: 100.0,
    }


def test_the_order_of_values__shows_in_the_sketch_and_in_nothing_else():
    image = np.arange(12.0)
    one, other = summary("x", image), summary("x", image[::-1])
    assert one["sketch"] != other["sketch"]
    assert {**one, "sketch": None} == {**other, "sketch": None}


def test_chunks__make_no_difference():
    values = np.random.default_rng(3).standard_normal((3, (1 << 18) + 17))
    found = summary("x", values, span=1.0)
    assert found["shape"] == [3, (1 << 18) + 17]
    assert found["span"] == 1.0
    assert found["mean"] == pytest.approx(values.mean(), rel=1e-9)
    assert found["deviation"] == pytest.approx(values.std(), rel=1e-12)
    assert found["norm"] == pytest.approx(np.linalg.norm(values), rel=1e-12)
    halves = [values.copy(), values.copy()]
    halves[0][1:] = 0.0
    halves[1][:1] = 0.0
    # Linear: the parts add up to the whole, across the border of a chunk too.
    assert sketch(halves[0]) + sketch(halves[1]) == pytest.approx(sketch(values), abs=1e-5)


@pytest.mark.parametrize("kind", [np.bool_, np.uint8, np.int64, np.float16, np.float32])
def test_every_real_type__is_added_up_in_double_precision(kind):
    values = np.array([[0, 1], [1, 1]]).astype(kind)
    found = summary("x", values)
    assert (found["mean"], found["norm"]) == (0.75, math.sqrt(3.0))


@pytest.mark.parametrize("value", [math.nan, math.inf, 1e200])
def test_what_is_not_finite__is_refused(value):
    with pytest.raises(ValueError, match="not finite"):
        summary("x", np.array([0.0, value]))


def test_nothing__is_refused():
    with pytest.raises(ValueError, match="empty"):
        summary("x", np.zeros((0, 3)))
