"""Columns of a page: read back by the rules that the page's script follows."""

from __future__ import annotations

import base64
import gzip
from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from perfgate.report.dashboard.columns import exponent_of, packed, varints
from tests.histories import a_line, nights


def numbers_in(content):
    """What ``column`` in assets/data.js reads, without its sums."""
    found, size, value = [], 1, 0
    for byte in content:
        value += (byte & 127) * size
        size *= 128
        if byte < 128:
            found.append(-(value + 1) // 2 if value % 2 else value // 2)
            size, value = 1, 0
    return found


def unpacked(text, counts):
    """The five columns of each line, as the page reads them."""
    numbers = numbers_in(gzip.decompress(base64.b64decode(text)))
    columns = []
    for summed in (True, True, False, False, True):
        lines = []
        for count in counts:
            part, numbers = numbers[:count], numbers[count:]
            lines.append(np.cumsum(part) if summed else np.array(part))
        columns.append(lines)
    assert not numbers
    return columns


@given(st.lists(st.integers(min_value=-(2**52), max_value=2**52)))
def test_varints__say_every_number_again(numbers):
    assert numbers_in(varints(np.array(numbers, dtype=np.int64))) == numbers


def test_varints__a_small_number_takes_a_byte():
    assert len(varints(np.array([0, -1, 63, -64], dtype=np.int64))) == 4
    assert len(varints(np.array([64, -65], dtype=np.int64))) == 4


def test_packed__values_come_back_to_four_digits_and_the_rest_exactly():
    lines = [a_line(nights((30, 6712.0), noise=0.02)), a_line(nights((9, 0.0312)), first_night=4)]
    moments = [line.runs.astype(np.int64) for line in lines]
    at, middle, below, above, counts = unpacked(packed(lines, moments), [30, 9])
    for number, line in enumerate(lines):
        unit = 10.0 ** exponent_of(line)
        assert at[number].tolist() == moments[number].tolist()
        assert counts[number].tolist() == line.counts.tolist()
        for said, meant in (
            (middle[number], line.values),
            (middle[number] - below[number], line.lows),
            (middle[number] + above[number], line.highs),
        ):
            assert np.abs(said * unit - meant).max() <= 0.5001 * unit
            assert unit <= 1e-3 * np.median(line.values)


def test_packed__a_value_far_beyond_the_line_is_not_cut():
    line = a_line([1.0, 1.0, 3e12, 1.0])
    _, middle, *_ = unpacked(packed([line], [line.runs.astype(np.int64)]), [4])
    assert middle[0][2] * 10.0 ** exponent_of(line) == 3e12


def test_packed__no_line_and_zeros():
    assert unpacked(packed([], []), []) == [[], [], [], [], []]
    line = a_line([0.0, 0.0])
    assert unpacked(packed([line], [line.runs.astype(np.int64)]), [2])[1][0].tolist() == [0, 0]


def test_packed__one_sample_a_night_takes_two_bytes_a_point():
    line = a_line(nights((2000, 1000.0), noise=0.01), spread=0.0, samples=1)
    line = replace(line, lows=line.values, highs=line.values)
    assert len(packed([line], [line.runs.astype(np.int64)])) < 2.2 * len(line)


def test_packed__is_the_same_at_any_time():
    line = a_line(nights((50, 1000.0), noise=0.01))
    moments = [line.runs.astype(np.int64)]
    assert packed([line], moments) == packed([line], moments)
