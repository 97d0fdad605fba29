"""What NVML tells, from a stand-in: facts, samples, and everything that a driver may refuse."""

from __future__ import annotations

import pynvml
import pytest

from perfgate.errors import DeviceError
from perfgate.profile.nvidia import MigSlice, open_nvml, read_nvidia, read_sample
from perfgate.profile.nvml import Nvml
from tests.fakes.nvml import MEMORY, SM, Bytes, FakeGpu, FakeNvml

ALL_CALLS = frozenset(
    name
    for name in dir(Nvml)
    if name.startswith("nvmlDevice") and name != "nvmlDeviceGetHandleByIndex"
)


def the_gpu(**changes):
    (gpu,) = read_nvidia(FakeNvml(FakeGpu(**changes))).gpus
    return gpu


def test_facts__of_a_healthy_device():
    facts = read_nvidia(FakeNvml(FakeGpu()))
    (gpu,) = facts.gpus
    assert (facts.driver, facts.cuda, facts.problem) == ("570.124.06", "12.8", "")
    assert (gpu.name, gpu.capability) == ("NVIDIA H100 80GB HBM3", "9.0")
    assert gpu.memory_bytes == 85_520_809_984
    assert (gpu.clock_mhz, gpu.max_clock_mhz, gpu.application_clocks) == (345, 1980, "default")
    assert (gpu.power_limit_w, gpu.default_power_limit_w) == (700.0, 700.0)
    assert (gpu.ecc, gpu.mig, gpu.persistence, gpu.pcie) == ("on", "off", "on", "gen 5 x16")
    assert (gpu.idle, gpu.processes, gpu.slices) == (True, (), ())


def test_facts__application_clocks_that_were_set():
    assert the_gpu(application={SM: 1410, MEMORY: 1593}).application_clocks == "1410/1593 MHz"


def test_facts__a_device_that_tells_nothing_is_empty_and_no_error():
    gpu = the_gpu(refuses=ALL_CALLS)
    assert (gpu.name, gpu.uuid, gpu.ecc, gpu.mig, gpu.application_clocks) == ("", "", "", "", "")
    assert gpu.memory_bytes is gpu.clock_mhz is gpu.power_limit_w is gpu.idle is gpu.processes
    assert gpu.processes is None


def test_facts__no_process_is_not_the_same_as_not_told():
    assert the_gpu(processes=[77, 12, 77]).processes == (12, 77)
    assert the_gpu(processes=[]).processes == ()


def test_facts__of_a_partitioned_device():
    part = FakeGpu(
        name="NVIDIA H100 80GB HBM3 MIG 1g.10gb", uuid="MIG-1", memory=Bytes(total=10, free=9)
    )
    assert the_gpu(mig=(1, 1), slices=[part]).slices == (
        MigSlice(uuid="MIG-1", name="NVIDIA H100 80GB HBM3 MIG 1g.10gb", memory_bytes=10),
    )
    assert the_gpu(mig=(0, 1), slices=[part]).slices == ()


def test_facts__without_a_driver_are_a_problem_and_no_error():
    facts = read_nvidia(FakeNvml(driver=None))
    assert facts.problem == "NVML cannot be used: NVML Shared Library Not Found"
    assert facts.gpus == ()


def test_facts__a_device_that_is_gone_is_a_problem():
    facts = read_nvidia(FakeNvml(FakeGpu(refuses=frozenset({"nvmlDeviceGetHandleByIndex"}))))
    assert facts.problem == "the NVIDIA device 0 does not answer: Not Supported"


def test_open__closes_what_it_opened_also_after_an_error():
    nvml = FakeNvml(FakeGpu())
    with pytest.raises(ZeroDivisionError), open_nvml(nvml):
        raise ZeroDivisionError
    assert (nvml.opened, nvml.closed) == (1, 1)


def test_open__without_a_driver_says_what_to_do():
    with (
        pytest.raises(DeviceError, match="Shared Library") as refusal,
        open_nvml(FakeNvml(driver=None)),
    ):
        pass
    assert "--gpus all" in refusal.value.fix


@pytest.mark.parametrize(
    ("reasons", "throttles"),
    [
        (0x0, set()),
        (0x1 | 0x2 | 0x100, set()),
        (0x4, {"software power cap"}),
        (0x8 | 0x40, {"hardware slowdown", "hardware thermal"}),
        (0x10 | 0x20 | 0x80, {"sync boost", "software thermal", "power brake"}),
        (0x200 | 0x400 | 1 << 40, set()),
    ],
)
def test_sample__reads_why_clocks_are_low(reasons, throttles):
    assert read_sample(FakeNvml(FakeGpu(reasons=reasons)), 0).throttles == throttles


def test_sample__asks_an_old_driver_by_the_old_name():
    old = FakeGpu(reasons=0x8, refuses=frozenset({"nvmlDeviceGetCurrentClocksEventReasons"}))
    assert read_sample(FakeNvml(old), 0).throttles == {"hardware slowdown"}


def test_sample__has_units_that_its_names_say():
    sample = read_sample(FakeNvml(FakeGpu(), FakeGpu(processes=[5], temperature=66)), 1)
    assert (sample.index, sample.clock_mhz, sample.memory_clock_mhz) == (1, 345, 2619)
    assert (sample.temperature_c, sample.power_w, sample.processes) == (66, 71.25, (5,))


def test_sample__of_a_device_that_tells_nothing():
    sample = read_sample(FakeNvml(FakeGpu(refuses=ALL_CALLS)), 0)
    assert (sample.throttles, sample.processes) == (frozenset(), ())
    assert sample.clock_mhz is sample.power_w is sample.temperature_c is None


def test_sample__of_a_device_that_is_not_there():
    with pytest.raises(DeviceError, match="device 1 does not answer"):
        read_sample(FakeNvml(FakeGpu()), 1)


def test_protocol__has_no_call_that_the_real_library_lacks():
    asked = {name for name in dir(Nvml) if name.startswith("nvml")} | {"NVMLError"}
    assert {name for name in asked if not hasattr(pynvml, name)} == set()
    assert {name for name in asked if not hasattr(FakeNvml, name)} == set()
