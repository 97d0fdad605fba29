"""What a host tells, read from a folder that stands for its root."""

from __future__ import annotations

import pytest

from perfgate.profile.host import Accelerators, read_accelerators, read_host, read_host_sample
from perfgate.profile.samples import HostSample

STAT = """cpu  100 5 40 800 10 1 2 42 30 0
cpu0 50 2 20 400 5 0 1 21 15 0
intr 12345
"""
PRESSURE = """some avg10=0.00 avg60=0.01 avg300=0.10 total=620194115
full avg10=0.00 avg60=0.00 avg300=0.00 total=7
"""


@pytest.fixture
def machine(tmp_path):
    """Writes files of a machine by their path; its root is ``machine.root``."""

    def write(path: str, text: str = "") -> None:
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    write.root = tmp_path
    return write


def test_host__limits_of_the_group_and_of_those_around_it(machine):
    machine("proc/self/cgroup", "12:cpuset:/elsewhere\n0::/jobs/one\n")
    machine("sys/fs/cgroup/jobs/one/cpu.max", "max 100000\n")
    machine("sys/fs/cgroup/jobs/cpu.max", "150000 100000\n")
    machine("sys/fs/cgroup/jobs/one/memory.max", "max\n")
    machine("sys/fs/cgroup/jobs/memory.max", "8589934592\n")
    machine("sys/fs/cgroup/memory.max", "17179869184\n")
    host = read_host({}, root=machine.root)
    assert host.cpu_max == ("150000 100000",)
    assert host.memory_max_bytes == 8 * 2**30


def test_host__settings_that_move_times(machine):
    machine("proc/cpuinfo", "model name\t: Test\n")
    machine("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave\n")
    machine("sys/devices/system/cpu/smt/active", "1\n")
    machine("sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n")
    machine("sys/devices/system/node/online", "0-1\n")
    host = read_host({"PERFGATE_IMAGE": " sha256:12\n34 ", "SECRET": "x"}, root=machine.root)
    assert (host.cpuinfo, host.governor) == ("model name\t: Test\n", "powersave")
    assert (host.smt, host.huge_pages, host.numa_nodes) == ("on", "madvise", "0-1")
    assert host.image == "sha256:12 34"


@pytest.mark.parametrize(
    ("path", "text", "turbo"),
    [
        ("intel_pstate/no_turbo", "1\n", "off"),
        ("intel_pstate/no_turbo", "0\n", "on"),
        ("cpufreq/boost", "1\n", "on"),
        ("cpufreq/boost", "0\n", "off"),
        ("cpufreq/boost", "?\n", ""),
    ],
)
def test_host__turbo_by_either_driver(machine, path, text, turbo):
    machine(f"sys/devices/system/cpu/{path}", text)
    assert read_host({}, root=machine.root).turbo == turbo


def test_host__an_empty_machine_is_not_an_error(tmp_path):
    host = read_host({}, root=tmp_path)
    assert (host.cpuinfo, host.cpu_max, host.memory_max_bytes) == ("", (), None)
    assert (host.governor, host.turbo, host.smt, host.huge_pages) == ("", "", "", "")


def test_host__a_file_that_is_no_text_is_not_an_error(machine):
    (machine.root / "proc").mkdir()
    (machine.root / "proc/cpuinfo").write_bytes(b"model name\t: \xff\xfe\n")
    (machine.root / "sys/devices/system/node/online").mkdir(parents=True)
    host = read_host({}, root=machine.root)
    assert "model name" in host.cpuinfo
    assert host.numa_nodes == ""


def test_sample__counters(machine):
    machine("proc/pressure/cpu", PRESSURE)
    machine("proc/stat", STAT)
    machine("proc/self/cgroup", "0::/jobs/one\n")
    machine("sys/fs/cgroup/jobs/one/cpu.stat", "usage_usec 1\nnr_throttled 2\nthrottled_usec 300\n")
    machine("sys/fs/cgroup/jobs/cpu.stat", "usage_usec 1\nnr_throttled 2\nthrottled_usec 40\n")
    machine("sys/fs/cgroup/cpu.stat", "usage_usec 1\n")
    assert read_host_sample(root=machine.root, now_ns=lambda: 99) == HostSample(
        at_ns=99, pressure_us=620194115, steal_ticks=42, total_ticks=1000, throttled_us=340
    )


def test_sample__free_memory_is_the_least_of_machine_and_groups(machine):
    machine("proc/meminfo", "MemTotal: 9000000 kB\nMemAvailable:    4096000 kB\n")
    machine("proc/self/cgroup", "0::/jobs/one\n")
    assert read_host_sample(root=machine.root).free_memory_mb == 4000
    machine("sys/fs/cgroup/jobs/one/memory.max", "max\n")
    machine("sys/fs/cgroup/jobs/one/memory.current", str(900 * 2**20))
    assert read_host_sample(root=machine.root).free_memory_mb == 4000
    machine("sys/fs/cgroup/jobs/memory.max", str(1000 * 2**20))
    machine("sys/fs/cgroup/jobs/memory.current", str(950 * 2**20))
    machine("sys/fs/cgroup/jobs/memory.stat", f"anon 1\ninactive_file {50 * 2**20}\n")
    assert read_host_sample(root=machine.root).free_memory_mb == 100


def test_sample__guest_time_counts_once(machine):
    machine("proc/stat", "cpu  100 0 0 0 0 0 0 0 100 100\n")
    assert read_host_sample(root=machine.root).total_ticks == 100


def test_sample__a_host_that_counts_nothing(tmp_path):
    assert read_host_sample(root=tmp_path, now_ns=lambda: 1) == HostSample(at_ns=1)


def test_sample__of_this_host_only_grows():
    before, after = read_host_sample(), read_host_sample()
    assert after.at_ns > before.at_ns
    assert (after.total_ticks or 0) >= (before.total_ticks or 0)


def card(machine, slot: str, vendor: str, kind: str) -> None:
    machine(f"sys/bus/pci/devices/{slot}/vendor", f"{vendor}\n")
    machine(f"sys/bus/pci/devices/{slot}/class", f"{kind}\n")


def test_accelerators__on_the_bus_and_in_dev(machine):
    card(machine, "0000:01:00.0", "0x10de", "0x030200")
    card(machine, "0000:02:00.0", "0x10de", "0x030000")
    card(machine, "0000:02:00.1", "0x10de", "0x040300")  # its sound
    card(machine, "0000:03:00.0", "0x19e5", "0x120000")
    card(machine, "0000:04:00.0", "0x19e5", "0x020000")  # a network card
    card(machine, "0000:05:00.0", "0x8086", "0x030000")
    machine("proc/driver/nvidia/version", "NVRM version\n")
    for name in ("nvidia0", "nvidiactl", "nvidia-uvm", "davinci0", "davinci11", "davinci_manager"):
        machine(f"dev/{name}")
    assert read_accelerators(root=machine.root) == Accelerators(
        nvidia_on_bus=2, nvidia_driver=True, nvidia_files=1, ascend_on_bus=1, ascend_files=2
    )


def test_accelerators__of_an_empty_machine(tmp_path):
    assert read_accelerators(root=tmp_path) == Accelerators()
