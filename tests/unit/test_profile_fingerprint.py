"""The CPU's fingerprint: a readable key, and what must match apart from what is told."""

from __future__ import annotations

import subprocess
import sys

import pytest

from perfgate.profile.fingerprint import (
    CpuFacts,
    cpu_fingerprint,
    cpu_model,
    describe,
    model_slug,
    read_facts,
    usable_cores,
)

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


def facts(**changes):
    given = {"cpuinfo": EPYC, "affinity": frozenset(range(4)), "architecture": "x86_64"}
    return CpuFacts(**{**given, **changes})


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


def test_describe__splits_what_must_match_from_what_is_told():
    fingerprint = describe(
        facts(
            hostname="runner-7",
            kernel="6.8.0",
            governor="performance",
            python="3.11.7",
            load_average=(0.5, 0.25, 0.125),
            affinity=frozenset({0, 1, 2, 5}),
            cpu_max=("350000 100000",),
            packages={"torch": "2.13.0+cpu"},
        ),
        runner_name="pool-a",
    )
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
        "cpu_max": "350000 100000",
        "affinity": "0-2,5",
        "python": "3.11.7",
        "load_average": "0.50 0.25 0.12",
    }


def test_describe__leaves_out_what_is_not_known():
    fingerprint = describe(facts(cpuinfo="", fallback_model=""))
    assert fingerprint.hardware_key == "cpu-unknown-x4"
    assert "cpu_id" not in fingerprint.must_match
    assert "torch_version" not in fingerprint.must_match
    assert fingerprint.told == {"affinity": "0-3"}


def test_model__arm_kernels_tell_numbers_only():
    assert cpu_model(facts(cpuinfo=KUNPENG)) == "arm 0x48-0xd01"
    assert describe(facts(cpuinfo=KUNPENG)).hardware_key == "cpu-arm-0x48-0xd01-x4"
    assert cpu_model(facts(cpuinfo="", fallback_model="Apple M2")) == "Apple M2"


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
    assert usable_cores(facts(cpu_max=cpu_max)) == cores


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_read__finds_the_quotas_of_the_group_and_of_those_around_it(tmp_path):
    write(tmp_path / "proc/cpuinfo", EPYC)
    write(tmp_path / "proc/self/cgroup", "0::/jobs/one\n")
    write(tmp_path / "sys/fs/cgroup/jobs/one/cpu.max", "max 100000\n")
    write(tmp_path / "sys/fs/cgroup/jobs/cpu.max", "150000 100000\n")
    write(tmp_path / "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave\n")
    read = read_facts(root=tmp_path)
    assert read.cpuinfo == EPYC
    assert read.cpu_max == ("150000 100000",)
    assert read.governor == "powersave"


def test_read__an_empty_machine_is_not_an_error(tmp_path):
    read = read_facts(root=tmp_path)
    assert (read.cpuinfo, read.cpu_max, read.governor) == ("", (), "")


def test_this_machine__has_a_key_that_is_a_file_name():
    fingerprint = cpu_fingerprint(runner_name="here")
    assert fingerprint.hardware_key == model_key(fingerprint.hardware_key)
    assert fingerprint.told["runner"] == "here"
    assert cpu_fingerprint().must_match == fingerprint.must_match


def model_key(key):
    return "".join(letter for letter in key if letter.isalnum() or letter == "-").lower()


def test_import__loads_no_torch():
    script = (
        "import sys, perfgate.profile.fingerprint as f; f.cpu_fingerprint(); "
        "assert 'torch' not in sys.modules"
    )
    done = subprocess.run((sys.executable, "-c", script), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
