"""What a case of backend ``kernel`` asks for: one variant of one kernel at one shape."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from perfgate.suite.kinds import Part, RelativePath

_Name = Annotated[str, Field(min_length=1, max_length=200)]


class Kernel(Part):
    """One variant of one kernel at one shape."""

    name: _Name
    """The kernel, as `perfgate kernels list` names it."""
    variant: _Name
    """Which of its implementations."""
    shape: _Name
    """As `perfgate kernels list` shows it, such as ``B16 D4096 L1 float32``."""
    file: RelativePath | None = None
    """A kernel file of the project; without it the kernel is one of perfgate's own."""
    cache: Literal["warm", "cold"] = "warm"
    """Whether the inputs lie in the device's cache."""
