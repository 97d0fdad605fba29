"""Shapes, clocks and small kernels for tests of the kernel suite. Judges nothing."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from perfgate.workloads.kernels.hazards import check
from perfgate.workloads.kernels.kernel import (
    Arguments,
    Clock,
    Function,
    Kernel,
    Shape,
    Target,
    Variant,
)


class WrittenBytes(TorchDispatchMode):
    """A clock that stands still but for new tensors: a nanosecond a byte that torch writes."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1

    def __call__(self) -> int:
        return self.now

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        fresh = [one.alias_info is None for one in func._schema.returns]
        outputs = result if isinstance(result, tuple) else (result,)
        for output, is_new in zip(outputs, fresh, strict=False):
            if is_new and isinstance(output, Tensor):
                self.now += output.nbytes
        return result


def a_clock() -> Clock:
    """A clock that moves on by one each time it is read: no call takes longer than another."""
    return count(1).__next__


def a_shape(dtype: str = "float32", **sizes: int) -> Shape:
    return Shape(sizes=sizes, dtype=dtype)


def found(
    kernel: Kernel, function: Function | Variant, shape: Shape, *, clock: Clock | None = None
) -> dict[str, str]:
    """What a check of a function says, by hazard."""
    variant = function if isinstance(function, Variant) else a_variant(function)
    target = Target(device="cpu", shape=shape)
    findings = check(kernel, variant, target, clock=clock or a_clock())
    return {finding.hazard: finding.text for finding in findings}


def a_variant(function: Function, *, mutates: frozenset[str] = frozenset()) -> Variant:
    return Variant(name="under test", make=lambda _: function, mutates=mutates)


def a_kernel(name: str = "double", *, shapes: tuple[Shape, ...] | None = None) -> Kernel:
    """Twice a vector, added to a total that it keeps."""
    return Kernel(
        name=name,
        reference=Variant(name="reference", make=lambda _: doubled),
        shapes=shapes or (a_shape(N=8),),
        inputs=_vector,
        moved_bytes=lambda shape: 8 * shape.sizes["N"],
        operations=lambda shape: shape.sizes["N"],
        bound="copy",
        held_bytes=lambda shape: 12 * shape.sizes["N"],
        state=frozenset({"total"}),
    )


def doubled(arguments: Arguments) -> Tensor:
    """The reference of :func:`a_kernel`."""
    x, total = arguments["x"], arguments["total"]
    assert isinstance(x, Tensor)
    assert isinstance(total, Tensor)
    output = 2 * x
    total += output
    return output


def _vector(shape: Shape, device: str, seed: int) -> Arguments:
    source = torch.Generator().manual_seed(seed)
    values = torch.randn((2, shape.sizes["N"]), generator=source)
    dtype = getattr(torch, shape.dtype)
    return {name: one.to(device, dtype) for name, one in zip(("x", "total"), values, strict=True)}


Bug = Callable[[Function], Function]
"""From a right function to a wrong one."""
