"""What a case of backend ``kernel`` asks for: one variant of one kernel at one shape."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from perfgate.suite.kinds import Part, RelativePath

_Name = Annotated[str, Field(min_length=1, max_length=200)]


class Kernel(Part):
    """``file`` is a kernel file of the project; without it the kernel is one of perfgate's own.

    ``shape`` is written as `perfgate kernels list` shows it, such as ``B16 D4096 L1 float32``.
    """

    name: _Name
    variant: _Name
    shape: _Name
    file: RelativePath | None = None
    cache: Literal["warm", "cold"] = "warm"
