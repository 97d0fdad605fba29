"""The CPU as a device: its type, its memory, its clock and its seed."""

from __future__ import annotations

import pytest

from perfgate.profile.devices.cpu import CpuDevice, HostEvent

MIB = 2**20


def write(root, name, text):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.mark.parametrize(
    ("flags", "fast_dtype"),
    [
        ("fpu avx2 avx512f", "float32"),
        ("fpu avx512f avx512_bf16", "bfloat16"),
        ("amx_tile amx_bf16", "bfloat16"),
        ("avx512_bf16x", "float32"),
    ],
)
def test_cpu__bf16_only_where_the_cpu_has_instructions_for_it(flags, fast_dtype, tmp_path):
    cpuinfo = f"processor\t: 0\nmodel name\t: AMD  EPYC 9654\nflags\t\t: {flags}\n"
    write(tmp_path, "proc/cpuinfo", cpuinfo)
    device = CpuDevice(root=tmp_path)
    assert device.name() == "AMD EPYC 9654"
    assert device.capability().fast_dtype == fast_dtype


def test_cpu__without_cpuinfo_has_a_name_and_no_bf16(tmp_path):
    device = CpuDevice(root=tmp_path)
    assert device.name()
    assert device.capability().fast_dtype == "float32"


def test_cpu__memory_is_what_the_narrowest_group_around_it_allows(tmp_path):
    write(tmp_path, "proc/self/cgroup", "0::/pod/box\n")
    write(tmp_path, "sys/fs/cgroup/pod/memory.max", f"{512 * MIB}\n")
    write(tmp_path, "sys/fs/cgroup/pod/box/memory.max", "max\n")
    assert CpuDevice(root=tmp_path).capability().memory_bytes == 512 * MIB


def test_cpu__tells_its_resident_peak_and_no_device_memory():
    memory = CpuDevice().memory()
    assert memory.peak_host_mb > 1
    assert memory.allocated_mb is memory.peak_allocated_mb is None


def test_cpu__events_are_readings_of_the_host_clock():
    assert HostEvent(1_000_000).elapsed_ms(HostEvent(3_500_000)) == 2.5
    device = CpuDevice()
    assert device.event().elapsed_ms(device.event()) >= 0


def test_cpu__a_seed_makes_the_same_numbers_again():
    torch = pytest.importorskip("torch")
    device = CpuDevice()
    drawn = []
    for seed in (7, 7, 8):
        device.seed(seed)
        drawn.append(torch.randn(4).tolist())
    first, again, other = drawn
    assert first == again != other
