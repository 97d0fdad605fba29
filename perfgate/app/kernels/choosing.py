"""Which kernels, variants and shapes a person means, of those that there are. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from perfgate.errors import ConfigurationError
from perfgate.records.kernels import KernelListing, ListedKernel
from perfgate.workloads.kernels.kernel import Shape
from perfgate.workloads.kernels.shapes import parse_shape, read_shape

_MOST_NAMED = 30


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What is asked for; empty means all: of the given files, or else of perfgate's own kernels."""

    kernels: tuple[str, ...] = ()
    variants: tuple[str, ...] = ()
    shapes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """One table: a kernel at a shape. ``variants`` are all but the reference, or those named."""

    kernel: ListedKernel
    shape: str
    variants: tuple[str, ...]


def jobs_of(listing: KernelListing, wanted: Wanted) -> tuple[Job, ...]:
    """The tables to measure, in the order of the listing.

    A variant or a shape is measured in every kernel that has it. Raises ConfigurationError for a
    name that is nowhere.
    """
    kernels = _kernels(listing, wanted.kernels)
    for name in wanted.variants:
        _must_be_among("variant", name, [one for kernel in kernels for one in _names(kernel)])
    chosen = [one for one in kernels if not wanted.variants or _of(one, wanted.variants)]
    shapes = {id(kernel): _shapes(kernel, wanted.shapes) for kernel in chosen}
    _must_fit(wanted.shapes, chosen)
    return tuple(
        Job(kernel=kernel, shape=shape, variants=_of(kernel, wanted.variants))
        for kernel in chosen
        for shape in shapes[id(kernel)]
    )


def _kernels(listing: KernelListing, names: Sequence[str]) -> list[ListedKernel]:
    """Those of the files, or else perfgate's own; a name before a dot means all that follow it."""
    if not names:
        of_files = [one for one in listing.kernels if one.file]
        return of_files or ([] if listing.problems else list(listing.kernels))
    families = dict.fromkeys(one.name.partition(".")[0] for one in listing.kernels)
    for name in names:
        _must_be_among("kernel", name, (*(one.name for one in listing.kernels), *families))
    return [one for one in listing.kernels if {one.name, one.name.partition(".")[0]} & {*names}]


def _names(kernel: ListedKernel) -> tuple[str, ...]:
    return tuple(one.name for one in (kernel.reference, *kernel.variants))


def _of(kernel: ListedKernel, names: Sequence[str]) -> tuple[str, ...]:
    there = _names(kernel)
    return tuple(name for name in dict.fromkeys(names) if name in there)


def _shapes(kernel: ListedKernel, texts: Sequence[str]) -> tuple[str, ...]:
    if not texts:
        return kernel.shapes
    found = (_fitting(kernel, text) for text in texts)
    return tuple(dict.fromkeys(shape.name for shape in found if shape is not None))


def _must_fit(texts: Sequence[str], kernels: Sequence[ListedKernel]) -> None:
    for text in texts:
        if all(_fitting(kernel, text) is None for kernel in kernels):
            read_shape(text)  # what is no shape at all is told as that
            like = "; ".join(f"{one.name}: {one.shapes[0]}" for one in kernels if one.shapes)
            raise ConfigurationError(
                f"{text[:100]!r} is no shape of any chosen kernel",
                fix=f"Give the letters of one with other numbers, as in {like}.",
            )


def _fitting(kernel: ListedKernel, text: str) -> Shape | None:
    try:
        return parse_shape(text, known=[read_shape(name) for name in kernel.shapes])
    except ConfigurationError:
        return None


def _must_be_among(what: str, name: str, known: Iterable[str]) -> None:
    there = list(dict.fromkeys(known))
    if name in there:
        return
    near = difflib.get_close_matches(name, there, n=1)
    meant = f", did you mean {near[0]}?" if near else ""
    raise ConfigurationError(
        f"there is no {what} {name[:100]!r}{meant}",
        fix=f"Use one of {', '.join(there[:_MOST_NAMED]) or 'none: no kernel could be read'}.",
    )
