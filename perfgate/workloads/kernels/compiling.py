"""torch.compile for kernels: one compiled function a target, and no silent way back to eager."""

from __future__ import annotations

import shutil
import types
from collections.abc import Callable
from importlib.util import find_spec
from typing import TypeVar, cast

import torch

from perfgate.workloads.kernels.kernel import NotAvailable

_CPP_COMPILERS = ("c++", "g++", "clang++")
_LAYOUTS_OF_A_TARGET = 32
"""How often one function may be compiled: hazards try many layouts. torch's own limit is 8."""

_F = TypeVar("_F", bound=Callable[..., object])


def compiled_alone(
    function: _F, device: str, *, backend: str | Callable[..., object] = "inductor"
) -> _F:
    """``function`` compiled for each set of shapes apart, with a cache of its own.

    torch counts recompilations by code object, and above a limit goes on in eager mode with one
    line in a log. A sweep therefore gets a copy of the code for each target, and a full graph,
    which raises where that limit is met. Shapes are constants of the code in the whole process:
    torch's switch for one function, ``dynamic``, costs 4 µs a call. Raises NotAvailable without
    the compiler that torch needs on the device.
    """
    if device == "cpu" and not any(shutil.which(name) for name in _CPP_COMPILERS):
        raise NotAvailable("torch.compile needs a C++ compiler on the CPU, and there is none")
    if device.startswith("cuda") and find_spec("triton") is None:
        raise NotAvailable("torch.compile needs triton on a GPU, and it is not installed")
    from torch._dynamo import config  # noqa: PLC0415 - a second that only compiling needs

    config.automatic_dynamic_shapes = False
    config.recompile_limit = max(config.recompile_limit, _LAYOUTS_OF_A_TARGET)
    own = types.FunctionType(
        function.__code__.replace(),
        function.__globals__,
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )
    return cast("_F", torch.compile(own, fullgraph=True, backend=backend))
