"""Programs for a process in which torch has an npu (test_npu.py); each returns what it saw.

A process of their own, because torch takes one such backend and keeps it until the process ends.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

import torch

from perfgate.errors import DeviceError
from perfgate.profile.devices.opening import open_device
from perfgate.profile.devices.out_of_memory import out_of_memory
from perfgate.profile.recorder import StageRecorder

MIB = 2**20
AN_HOUR_US = 3_600_000_000


def synchronises() -> int:
    return torch.ops.fake_npu.synchronises()


def queue_kernels(count):
    x = torch.zeros(1, device="npu")
    before = torch.ops.fake_npu.kernels()
    while torch.ops.fake_npu.kernels() - before < count:
        x.add_(1)


def identity():
    device = open_device("auto")
    return {
        "torch_device": device.torch_device,
        "name": device.name(),
        "count": device.count(),
        "capability": asdict(device.capability()),
        "accelerator": str(torch.accelerator.current_accelerator(check_available=True)),
    }


def out_of_range():
    try:
        open_device("npu:1")
    except DeviceError as error:
        return {"problem": error.problem, "fix": error.fix}


def memory():
    device = open_device("npu")
    readings = [device.memory()]
    held = torch.zeros(4 * MIB, dtype=torch.uint8, device="npu")
    readings.append(device.memory())
    del held
    readings.append(device.memory())
    device.reset_peak_memory()
    return [asdict(reading) for reading in (*readings, device.memory())]


def seeds():
    device = open_device("npu")
    drawn = []
    for seed in (7, 7, 8):
        device.seed(seed)
        drawn.append(torch.randn(4, device="npu").tolist())
    return drawn


def waits():
    device = open_device("npu")
    before = synchronises()
    for _ in range(3):
        device.synchronise()
    return synchronises() - before


def events():
    """Four kernels of 2 ms each between two events; then one of an hour before a third."""
    device = open_device("npu")
    torch.ops.fake_npu.set_kernel_us(2_000)
    first = device.event()
    queue_kernels(4)
    second = device.event()
    device.synchronise()
    elapsed_ms = first.elapsed_ms(second)
    torch.ops.fake_npu.set_kernel_us(AN_HOUR_US)
    queue_kernels(1)
    try:
        second.elapsed_ms(device.event())
    except RuntimeError as error:
        return {"elapsed_ms": elapsed_ms, "too_early": str(error).splitlines()[0]}


def out_of_memory_():
    torch.ops.fake_npu.set_capacity(64 * MIB)
    try:
        torch.empty(96 * MIB, dtype=torch.uint8, device="npu")
    except RuntimeError as error:
        return asdict(out_of_memory(error))


def recorded(sync, kernel_us):
    """A request of two stages, the second with three steps, one kernel in each innermost span."""
    recorder = StageRecorder(device=open_device("npu"), sync=sync)
    torch.ops.fake_npu.set_kernel_us(kernel_us)
    before = synchronises()
    with recorder.request():
        with recorder.stage("TextEncodingStage"):
            queue_kernels(1)
        with recorder.stage("DenoisingStage"):
            for _ in range(3):
                with recorder.stage("step", record_as_step=True):
                    queue_kernels(1)
    return {
        "stages": {stage.name: stage.duration_ms for stage in recorder.stages},
        "steps_ms": recorder.steps_ms,
        "total_ms": recorder.total_ms,
        "synchronises": synchronises() - before,
    }


def recorder():
    """The one that does not wait comes last: its kernels take an hour, and so would a wait."""
    return {
        "stage": recorded("stage", 2_000),
        "events": recorded("events", 2_000),
        "off": recorded("off", AN_HOUR_US),
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(globals()[sys.argv[1]]()))
