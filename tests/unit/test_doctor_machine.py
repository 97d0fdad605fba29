"""What the rows about device and host say, one circumstance at a time."""

from __future__ import annotations

import pytest

from perfgate.app.examining.machine import machine_checks
from perfgate.app.measuring.devices import Choice
from perfgate.errors import DeviceError
from perfgate.profile.ascend import AscendFacts, NpuFacts
from perfgate.profile.fitness import Process
from perfgate.profile.host import Accelerators
from perfgate.profile.nvidia import read_nvidia
from tests.fakes.nvml import MEMORY, SM, Bytes, FakeGpu, FakeNvml
from tests.golden.machines import a_host, a_machine, a_sample


def row(facts, name):
    (found,) = [check for check in machine_checks(facts) if check.name == name]
    return found


def on_gpus(*gpus, **changes):
    given = {"kind": "cuda", "indices": tuple(range(len(gpus)))}
    return a_machine(nvidia=read_nvidia(FakeNvml(*gpus)), **{**given, **changes})


def on_npus(*npus, **changes):
    given = {"kind": "npu", "indices": tuple(range(len(npus))), "ascend": AscendFacts(npus=npus)}
    return a_machine(**{**given, **changes})


def an_npu(index=0, **changes):
    given = {"index": index, "card": index, "chip": 0, "name": "910B3", "health": "OK"}
    return NpuFacts(**{**given, **changes})


ABSENT = DeviceError("no cuda device is visible here", fix="Run `perfgate doctor`.")


def test_rows__of_a_cpu_machine_leave_the_device_out():
    assert [check.name for check in machine_checks(a_machine())] == [
        "device",
        "cpu governor",
        "cores",
        "other work",
    ]


@pytest.mark.parametrize(
    ("asked", "accelerators", "state"),
    [
        ("auto", Accelerators(), "ok"),
        ("auto", Accelerators(nvidia_on_bus=1), "bad"),
        ("auto", Accelerators(nvidia_driver=True), "bad"),
        ("auto", Accelerators(ascend_on_bus=8), "bad"),
        ("cpu", Accelerators(nvidia_on_bus=1, nvidia_driver=True), "ok"),
        ("cpu", Accelerators(ascend_on_bus=8), "ok"),
    ],
)
def test_device__an_accelerator_of_the_host_that_is_not_in_here(asked, accelerators, state):
    facts = a_machine(choice=Choice(kind=asked), accelerators=accelerators)
    found = row(facts, "device")
    assert found.state == state
    assert ("container" in found.fix) == (state == "bad")


def test_device__a_driver_that_does_not_answer():
    facts = a_machine(accelerators=Accelerators(nvidia_on_bus=2, nvidia_files=2))
    found = row(facts, "device")
    assert found.seen.startswith("the host has 2 NVIDIA devices, and its driver does not answer")
    assert "nvidia-smi" in found.fix


def test_device__hidden_by_a_variable_on_purpose_is_the_cpu():
    facts = a_machine(
        nvidia=read_nvidia(FakeNvml(FakeGpu())),
        accelerators=Accelerators(nvidia_on_bus=1, nvidia_files=1),
        hidden_by="CUDA_VISIBLE_DEVICES",
    )
    found = row(facts, "device")
    assert found.state == "ok"
    assert found.seen.endswith("; CUDA_VISIBLE_DEVICES shows no accelerator")


@pytest.mark.parametrize("asked", ["auto", "cuda"])
def test_device__partitioned_without_a_part(asked):
    facts = a_machine(
        kind="cpu" if asked == "auto" else "cuda",
        choice=Choice(kind=asked),
        absent=None if asked == "auto" else ABSENT,
        nvidia=read_nvidia(FakeNvml(FakeGpu(mig=(1, 1)))),
        accelerators=Accelerators(nvidia_on_bus=1, nvidia_driver=True, nvidia_files=1),
    )
    found = row(facts, "device")
    assert (found.state, "nvidia-smi mig -cgi" in found.fix) == ("bad", True)


@pytest.mark.parametrize(
    ("changes", "fix"),
    [
        ({}, "Run on a machine with an NVIDIA GPU"),
        ({"hidden_by": "CUDA_VISIBLE_DEVICES"}, "Unset CUDA_VISIBLE_DEVICES"),
        ({"accelerators": Accelerators(nvidia_on_bus=1)}, "--gpus all"),
        # An Ascend device that is hidden is no answer to who asked for CUDA.
        ({"accelerators": Accelerators(ascend_on_bus=1)}, "Run on a machine with an NVIDIA GPU"),
    ],
)
def test_device__asked_for_and_absent(changes, fix):
    facts = a_machine(kind="cuda", choice=Choice(kind="cuda"), absent=ABSENT, **changes)
    found = row(facts, "device")
    assert found.state == "bad"
    assert fix in found.fix
    assert "perfgate doctor" not in found.fix
    assert len(machine_checks(facts)) == 4


def test_device__an_index_out_of_range_keeps_the_rows_of_the_others():
    wrong = DeviceError("--device cuda:7: the index is out of range", fix="Give cuda:0.")
    facts = on_gpus(FakeGpu(), choice=Choice(kind="cuda", index=7), absent=wrong)
    assert (row(facts, "device").state, row(facts, "device").fix) == ("bad", "Give cuda:0.")
    assert row(facts, "driver").seen == "570.124.06, for CUDA up to 12.8"


def test_device__ascend_by_name_and_health():
    assert row(on_npus(an_npu(0), an_npu(1)), "device").seen == "npu: 2 x 910B3"
    ill = row(on_npus(an_npu(0), an_npu(1, health="Alarm")), "device")
    assert (ill.state, ill.seen) == ("warning", "npu: 2 x 910B3; device 1 is Alarm")


def test_device__ascend_without_npu_smi():
    facts = on_npus(indices=(0, 1), ascend=AscendFacts(problem="there is no npu-smi here"))
    found = row(facts, "device")
    assert (found.state, found.seen) == (
        "warning",
        "npu: 2 device files, and there is no npu-smi here",
    )


def test_device__what_npu_smi_said_and_nobody_could_read():
    facts = on_npus(ascend=AscendFacts(npus=(an_npu(),), unread=("odd | row",)), indices=(0,))
    found = row(facts, "device")
    assert found.state == "warning"
    assert "odd | row" in found.seen


def test_driver__ascend_needs_cann():
    known = AscendFacts(npus=(an_npu(),), driver="25.2.0", cann="8.2.RC1")
    assert row(on_npus(ascend=known, indices=(0,)), "driver").seen == "25.2.0, CANN 8.2.RC1"
    assert row(on_npus(an_npu()), "driver").state == "warning"


def test_memory__of_the_fullest_device():
    full = FakeGpu(memory=Bytes(total=80 * 2**30, free=20 * 2**30))
    free = FakeGpu(memory=Bytes(total=80 * 2**30, free=79 * 2**30))
    found = row(on_gpus(free, full), "device memory")
    assert (found.state, found.seen) == ("warning", "20.0 of 80.0 GiB free on device 1")
    assert row(on_gpus(free, free), "device memory").state == "ok"


def test_memory__of_an_npu_and_of_a_device_that_does_not_tell():
    assert row(on_npus(an_npu(memory_mb=65536, used_mb=3345)), "device memory").state == "ok"
    assert row(on_npus(an_npu()), "device memory").state == "not applicable"


def test_memory__of_the_visible_devices_alone():
    full = FakeGpu(memory=Bytes(total=2**30, free=0))
    assert row(on_gpus(FakeGpu(), full, indices=(0,)), "device memory").state == "ok"


def test_processes__others_are_named_and_own_ones_are_not():
    own = Process(pid=1, relation="own", name="perfgate")
    other = Process(pid=7, relation="foreign", name="python3")
    unseen = Process(pid=9, relation="unseen")
    assert row(on_gpus(FakeGpu(), processes=(own,)), "device processes").state == "ok"
    found = row(on_gpus(FakeGpu(), processes=(own, other, unseen)), "device processes")
    assert (found.state, found.seen) == ("warning", "pid 7 (python3), pid 9")
    assert row(on_gpus(FakeGpu(), processes=None), "device processes").state == "not applicable"


@pytest.mark.parametrize(
    ("gpu", "state", "told"),
    [
        (FakeGpu(clocks={SM: 345, MEMORY: 1}), "warning", "not locked: 345 of 1980 MHz while idle"),
        (FakeGpu(clocks={SM: 1980, MEMORY: 1}), "ok", "likely locked: 1980 of 1980 MHz while idle"),
        (FakeGpu(application={SM: 1410, MEMORY: 1593}), "ok", "application clocks of 1410/1593"),
        (FakeGpu(reasons=0), "warning", "a busy device does not tell"),
        (FakeGpu(refuses=frozenset({"nvmlDeviceGetClockInfo"})), "warning", "does not tell"),
    ],
)
def test_clocks__what_nvml_lets_one_know(gpu, state, told):
    found = row(on_gpus(gpu), "device clocks")
    assert found.state == state
    assert told in found.seen
    assert ("nvidia-smi -lgc" in found.fix) == (state == "warning")


def test_clocks__one_device_that_is_not_locked_is_the_one_told():
    found = row(on_gpus(FakeGpu(clocks={SM: 1980, MEMORY: 1}), FakeGpu()), "device clocks")
    assert found.seen == "not locked: 345 of 1980 MHz while idle (device 1)"


def test_clocks_and_persistence__npu_smi_tells_none():
    assert row(on_npus(an_npu()), "device clocks").state == "not applicable"
    assert row(on_npus(an_npu()), "persistence").state == "not applicable"


def test_persistence__off_on_one_of_them():
    found = row(on_gpus(FakeGpu(), FakeGpu(persistence=0)), "persistence")
    assert (found.state, found.fix.split(",")[0]) == ("warning", "sudo nvidia-smi -pm 1")


@pytest.mark.parametrize(
    ("governor", "state"),
    [("performance", "ok"), ("schedutil", "warning"), ("", "not applicable")],
)
def test_governor(governor, state):
    assert row(a_machine(host=a_host(governor=governor)), "cpu governor").state == state


def test_cores__a_quota_is_worse_than_few_cores():
    assert row(a_machine(host=a_host(affinity=frozenset({3}))), "cores").state == "ok"
    quota = row(a_machine(host=a_host(cpu_max=("200000 100000",))), "cores")
    assert quota.state == "warning"
    assert quota.seen.startswith("2 of 32 by a cgroup quota")


@pytest.mark.parametrize(
    ("after", "state"),
    [
        ({"pressure_us": 40_000}, "ok"),
        ({"pressure_us": 60_000}, "warning"),
        ({"total_ticks": 100, "steal_ticks": 1}, "ok"),
        ({"total_ticks": 100, "steal_ticks": 2}, "warning"),
        ({"throttled_us": 20_000}, "warning"),
        ({"pressure_us": None, "steal_ticks": None, "throttled_us": None}, "not applicable"),
    ],
)
def test_other_work(after, state):
    facts = a_machine(after=a_sample(at_ns=10**9, **{"total_ticks": 100, **after}))
    assert row(facts, "other work").state == state
