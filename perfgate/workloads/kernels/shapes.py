"""Reads a shape as a person writes it, ``B16 D2048 L1 float32``. Pure; loads no torch."""

from __future__ import annotations

import re
from collections.abc import Sequence

from perfgate.errors import ConfigurationError
from perfgate.workloads.kernels.kernel import DEFAULT_TOLERANCES, Shape

_SIZE = re.compile(r"([A-Za-z_]{1,20})([0-9]{1,12})")
_POOL = "N"
"""The slots of a pool may always be told: see :class:`.kernel.Shape`."""
_MOST_SHOWN = 6


def parse_shape(text: str, *, known: Sequence[Shape]) -> Shape:
    """One of the ``known`` shapes by its name, or other sizes of their letters.

    Letters that all known shapes have are needed, those that some have may be there. Raises
    ConfigurationError for what is no shape of this kernel.
    """
    named = next((shape for shape in known if shape.name == " ".join(text.split())), None)
    if named is not None:
        return named
    read = read_shape(text)
    letters = dict.fromkeys(letter for shape in known for letter in shape.sizes)
    needed = {letter for letter in letters if all(letter in shape.sizes for shape in known)}
    if not known or not needed <= set(read.sizes) <= {*letters, _POOL}:
        like = ", ".join(shape.name for shape in known[:_MOST_SHOWN])
        raise ConfigurationError(
            f"{text[:100]!r} is no shape of this kernel",
            fix=f"Give the same letters with other numbers, and a type, as in: {like}.",
        )
    ordered = [letter for letter in (*letters, _POOL) if letter in read.sizes]
    return Shape(sizes={letter: read.sizes[letter] for letter in ordered}, dtype=read.dtype)


def read_shape(text: str) -> Shape:
    """Sizes in any order and the type at the end, which is float32 where there is none.

    Raises ConfigurationError for what is no shape of any kernel.
    """
    words = text.split()
    dtype = words.pop() if words and words[-1] in DEFAULT_TOLERANCES else "float32"
    sizes: dict[str, int] = {}
    for word in words:
        match = _SIZE.fullmatch(word)
        if match is None or match[1] in sizes or int(match[2]) == 0:
            raise ConfigurationError(
                f"{word[:40]!r} in the shape {text[:100]!r} is no size, or is there twice",
                fix="Write letters and numbers, as in B16 D2048 L1, and at the end one of "
                f"{', '.join(DEFAULT_TOLERANCES)}.",
            )
        sizes[match[1]] = int(match[2])
    if not sizes:
        raise ConfigurationError(
            f"{text[:100]!r} is no shape", fix="Write letters and numbers, as in B16 D2048 L1."
        )
    return Shape(sizes=sizes, dtype=dtype)
