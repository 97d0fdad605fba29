"""Looks for the ways in which a kernel is wrong, before anyone asks how fast it is. Times nothing.

The hazards here are looked for in every kernel; a kernel's own are beside it. All compare what a
variant did with what it should have done: whether a pointer or a version counter moved tells
nothing about a kernel that is a black box.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from torch import Tensor

from perfgate.workloads.kernels.kernel import (
    Arguments,
    Clock,
    Finding,
    Function,
    Hazard,
    Kernel,
    Probe,
    Target,
    Tolerance,
    Variant,
)

_MOST_TOLD_CHARS = 300


def check(
    kernel: Kernel,
    variant: Variant,
    target: Target,
    *,
    clock: Clock = time.perf_counter_ns,
    seed: int = 0,
) -> tuple[Finding, ...]:
    """What is wrong with a variant on a device and a shape; nothing found is an empty tuple.

    ``clock`` must wait for the device. A variant that torch compiles is compiled for each layout
    that a hazard tries, so that its check takes minutes where others take a second. Raises
    NotAvailable where the variant does not run at all.
    """
    function = variant.make(target)
    probe = Probe(
        target=target,
        mutates=kernel.state | variant.mutates,
        tolerance=kernel.tolerances[target.shape.dtype],
        seed=seed,
        clock=clock,
    )
    looked = (_looked(hazard, function, probe) for hazard in (*_of_all(kernel), *kernel.hazards))
    return tuple(finding for finding in looked if finding is not None)


def agrees_with_reference(kernel: Kernel) -> Hazard:
    """Output and state are compared with those of the reference, from the same arguments."""

    def look(function: Function, probe: Probe) -> str | None:
        mine, theirs = _inputs(kernel, probe), _inputs(kernel, probe)
        output = function(mine)
        expected = kernel.reference.make(probe.target)(theirs)
        wrong = difference(output, expected, probe.tolerance)
        if wrong:
            return f"the output {wrong}"
        for name in sorted(kernel.state):
            wrong = difference(_tensor(mine, name), _tensor(theirs, name), probe.tolerance)
            if wrong:
                return f"{name} {wrong} after the call"
        return None

    return Hazard(name="reference", look=look)


def declared_mutation(kernel: Kernel) -> Hazard:
    """No argument changes but the kernel's state and what the variant declares."""

    def look(function: Function, probe: Probe) -> str | None:
        arguments = _inputs(kernel, probe)
        kept = {name: value for name, value in arguments.items() if isinstance(value, Tensor)}
        before = {name: bits(tensor) for name, tensor in kept.items()}
        function(arguments)
        changed = {name for name, tensor in kept.items() if not same(bits(tensor), before[name])}
        undeclared = sorted(changed - probe.mutates)
        return f"changes {', '.join(undeclared)} and does not say so" if undeclared else None

    return Hazard(name="declared mutation", look=look)


def written_output(kernel: Kernel) -> Hazard:
    """Two calls agree, though the memory that the output is likely put in held other values."""

    def look(function: Function, probe: Probe) -> str | None:
        arguments = _inputs(kernel, probe)
        first = function(arguments).clone()
        _leave_in_memory(first, value=float("nan"))
        second = function(_inputs(kernel, probe)).clone()
        _leave_in_memory(first, value=1e4)
        third = function(_inputs(kernel, probe))
        wrong = difference(second, first, probe.tolerance) or difference(
            third, second, probe.tolerance
        )
        return f"the output of a second call with equal arguments {wrong}" if wrong else None

    return Hazard(name="output not written", look=look)


def agrees_with_oracle(
    name: str,
    *,
    draw: Callable[[Probe], Arguments],
    expected: Callable[[Arguments], Tensor],
) -> Hazard:
    """The output of a kernel without state is compared with what a definition says of the same."""

    def look(function: Function, probe: Probe) -> str | None:
        arguments = draw(probe)
        wanted = expected(arguments)
        wrong = difference(function(arguments), wanted, probe.tolerance)
        return f"the output {wrong}" if wrong else None

    return Hazard(name=name, look=look)


def difference(actual: Tensor, expected: Tensor, tolerance: Tolerance) -> str | None:
    """How a tensor is not the expected one, in words that follow its name; None if it is.

    Values that are not finite must be the same on both sides.
    """
    if actual.shape != expected.shape:
        return f"has shape {tuple(actual.shape)}, not {tuple(expected.shape)}"
    here = actual.detach().to("cpu", torch.float64)
    there = expected.detach().to("cpu", torch.float64)
    near = torch.isclose(
        here, there, rtol=tolerance.relative, atol=tolerance.absolute, equal_nan=True
    )
    if bool(near.all()):
        return None
    wrong = int((~near).sum())
    worst = (here - there).abs().nan_to_num(nan=torch.inf).masked_fill(near, 0.0)
    place = int(worst.argmax())
    return (
        f"differs in {wrong} of {near.numel()} values, most at {_at(place, here.shape)}: "
        f"{here.flatten()[place]:.6g}, not {there.flatten()[place]:.6g}"
    )


def bits(tensor: Tensor) -> Tensor:
    """A copy of a tensor's values as bytes, in which NaN equals NaN."""
    return (
        tensor.detach().clone(memory_format=torch.contiguous_format).reshape(-1).view(torch.uint8)
    )


def same(here: Tensor, there: Tensor) -> bool:
    """Whether two tensors of bytes are equal."""
    return torch.equal(here, there)


def _of_all(kernel: Kernel) -> tuple[Hazard, ...]:
    return (agrees_with_reference(kernel), declared_mutation(kernel), written_output(kernel))


def _looked(hazard: Hazard, function: Function, probe: Probe) -> Finding | None:
    """A kernel that raises is wrong: whatever it raised is told, and the others go on."""
    try:
        text = hazard.look(function, probe)
    except Exception as error:  # noqa: BLE001 - a kernel of somebody's own may raise anything
        text = f"raises {type(error).__name__}: {' '.join(str(error).split())}"
    return Finding(hazard=hazard.name, text=text[:_MOST_TOLD_CHARS]) if text else None


def _inputs(kernel: Kernel, probe: Probe) -> Arguments:
    return kernel.inputs(probe.target.shape, probe.target.device, probe.seed)


def _tensor(arguments: Arguments, name: str) -> Tensor:
    value = arguments[name]
    if not isinstance(value, Tensor):
        raise TypeError(f"{name} is the kernel's state and no tensor")
    return value


def _leave_in_memory(output: Tensor, *, value: float) -> None:
    """Fill and free blocks of an output's size: allocators give the last freed one out first."""
    blocks = [torch.empty_like(output) for _ in range(4)]
    for block in blocks:
        block.fill_(value)


def _at(place: int, shape: torch.Size) -> str:
    index = torch.unravel_index(torch.tensor(place), shape)
    return f"[{', '.join(str(int(number)) for number in index)}]"
