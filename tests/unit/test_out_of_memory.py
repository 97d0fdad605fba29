"""Texts in which torch says that a device ran out of memory, and texts that only sound alike."""

from __future__ import annotations

import pytest

from perfgate.profile.devices.out_of_memory import OutOfMemory, out_of_memory

MIB, GIB = 2**20, 2**30


class OutOfMemoryError(RuntimeError):
    """torch's class has this name and this base."""


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (
            OutOfMemoryError(
                "CUDA out of memory. Tried to allocate 20.00 GiB. GPU 0 has a total capacity of "
                "79.10 GiB of which 12.50 MiB is free. Process 71 has 79.08 GiB memory in use."
            ),
            OutOfMemory(kind="cuda", asked_bytes=20 * GIB, free_bytes=round(12.5 * MIB)),
        ),
        (
            RuntimeError(
                "NPU out of memory. Tried to allocate 22.00 MiB (NPU 0; 60.97 GiB total capacity; "
                "10.24 GiB already allocated; 10.24 GiB current active; 19.50 MiB free; 10.65 GiB "
                "reserved in total by PyTorch)"
            ),
            OutOfMemory(kind="npu", asked_bytes=22 * MIB, free_bytes=round(19.5 * MIB)),
        ),
        (
            RuntimeError(
                "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate "
                "memory: you tried to allocate 4000000000 bytes. Error code 12"
            ),
            OutOfMemory(kind="cpu", asked_bytes=4_000_000_000, free_bytes=None),
        ),
        (
            RuntimeError("CUDA error: out of memory\nCompile with TORCH_USE_CUDA_DSA"),
            OutOfMemory(kind="cuda", asked_bytes=None, free_bytes=None),
        ),
        (
            OutOfMemoryError("XPU out of memory. Tried to allocate 1.00 KiB."),
            OutOfMemory(kind=None, asked_bytes=1024, free_bytes=None),
        ),
        (MemoryError(), OutOfMemory(kind="cpu", asked_bytes=None, free_bytes=None)),
    ],
)
def test_out_of_memory__the_device_and_the_sizes_where_the_text_tells(error, expected):
    assert out_of_memory(error) == expected


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("CUDA error: an illegal memory access was encountered"),
        RuntimeError("The size of tensor a (4) must match the size of tensor b (5)"),
        ValueError("out of memory"),
        KeyboardInterrupt(),
    ],
)
def test_out_of_memory__another_failure_is_none(error):
    assert out_of_memory(error) is None


def test_out_of_memory__torchs_own_cpu_allocator():
    torch = pytest.importorskip("torch")
    with pytest.raises(RuntimeError) as caught:
        torch.empty(10**15)
    found = out_of_memory(caught.value)
    assert found == OutOfMemory(kind="cpu", asked_bytes=4 * 10**15, free_bytes=None)
