"""The fingerprint: a readable key, and what must match apart from what is told."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from perfgate.errors import DeviceError
from perfgate.profile.ascend import AscendFacts, NpuFacts
from perfgate.profile.fingerprint import (
    SWITCHES,
    describe_cpu,
    describe_cuda,
    describe_npu,
    fingerprint_of,
    switches,
    versions,
)
from perfgate.profile.host import HostFacts
from perfgate.profile.nvidia import read_nvidia
from perfgate.profile.processor import cpu_flags, cpu_model, model_slug, usable_cores
from tests.fakes.nvml import MEMORY, SM, Bytes, FakeGpu, FakeNvml

EPYC = """processor\t: 0
vendor_id\t: AuthenticAMD
cpu family\t: 25
model\t\t: 1
model name\t: AMD EPYC 7763 64-Core Processor
"""
KUNPENG = """processor\t: 0
BogoMIPS\t: 200.00
CPU implementer\t: 0x48
CPU part\t: 0xd01
"""


def a_host(**changes):
    given = {"cpuinfo": EPYC, "affinity": frozenset(range(4)), "architecture": "x86_64"}
    return HostFacts(**{**given, **changes})


@pytest.mark.parametrize(
    ("model", "slug"),
    [
        ("AMD EPYC 7763 64-Core Processor", "amd-epyc-7763"),
        ("Intel(R) Xeon(R) Platinum 8370C CPU @ 2.80GHz", "intel-xeon-platinum-8370c"),
        ("AMD Ryzen 7 5800H with Radeon Graphics", "amd-ryzen-7-5800h"),
        ("12th Gen Intel(R) Core(TM) i7-12700K", "12th-gen-intel-core-i7-12700k"),
        ("Neoverse-N1", "neoverse-n1"),
        ("  ", "unknown"),
        ("x" * 200, "x" * 48),
    ],
)
def test_slug__drops_marketing_and_stays_short(model, slug):
    assert model_slug(model) == slug


def test_cpu__splits_what_must_match_from_what_is_told():
    host = a_host(
        hostname="runner-7",
        kernel="6.8.0",
        governor="performance",
        python="3.11.7",
        load_average=(0.5, 0.25, 0.125),
        affinity=frozenset({0, 1, 2, 5}),
        cpu_max=("350000 100000",),
        memory_max_bytes=8 * 2**30,
        turbo="on",
        smt="off",
        huge_pages="madvise",
        numa_nodes="0-1",
        image="sha256:12",
        cpuinfo=EPYC + "flags\t\t: fpu avx2 sse4_2 avx512f amx_bf16\n",
    )
    fingerprint = describe_cpu(host, software={"torch_version": "2.13.0+cpu"}, runner_name="pool-a")
    assert fingerprint.hardware_key == "cpu-amd-epyc-7763-x4"
    assert fingerprint.must_match == {
        "hardware_key": "cpu-amd-epyc-7763-x4",
        "cpu_model": "AMD EPYC 7763 64-Core Processor",
        "cpu_id": "25-1",
        "cores": "4",
        "architecture": "x86_64",
        "torch_version": "2.13.0+cpu",
    }
    assert fingerprint.told == {
        "hostname": "runner-7",
        "runner": "pool-a",
        "kernel": "6.8.0",
        "governor": "performance",
        "turbo": "on",
        "smt": "off",
        "huge_pages": "madvise",
        "numa_nodes": "0-1",
        "cpu_flags": "avx2 avx512f amx_bf16",
        "cpu_max": "350000 100000",
        "memory_max": "8192 MiB",
        "affinity": "0-2,5",
        "image": "sha256:12",
        "python": "3.11.7",
        "load_average": "0.50 0.25 0.12",
    }


def test_cpu__leaves_out_what_is_not_known():
    fingerprint = describe_cpu(a_host(cpuinfo="", fallback_model=""), software={})
    assert fingerprint.hardware_key == "cpu-unknown-x4"
    assert "cpu_id" not in fingerprint.must_match
    assert "torch_version" not in fingerprint.must_match
    assert fingerprint.told == {"affinity": "0-3"}


def test_model__arm_kernels_tell_numbers_only():
    assert cpu_model(a_host(cpuinfo=KUNPENG)) == "arm 0x48-0xd01"
    assert (
        describe_cpu(a_host(cpuinfo=KUNPENG), software={}).hardware_key == "cpu-arm-0x48-0xd01-x4"
    )
    assert cpu_model(a_host(cpuinfo="", fallback_model="Apple M2")) == "Apple M2"


@pytest.mark.parametrize(
    ("cpu_max", "cores"),
    [
        ((), 4),
        (("max 100000",), 4),
        (("200000 100000",), 2),
        (("150000 100000",), 2),
        (("50000 100000",), 1),
        (("800000 100000",), 4),
        (("400000 100000", "100000 100000"), 1),
        (("nonsense", "100 0"), 4),
    ],
)
def test_cores__affinity_or_the_tightest_quota(cpu_max, cores):
    assert usable_cores(a_host(cpu_max=cpu_max)) == cores


def on_gpus(*gpus, software=None, listed="", **host):
    nvidia = read_nvidia(FakeNvml(*gpus))
    return describe_cuda(
        a_host(**host), nvidia, nvidia.gpus, software=software or {}, listed=listed
    )


def test_cuda__splits_what_must_match_from_what_is_told():
    gpus = FakeGpu(uuid="GPU-a", temperature=31), FakeGpu(uuid="GPU-b", temperature=35)
    fingerprint = on_gpus(
        *gpus, software={"torch_version": "2.13.0+cu128", "env.NVIDIA_TF32_OVERRIDE": "0"}
    )
    assert fingerprint.hardware_key == "nvidia-h100-80gb-hbm3-x2"
    assert fingerprint.must_match == {
        "hardware_key": "nvidia-h100-80gb-hbm3-x2",
        "cpu_model": "AMD EPYC 7763 64-Core Processor",
        "cpu_id": "25-1",
        "architecture": "x86_64",
        "device_names": "NVIDIA H100 80GB HBM3",
        "devices": "2",
        "device_memory": "81559 MiB",
        "compute_capability": "9.0",
        "driver": "570.124.06",
        "cuda": "12.8",
        "mig": "off",
        "ecc": "on",
        "power_limit": "700 W",
        "application_clocks": "default",
        "torch_version": "2.13.0+cu128",
        "env.NVIDIA_TF32_OVERRIDE": "0",
    }
    assert fingerprint.told == {
        "affinity": "0-3",
        "device_uuids": "GPU-a GPU-b",
        "device_indices": "0 1",
        "persistence": "on",
        "pcie": "gen 5 x16",
        "max_clock": "1980 MHz",
        "default_power_limit": "700 W",
        "temperature": "31 °C / 35 °C",
    }


@pytest.mark.parametrize(
    "changed",
    [
        {"ecc": (0, 0)},
        {"limit_mw": 350_000},
        {"application": {SM: 1410, MEMORY: 1593}},
        {"memory": Bytes(total=1, free=1)},
        {"name": "NVIDIA H100 PCIe"},
    ],
)
def test_cuda__what_moves_times_must_match(changed):
    assert on_gpus(FakeGpu(**changed)).must_match != on_gpus(FakeGpu()).must_match


@pytest.mark.parametrize(
    "changed",
    [
        {"uuid": "GPU-other"},
        {"temperature": 80},
        {"persistence": 0},
        {"pcie": (4, 16)},
        {"clocks": {SM: 1980, MEMORY: 2619}},
        {"processes": [7]},
        {"reasons": 0x8},
    ],
)
def test_cuda__what_moves_by_itself_is_told_at_most(changed):
    assert on_gpus(FakeGpu(**changed)).must_match == on_gpus(FakeGpu()).must_match


def test_cuda__a_mixed_machine_has_both_names():
    mixed = on_gpus(FakeGpu(name="Tesla T4"), FakeGpu(), FakeGpu(name="Tesla T4"))
    assert mixed.hardware_key == "nvidia-h100-80gb-hbm3-x1-nvidia-tesla-t4-x2"
    assert mixed.must_match["device_names"] == "Tesla T4 / NVIDIA H100 80GB HBM3"


def test_cuda__one_part_of_a_partitioned_device():
    small = FakeGpu(name="NVIDIA H100 MIG 1g.10gb", uuid="MIG-s", memory=Bytes(total=2**30, free=0))
    large = FakeGpu(name="NVIDIA H100 MIG 3g.40gb", uuid="MIG-l", memory=Bytes(total=2**32, free=0))
    device = FakeGpu(mig=(1, 1), slices=[small, large])
    assert on_gpus(device).hardware_key == "nvidia-h100-mig-1g-10gb-x1"
    named = on_gpus(device, listed="MIG-l")
    assert named.hardware_key == "nvidia-h100-mig-3g-40gb-x1"
    assert named.must_match["device_memory"] == "4096 MiB"
    assert named.must_match["mig"] == "on"


NPUS = tuple(
    NpuFacts(index=index, card=index, chip=0, name="910B3", health="OK", memory_mb=65536)
    for index in range(8)
)


def test_npu__splits_what_must_match_from_what_is_told():
    fingerprint = describe_npu(
        a_host(cpuinfo=KUNPENG, architecture="aarch64"),
        AscendFacts(driver="25.2.0", cann="8.2.RC1", npus=NPUS),
        tuple(range(8)),
        software={"torch_npu_version": "2.13.0", "env.TASK_QUEUE_ENABLE": "2"},
    )
    assert fingerprint.hardware_key == "ascend-910b3-x8"
    assert fingerprint.must_match == {
        "hardware_key": "ascend-910b3-x8",
        "cpu_model": "arm 0x48-0xd01",
        "cpu_id": "0x48-0xd01",
        "architecture": "aarch64",
        "device_names": "910B3",
        "devices": "8",
        "device_memory": "65536 MB",
        "driver": "25.2.0",
        "cann": "8.2.RC1",
        "torch_npu_version": "2.13.0",
        "env.TASK_QUEUE_ENABLE": "2",
    }
    assert fingerprint.told["device_health"] == "OK"


@pytest.mark.parametrize(
    ("name", "key"),
    [("910B", "ascend-910b-x1"), ("Ascend910", "ascend-910-x1"), ("910B4-1", "ascend-910b4-1-x1")],
)
def test_npu__key(name, key):
    npu = NpuFacts(index=0, card=0, chip=0, name=name, health="OK")
    assert describe_npu(a_host(), AscendFacts(npus=(npu,)), (0,), software={}).hardware_key == key


def test_npu__what_could_not_be_read_is_said():
    facts = AscendFacts(problem="there is no npu-smi here", unread=("odd | row",))
    fingerprint = describe_npu(a_host(), facts, (0, 1), software={})
    assert fingerprint.hardware_key == "ascend-unknown-x2"
    assert fingerprint.told["not_read"] == "there is no npu-smi here; odd | row"


def test_switches__only_the_listed_ones_are_ever_kept():
    environ = {
        "PYTORCH_CUDA_ALLOC_CONF": "expandable_segments:True",
        "OMP_NUM_THREADS": " 4\n",
        "KMP_AFFINITY": "",
        "MKL_DYNAMIC": "x" * 1000,
        "GITHUB_TOKEN": "secret",
        "TORCHINDUCTOR_CACHE_DIR": "/home/me",
        "OMP_SECRET": "secret",
    }
    assert switches(environ) == {
        "env.OMP_NUM_THREADS": "4",
        "env.MKL_DYNAMIC": "x" * 200,
        "env.PYTORCH_CUDA_ALLOC_CONF": "expandable_segments:True",
    }


def test_switches__hold_no_name_that_sounds_like_a_secret_or_a_place():
    assert len(set(SWITCHES)) == len(SWITCHES)
    assert not [name for name in SWITCHES if re.search("TOKEN|KEY|SECRET|PASS|_DIR$|HOME", name)]


def test_versions__of_what_is_installed_alone():
    assert versions("pytest", "no_such_package_anywhere") == {"pytest_version": pytest.__version__}


def test_of_this_machine__takes_the_devices_that_the_job_sees(tmp_path):
    nvml = FakeNvml(FakeGpu(), FakeGpu(name="Tesla T4"))

    def key(environ=None, visible=None):
        found = fingerprint_of(
            "cuda", visible=visible, environ=environ or {}, root=tmp_path, nvml=nvml
        )
        return found.hardware_key

    assert key() == "nvidia-h100-80gb-hbm3-x1-nvidia-tesla-t4-x1"
    assert key({"CUDA_VISIBLE_DEVICES": "1"}) == "nvidia-tesla-t4-x1"
    assert key({"CUDA_VISIBLE_DEVICES": "1"}, (0,)) == "nvidia-h100-80gb-hbm3-x1"


def test_of_this_machine__ascend_by_its_device_files_when_npu_smi_is_silent(tmp_path):
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev/davinci0").touch()

    def refuse():
        raise DeviceError("there is no npu-smi here", fix="Mount it.")

    found = fingerprint_of("npu", environ={}, root=tmp_path, ask_npu=refuse)
    assert found.hardware_key == "ascend-unknown-x1"


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        ({}, "no cuda device is visible here: NVML cannot be used: NVML Shared Library Not Found"),
        ({"CUDA_VISIBLE_DEVICES": ""}, "and CUDA_VISIBLE_DEVICES is ''"),
    ],
)
def test_of_this_machine__without_the_device_that_was_asked_for(tmp_path, environ, told):
    with pytest.raises(DeviceError, match=re.escape(told)) as refusal:
        fingerprint_of("cuda", environ=environ, root=tmp_path, nvml=FakeNvml(driver=None))
    assert "perfgate doctor" in refusal.value.fix


def test_of_this_machine__cpu_keys_are_those_of_stored_baselines():
    stored = {"hardware_key", "cpu_model", "cpu_id", "cores", "architecture", "torch_version"}
    found = fingerprint_of("cpu", environ={"RUNNER_NAME": "here", "GITHUB_TOKEN": "secret"})
    assert set(found.must_match) <= stored
    assert found.must_match == fingerprint_of("cpu", environ={}).must_match
    assert found.told["runner"] == "here"
    assert "secret" not in found.model_dump_json()


def test_flags__of_x86_and_of_arm():
    assert cpu_flags(a_host(cpuinfo="flags : avx avx2 avx512_bf16\n")) == ("avx2", "avx512_bf16")
    assert cpu_flags(a_host(cpuinfo="Features\t: fp asimd bf16\n")) == ("asimd", "bf16")


def test_this_machine__has_a_key_that_is_a_file_name():
    fingerprint = fingerprint_of("cpu", environ={})
    assert fingerprint.hardware_key == model_key(fingerprint.hardware_key)


def model_key(key):
    return "".join(letter for letter in key if letter.isalnum() or letter == "-").lower()


def test_import__loads_no_torch():
    script = (
        "import sys, perfgate.profile.fingerprint as f; f.fingerprint_of('cpu', environ={}); "
        "assert 'torch' not in sys.modules"
    )
    done = subprocess.run((sys.executable, "-c", script), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
