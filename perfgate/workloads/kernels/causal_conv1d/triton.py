"""Launches the Triton kernel of causal_conv1d_update: on CUDA, and on NPUs with triton-ascend."""

from __future__ import annotations

import torch
from torch import Tensor

from perfgate.workloads.kernels.causal_conv1d.call import Call, Dialect, read
from perfgate.workloads.kernels.kernel import Arguments, Function, NotAvailable, Target
from perfgate.workloads.kernels.triton_package import require_triton

_BLOCKS = {"cuda": 256, "npu": 512}
_FIRST_COLUMNS, _ACCEPTED, _RING = range(3)


def make(target: Target, *, dialect: Dialect) -> Function:
    """Raises NotAvailable off CUDA and NPUs, and without their Triton."""
    return launcher(dialect, block=_BLOCKS[require_triton(target.device)])


def launcher(dialect: Dialect, *, block: int) -> Function:
    """The kernel as a function of arguments; needs triton, whatever it runs on."""
    try:
        from perfgate.workloads.kernels.causal_conv1d.triton_kernel import (  # noqa: PLC0415
            update_kernel,
        )
    except ImportError as error:
        raise NotAvailable(f"triton cannot be imported: {error}") from error
    last = dialect == "channels-last"

    def function(arguments: Arguments) -> Tensor:
        call = read(arguments, dialect)
        output = call.x if last else torch.empty_like(call.x)
        rows, channels, tokens = call.x.shape
        taps = call.weight.shape[1]
        numbers = call.accepted if call.lengths is None else call.lengths
        slots = call.slot_of_rows() if call.slots is None else call.slots
        update_kernel[(rows, -(-channels // block))](
            call.x,
            output,
            call.state,
            call.weight,
            call.weight if call.bias is None else call.bias,
            slots,
            slots if numbers is None else numbers,
            0 if call.pad is None else call.pad,
            channels,
            call.state.shape[2],
            *call.x.stride(),
            *output.stride(),
            *call.state.stride(),
            *call.weight.stride(),
            HISTORY=_history(call),
            ANY_NEGATIVE=call.pad is None,
            HAS_BIAS=call.bias is not None,
            SILU=call.silu,
            TAPS=taps,
            TOKENS=tokens,
            COLUMNS=_power_of_two(taps - 1 + tokens),
            BLOCK=block,
        )
        given = arguments["x"]
        assert isinstance(given, Tensor)  # noqa: S101 - for the type alone: read() took its shape
        return given if last else output.reshape(given.shape)

    return function


def _history(call: Call) -> int:
    if call.lengths is not None:
        return _RING
    return _FIRST_COLUMNS if call.accepted is None else _ACCEPTED


def _power_of_two(least: int) -> int:
    return 1 << (least - 1).bit_length()
