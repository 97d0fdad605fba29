"""Compiles the denoisers with torch.compile, and sees by torch's own counters whether it did."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from torch._dynamo.utils import counters

from perfgate.workloads.pipelines.failing import NOT_COMPILED, LaunchError, one_line

_OF_THE_COMPILER = ("torch._dynamo", "torch._inductor", "triton")
_FOUND_NOTHING = "torch.compile with fullgraph=True"
"""How torch begins a plain RuntimeError where there was nothing that it would compile."""
_MOST_BREAKS = 3


def compile_denoisers(denoisers: Iterable[Any], mode: str | None) -> None:
    """Have each compiled at its first call, as one graph.

    As one graph torch itself raises where a graph would break or a recompile limit is hit.
    """
    for denoiser in denoisers:
        denoiser.compile(fullgraph=True, mode=mode)


def compiler_failed(error: BaseException) -> bool:
    """Whether the compiler raised it, and not the pipeline."""
    if isinstance(error, RuntimeError) and str(error).startswith(_FOUND_NOTHING):
        return True
    return any(one.__module__.startswith(_OF_THE_COMPILER) for one in type(error).__mro__)


def graphs() -> int:
    """How many graphs torch has compiled in this process."""
    return int(counters["stats"]["unique_graphs"])


def check_compiled() -> None:
    """Raise LaunchError where torch broke a graph, or compiled nothing at all."""
    breaks = counters["graph_break"]
    if breaks:
        reasons = [one_line(reason, most_chars=300) for reason in list(breaks)[:_MOST_BREAKS]]
        told = f"torch broke the graph {sum(breaks.values())} times: {'; '.join(reasons)}"
        raise LaunchError(NOT_COMPILED, told)
    if not graphs():
        raise LaunchError(
            NOT_COMPILED,
            "torch.compile made no graph: TORCH_COMPILE_DISABLE or TORCHDYNAMO_DISABLE may be set, "
            "or the pipeline does not call its denoiser as a module",
        )


def check_not_compiled_again(before: int) -> None:
    """Raise LaunchError where there are more graphs than ``before`` a measured request."""
    if graphs() > before:
        raise LaunchError(
            NOT_COMPILED,
            f"torch compiled {graphs() - before} more graphs during a measured request: its time "
            "is not that of the compiled pipeline",
        )
