"""One prediction captured as a device graph and replayed, so that the host starts it in one call.

Captured on CUDA or an NPU by torch's own graphs; neither has been run yet: no such device was at
hand. The copying in and out is tested on the CPU with a stand-in for the capture.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import torch
from torch import Tensor

from perfgate.profile.devices.device import Device
from perfgate.workloads.diffusion.denoiser import Forward

Captured: TypeAlias = tuple[Callable[[], None], Tensor]
"""What runs the captured work again, and the tensor that it writes each time."""

Capture: TypeAlias = Callable[[Callable[[], Tensor]], Captured]

_WARM_UPS = 2
"""Calls before the capture: libraries make their handles and workspaces in the first one."""


class Graphed:
    """A transformer's forward pass, captured at its first call and replayed from then on.

    A graph reads and writes fixed addresses: inputs are copied to where it reads, unless they are
    the very tensors of the call before, as text and rotary table are within a request. The result
    is overwritten by the next call.
    """

    def __init__(self, forward: Forward, capture: Capture) -> None:
        self._forward = forward
        self._capture = capture
        self._captured: Captured | None = None
        self._read_from: list[Tensor] = []
        self._last_given: tuple[Tensor, ...] = ()

    def __call__(self, *inputs: Tensor) -> Tensor:
        """The result for ``inputs``, whose shapes never change from the first call on."""
        if self._captured is None:
            self._read_from = [given.clone() for given in inputs]
            self._last_given = inputs
            self._captured = self._capture(lambda: self._forward(*self._read_from))
        else:
            self._bring(inputs)
        replay, result = self._captured
        replay()
        return result

    def _bring(self, inputs: tuple[Tensor, ...]) -> None:
        places = zip(self._read_from, inputs, self._last_given, strict=True)
        for place, given, last in places:
            if given is not last:
                place.copy_(given)
        self._last_given = inputs


def device_capture(device: Device) -> Capture:
    """The capture of the device's kind: ``torch.cuda.graph``, or ``torch.npu.graph``."""
    module: Any = getattr(torch, device.kind)
    new_graph = module.CUDAGraph if device.kind == "cuda" else module.NPUGraph

    def capture(run: Callable[[], Tensor]) -> Captured:
        beside = module.Stream()  # the recipe of torch's notes on CUDA graphs: warm up on a stream
        beside.wait_stream(module.current_stream())
        with module.stream(beside):
            for _ in range(_WARM_UPS):
                run()
        module.current_stream().wait_stream(beside)
        graph = new_graph()
        with module.graph(graph):
            result = run()
        return graph.replay, result

    return capture
