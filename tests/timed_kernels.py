"""Kernels of a few numbers, and tables of made-up times, for tests of what times kernels.

A row is written as its microseconds a round, or as the reason why it has none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import torch

from perfgate.records.kernels import (
    CallTimes,
    HazardFinding,
    KernelBound,
    KernelResults,
    KernelTable,
    VariantTimes,
)
from perfgate.workloads.kernels.kernel import Kernel, NotAvailable, Shape, Variant

SHAPE = Shape(sizes={"B": 4, "D": 8})

KERNEL_FILE = """
import torch

from perfgate.workloads.kernels.kernel import Kernel, NotAvailable, Shape, Variant


def inputs(shape, device, seed):
    source = torch.Generator().manual_seed(seed)
    return {"x": torch.randn(shape.sizes["B"], shape.sizes["D"], generator=source).to(device)}


def gone(target):
    raise NotAvailable("needs the package doubling, which is not installed")


def killed(target):
    import os
    import signal

    os.kill(os.getpid(), signal.SIGKILL)


KERNELS = (
    Kernel(
        name="double",
        reference=Variant(name="reference", make=lambda target: lambda given: 2 * given["x"]),
        variants=(
            Variant(name="twice", make=lambda target: lambda given: given["x"] * 2),
            Variant(name="thrice", make=lambda target: lambda given: given["x"] * 3),
            Variant(name="gone", make=gone),
        ),
        shapes=(Shape(sizes={"B": 4, "D": 8}), Shape(sizes={"B": 64, "D": 8})),
        inputs=inputs,
        moved_bytes=lambda shape: 8 * shape.sizes["B"] * shape.sizes["D"],
        operations=lambda shape: shape.sizes["B"] * shape.sizes["D"],
        bound="copy",
        held_bytes=lambda shape: 8 * shape.sizes["B"] * shape.sizes["D"],
    ),
    Kernel(
        name="fatal",
        reference=Variant(name="reference", make=killed),
        shapes=(Shape(sizes={"Q": 1}),),
        inputs=lambda shape, device, seed: {},
        moved_bytes=lambda shape: 8,
        operations=lambda shape: 1,
        bound="copy",
        held_bytes=lambda shape: 8,
    ),
)
"""
"""A user's file: a kernel with a right, a wrong and a missing variant, and one that is killed."""


def doubling(**made: Callable[..., Any]) -> Kernel:
    """``y = 2 x``, with ``calls`` counted as its state; ``made`` are how variants are made."""
    return Kernel(
        name="double",
        reference=Variant(name="reference", make=lambda _: doubled),
        variants=tuple(Variant(name=name, make=make) for name, make in made.items()),
        shapes=(SHAPE,),
        inputs=_inputs,
        moved_bytes=lambda shape: 8 * shape.sizes["B"] * shape.sizes["D"],
        operations=lambda shape: shape.sizes["B"] * shape.sizes["D"],
        bound="copy",
        held_bytes=lambda shape: 8 * shape.sizes["B"] * shape.sizes["D"],
        state=frozenset({"calls"}),
    )


def doubled(arguments: dict[str, Any], *, by: float = 2.0) -> torch.Tensor:
    """The kernel itself, or one that is wrong."""
    arguments["calls"] += 1
    return arguments["x"] * by


def gone(_: object) -> Any:
    """A variant of a package that is not there."""
    raise NotAvailable("needs the package doubling, which is not installed")


def a_table(
    reference: Sequence[float] | str = (40.0,) * 6,
    *,
    copy: Sequence[float] | None = (5.0,) * 6,
    shape: str = "B16 D2048 L1 float32",
    moved_bytes: int = 4_000,
    hazard: str = "",
    **variants: Sequence[float] | str,
) -> KernelTable:
    """One table; ``copy`` are the bound's times, of a copy that moves 2,000 bytes."""
    rows = {"reference": reference, **variants}
    return KernelTable(
        kernel="conv",
        shape=shape,
        cache="warm",
        sets=1,
        moved_bytes=moved_bytes,
        operations=1_000,
        reference="reference",
        variants=tuple(_row(name, what, hazard) for name, what in rows.items()),
        bound=None
        if copy is None
        else KernelBound(name="copy", moved_bytes=2_000, times=_times(copy)),
    )


def results_of(*tables: KernelTable, **rest: Any) -> KernelResults:
    """What a run of the command found."""
    told: Mapping[str, Any] = {
        "perfgate": "0.1.0",
        "measured_at": datetime(2026, 1, 1, tzinfo=UTC),
        "device": "cpu",
        "hardware_key": "cpu-test-x2",
        "build": "torch 2.13.0, 1 threads",
        "threads": 1,
        "tables": tables,
    }
    return KernelResults(**{**told, **rest})


def _inputs(shape: Shape, device: str, seed: int) -> dict[str, Any]:
    source = torch.Generator().manual_seed(seed)
    x = torch.randn(shape.sizes["B"], shape.sizes["D"], generator=source)
    return {"x": x.to(device), "calls": torch.zeros(1, device=device)}


def _row(name: str, what: Sequence[float] | str, hazard: str) -> VariantTimes:
    if not isinstance(what, str):
        return VariantTimes(name=name, state="timed", times=_times(what))
    if what == "hazard":
        findings = (HazardFinding(hazard="pad id", text=hazard or "the state differs"),)
        return VariantTimes(name=name, state="hazard", reason="pad id", findings=findings)
    state, _, reason = what.partition(": ")
    return VariantTimes(name=name, state=state, reason=reason)


def _times(samples_us: Sequence[float]) -> CallTimes:
    return CallTimes(method="host clock", calls=100, samples_us=tuple(samples_us))
