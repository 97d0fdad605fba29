"""Sets of a kernel's inputs, gone through in turn, and what bounds a kernel beside it. Times none.

A warm cache is one set, called with again and again. A cold one are as many sets as twice fill the
device's last cache, all of which every block goes through: when a set's turn comes again, the
others have pushed it out. The bound goes through buffers of the same footprint in the same way, so
that its cache is as warm.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Literal, TypeAlias, TypeVar

import torch
from torch import Tensor

from perfgate.profile.devices.device import Device
from perfgate.workloads.kernels.caches import last_cache_bytes
from perfgate.workloads.kernels.kernel import Arguments, Function, Kernel, Shape
from perfgate.workloads.kernels.timing import Contender, Run

Cache: TypeAlias = Literal["warm", "cold"]
_One = TypeVar("_One")

SHARE_OF_MEMORY = 0.6
"""Of a device's memory, for inputs and the bound's buffers: variants need room for their own."""
BOUND = "the bound"
"""What a contender of :func:`copy_of` and :func:`product_of` is called; no variant's name."""
MOST_SETS = 8192
"""Of inputs for a cold cache. Smaller ones would be objects more than they are memory."""
_TIMES_THE_CACHE = 2
_LEAST_SIDE, _SIDES_BY = 16, 16
_SEED = 20_240


class DoesNotFitError(Exception):
    """A shape is too large for the device's memory; the text says how much it needs."""


@dataclass(frozen=True, kw_only=True)
class InputSets:
    """Inputs, and how those that calls change looked before."""

    sets: tuple[Arguments, ...]
    before: tuple[dict[str, Tensor], ...]

    def restore(self) -> None:
        """Let the next block begin where the first one did.

        Else a state that is updated ten thousand times ends among infinities or denormal numbers,
        which a CPU computes with at another speed.
        """
        for arguments, before in zip(self.sets, self.before, strict=True):
            for name, tensor in before.items():
                now = arguments[name]
                if isinstance(now, Tensor):
                    now.copy_(tensor)

    def contender(self, name: str, function: Function) -> Contender:
        """``function`` called with the sets in turn."""
        return _contender(name, function, self.sets, restore=self.restore)


@dataclass(frozen=True, kw_only=True)
class Bound:
    """What bounds a kernel, as a contender; a call moves and computes exactly so much."""

    contender: Contender
    moved_bytes: int
    operations: int = 0


def check_memory(kernel: Kernel, shape: Shape, device: Device, *, cache: Cache) -> None:
    """Raise DoesNotFitError, before anything is allocated, for inputs that the memory cannot hold.

    Each set counts twice, for the copy of what calls change, and once more for the bound. So are
    inputs refused of which a cold cache would need more than MOST_SETS.
    """
    sets = sets_of(cache, kernel.moved_bytes(shape), last_cache_bytes(device))
    if sets > MOST_SETS:
        raise DoesNotFitError(
            f"a cold cache needs {sets} sets of inputs as small as these, and {MOST_SETS} are the "
            "most"
        )
    needed = sets * (2 * kernel.held_bytes(shape) + kernel.moved_bytes(shape))
    room = int(SHARE_OF_MEMORY * device.capability().memory_bytes)
    if needed > room:
        many = f" in {sets} sets, which is what a cold cache needs" if sets > 1 else ""
        raise DoesNotFitError(
            f"the inputs take {_size(needed)}{many}, and {_size(room)} of {device.name()}'s memory "
            "may be used"
        )


def make_inputs(
    kernel: Kernel, shape: Shape, device: Device, *, cache: Cache, changed: frozenset[str]
) -> InputSets:
    """The sets of inputs that ``cache`` asks for; ``changed`` are the arguments that calls write.

    Raises torch's own error where memory lacks after all.
    """
    count = sets_of(cache, kernel.moved_bytes(shape), last_cache_bytes(device))
    sets = [kernel.inputs(shape, device.torch_device, _SEED + index) for index in range(count)]
    before = [{name: value.clone() for name, value in _tensors(one, changed)} for one in sets]
    return InputSets(sets=tuple(sets), before=tuple(before))


def sets_of(cache: Cache, moved_bytes: int, cache_bytes: int) -> int:
    """How many sets of inputs of a call that moves ``moved_bytes`` are as cold as asked for."""
    if cache == "warm":
        return 1
    return 1 + math.ceil(_TIMES_THE_CACHE * cache_bytes / max(1, moved_bytes))


def bound_of(kernel: Kernel, shape: Shape, device: Device, *, sets: int) -> Bound:
    """What bounds the kernel, of the same footprint, called once already.

    Raises torch's own error where memory lacks, or the type has no product on this device.
    """
    moved_bytes = kernel.moved_bytes(shape)
    if kernel.bound == "copy":
        bound = copy_of(moved_bytes, device, sets=sets)
    else:
        bound = product_of(moved_bytes, shape.dtype, device, sets=sets)
    bound.contender.calls(1)()
    device.synchronise()
    return bound


def copy_of(moved_bytes: int, device: Device, *, sets: int) -> Bound:
    """A copy that reads half of ``moved_bytes`` and writes half."""
    elements = max(1, moved_bytes // (2 * torch.float32.itemsize))
    place = torch.device(device.torch_device)
    pairs = [
        (torch.ones(elements, device=place), torch.zeros(elements, device=place))
        for _ in range(sets)
    ]

    def copy(pair: tuple[Tensor, Tensor]) -> Tensor:
        return pair[1].copy_(pair[0])

    return Bound(
        contender=_contender(BOUND, copy, pairs), moved_bytes=2 * elements * torch.float32.itemsize
    )


def product_of(moved_bytes: int, dtype: str, device: Device, *, sets: int) -> Bound:
    """A product of square matrices, three of which are ``moved_bytes``.

    Their side is a multiple of 16, which matrix units are built for.
    """
    kind: torch.dtype = getattr(torch, dtype)
    side = math.isqrt(moved_bytes // (3 * kind.itemsize)) // _SIDES_BY * _SIDES_BY
    side = max(_LEAST_SIDE, side)
    place = torch.device(device.torch_device)
    generator = torch.Generator().manual_seed(_SEED)
    triples = []
    for _ in range(sets):
        one, other = torch.randn(2, side, side, generator=generator).to(place, kind)
        triples.append((one, other, torch.empty_like(one)))

    def multiply(triple: tuple[Tensor, Tensor, Tensor]) -> Tensor:
        one, other, result = triple
        return torch.mm(one, other, out=result)

    return Bound(
        contender=_contender(BOUND, multiply, triples),
        moved_bytes=3 * side * side * kind.itemsize,
        operations=2 * side**3,
    )


def _contender(
    name: str,
    function: Callable[[_One], Tensor],
    sets: Sequence[_One],
    *,
    restore: Callable[[], object] = lambda: None,
) -> Contender:
    """``function`` called with the sets in turn; ``restore`` comes before every block of calls.

    A single set is to be warm, and others have had the cache since: one call more, which nobody
    times, brings back the inputs and what the function computes in.
    """
    warm = _calls(function, sets, 1 if len(sets) == 1 else 0)

    def prepare() -> None:
        restore()
        warm()

    return Contender(
        name=name,
        calls=lambda count: _calls(function, sets, count),
        prepare=prepare,
        least_calls=len(sets),
    )


def _calls(function: Callable[[_One], Tensor], sets: Sequence[_One], count: int) -> Run:
    """``count`` calls through the sets in turn; the function returns the last result."""
    order = list(islice(cycle(sets), count))

    def run() -> Tensor | None:
        result = None
        for one in order:
            result = function(one)
        return result

    return run


def _tensors(arguments: Arguments, names: Iterable[str]) -> list[tuple[str, Tensor]]:
    found = ((name, arguments.get(name)) for name in sorted(names))
    return [(name, value) for name, value in found if isinstance(value, Tensor)]


def _size(size_bytes: int) -> str:
    large = size_bytes >= 2**30
    return f"{size_bytes / 2**30:.1f} GiB" if large else f"{size_bytes / 2**20:.0f} MiB"
