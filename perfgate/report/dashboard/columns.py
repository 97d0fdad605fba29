"""A case's lines as columns small enough for a page: whole numbers, differences, gzip, base64.

``assets/data.js`` reads them again. Of each line five columns: the moment of each point, its
median, how far the least sample lies below and the greatest above it, and the number of samples.
Columns of one kind stand together; a number is written as its difference from the one before it
(the two distances and the first of each line as they are), zigzag and LEB128 coded.
"""

from __future__ import annotations

import base64
import gzip
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from perfgate.records.history import Line

DIGITS = 4
"""Of a line's typical figure: the tables show three, a plot of a thousand pixels no more."""
_LARGEST = 2**30
_LEVEL = 6
"""Of gzip: 9 takes three times as long for one per cent."""


def exponent_of(line: Line) -> int:
    """The power of ten whose multiples a line is written in: ``DIGITS`` digits of its median.

    A line with a value far beyond its median takes a coarser one: no value is ever cut.
    """
    typical = float(np.median(line.values)) or float(line.highs.max(initial=0.0)) or 1.0
    fine = int(np.floor(np.log10(typical))) - (DIGITS - 1)
    largest = max(float(line.highs.max(initial=0.0)), typical)
    return max(fine, int(np.ceil(np.log10(largest / _LARGEST))))


def packed(lines: Sequence[Line], moments: Sequence[NDArray[np.int64]]) -> str:
    """The columns of these lines as base64; ``moments`` has each point's index of its moment."""
    columns: list[list[NDArray[np.int64]]] = [[], [], [], [], []]
    for line, moment in zip(lines, moments, strict=True):
        unit = 10.0 ** exponent_of(line)
        middle, low, high = (
            np.rint(column / unit).astype(np.int64)
            for column in (line.values, line.lows, line.highs)
        )
        differences: tuple[NDArray[np.int64], ...] = (
            _steps(moment),
            _steps(middle),
            middle - low,
            high - middle,
            _steps(line.counts.astype(np.int64)),
        )
        for column, numbers in zip(columns, differences, strict=True):
            column.append(numbers)
    together = [np.concatenate(column) for column in columns if column]
    numbers = np.concatenate(together) if together else np.empty(0, dtype=np.int64)
    return compressed(varints(numbers))


def _steps(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """The first value, and how far each later one is from the one before."""
    return np.asarray(np.diff(values, prepend=0), dtype=np.int64)


def compressed(content: bytes) -> str:
    """gzip as base64: what a browser unpacks by itself, and the same bytes at any time."""
    return base64.b64encode(gzip.compress(content, _LEVEL, mtime=0)).decode("ascii")


def varints(numbers: NDArray[np.int64]) -> bytes:
    """Signed whole numbers as LEB128 of their zigzag: small ones of either sign take one byte."""
    zigzag = ((numbers << 1) ^ (numbers >> 63)).astype(np.uint64)
    lengths = np.ones(len(zigzag), dtype=np.int64)
    for bits in range(7, int(zigzag.max(initial=0)).bit_length(), 7):
        lengths += zigzag >= np.uint64(1 << bits)
    ends = np.cumsum(lengths)
    out = np.zeros(int(ends[-1]) if len(ends) else 0, dtype=np.uint8)
    for byte in range(int(lengths.max(initial=0))):
        here = lengths > byte
        part = (zigzag[here] >> np.uint64(7 * byte)) & np.uint64(0x7F)
        goes_on = (lengths[here] > byte + 1).astype(np.uint64) << np.uint64(7)
        out[(ends - lengths)[here] + byte] = part | goes_on
    return out.tobytes()
