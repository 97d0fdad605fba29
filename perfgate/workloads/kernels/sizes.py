"""How many bytes a value of a type takes, by torch's name of it. Loads no torch."""

from __future__ import annotations

_BYTES = {"float64": 8, "float32": 4, "float16": 2, "bfloat16": 2}


def bytes_of(dtype: str) -> int:
    """Bytes of one value. Raises ValueError for a type that kernels are not measured in."""
    try:
        return _BYTES[dtype]
    except KeyError:
        raise ValueError(f"{dtype} is none of {', '.join(_BYTES)}") from None
