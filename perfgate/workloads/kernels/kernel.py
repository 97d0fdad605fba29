"""What a kernel is to perfgate: a reference, its variants, and the shapes they are run on.

Types alone: nothing here runs a kernel, times one or loads torch.

A kernel is one value of :class:`Kernel`. What it is called with is an :data:`Arguments`, tensors
and numbers under perfgate's own names, made by ``Kernel.inputs`` and the same for all variants. A
variant is made for one device and one shape, and refuses with :class:`NotAvailable` where it
cannot run there; what it makes is called with one ``Arguments`` after another. Tensors are made
and used outside ``torch.inference_mode()``, whose tensors count no changes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from torch import Tensor

Arguments: TypeAlias = dict[str, object]
"""What a kernel is called with: tensors, numbers and words by name."""

Function: TypeAlias = "Callable[[Arguments], Tensor]"
"""Computes and returns the output; changes the kernel's state, where it has one, in place."""

Clock: TypeAlias = Callable[[], int]
"""Nanoseconds, read when the device has done all that it was given."""


class NotAvailable(Exception):  # noqa: N818 - no error: most variants are missing on most machines
    """Why a variant does not run here, in words: its device, its package, its compiler."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """The sizes of one row of the table, by the letters of the kernel's own documents.

    Where a kernel keeps its state in a pool, ``N`` is the number of slots in it, if it is given.
    """

    sizes: Mapping[str, int]
    dtype: str = "float32"
    """torch's name of the type of inputs and state."""

    @property
    def name(self) -> str:
        """As the table shows it: ``B16 D2048 L1 float32``."""
        return " ".join((*(f"{letter}{size}" for letter, size in self.sizes.items()), self.dtype))


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """What a variant is made for: torch's name of a device, and a shape."""

    device: str
    shape: Shape


@dataclass(frozen=True, kw_only=True, slots=True)
class Variant:
    """One implementation of a kernel."""

    name: str
    make: Callable[[Target], Function]
    """Raises NotAvailable. All that is done once (compiling, looking for a package) is done here,
    but for what a compiler of torch's own does when the function is first called."""
    dialect: str = ""
    """How it spells its arguments, if not as the kernel does; said in the table."""
    mutates: frozenset[str] = frozenset()
    """Arguments that it changes beyond the kernel's own state."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tolerance:
    """How far an output may be from the expected: ``absolute + relative * |expected|``."""

    relative: float
    absolute: float


DEFAULT_TOLERANCES: Mapping[str, Tolerance] = {
    "float64": Tolerance(relative=1e-7, absolute=1e-7),
    "float32": Tolerance(relative=1e-4, absolute=1e-5),
    "float16": Tolerance(relative=4e-3, absolute=2e-3),
    "bfloat16": Tolerance(relative=2e-2, absolute=1e-2),
}
"""Two roundings of an output of order one: to its type before an activation, and after it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Probe:
    """What a hazard looks with."""

    target: Target
    mutates: frozenset[str]
    """All that this variant may change: the kernel's state and what the variant declares."""
    tolerance: Tolerance
    seed: int
    clock: Clock


@dataclass(frozen=True, kw_only=True, slots=True)
class Hazard:
    """A way to be wrong that has really happened, and how it shows."""

    name: str
    look: Callable[[Function, Probe], str | None]
    """What is wrong, in words, or None. It makes its own arguments."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What a hazard saw. A variant with findings is reported and never timed."""

    hazard: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Kernel:
    """A function with its reference in plain torch, all that it is measured on, and its hazards."""

    name: str
    reference: Variant
    """What the others are compared with; part of the table, not of ``variants``."""
    variants: tuple[Variant, ...] = ()
    shapes: tuple[Shape, ...]
    """The default sweep."""
    inputs: Callable[[Shape, str, int], Arguments]
    """Arguments of a shape on a device from a seed: equal for equal seeds."""
    moved_bytes: Callable[[Shape], int]
    """The least that a call must read and write."""
    operations: Callable[[Shape], int]
    """Additions and multiplications, each counted as one."""
    bound: Literal["copy", "matmul"]
    """What limits it on an ideal machine: the bandwidth of a copy, or the rate of a product."""
    held_bytes: Callable[[Shape], int]
    """Memory that one set of arguments and its output take."""
    state: frozenset[str] = frozenset()
    """Arguments that the kernel changes by its nature, in every variant."""
    hazards: tuple[Hazard, ...] = ()
    """Beside those of ``hazards.py``, which every kernel is checked for."""
    tolerances: Mapping[str, Tolerance] = field(default_factory=lambda: DEFAULT_TOLERANCES)
