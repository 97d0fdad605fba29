"""Machines that `perfgate doctor` looks at, as values: what each row says of them is golden."""

from __future__ import annotations

import json
from pathlib import Path

from perfgate import __version__
from perfgate.app.examining.machine import MachineFacts, machine_checks
from perfgate.app.examining.project import TokenRights, disk_check, token_check, torch_check
from perfgate.app.measuring.devices import Choice
from perfgate.github.event import Event
from perfgate.process import Finished
from perfgate.profile.ascend import AscendFacts
from perfgate.profile.host import Accelerators, HostFacts
from perfgate.profile.nvidia import NvidiaFacts, read_nvidia
from perfgate.profile.samples import HostSample
from perfgate.report.doctor import Check, Diagnosis
from perfgate.suite import parse_suite
from tests.fakes.nvml import MEMORY, SM, FakeGpu, FakeNvml

SUITE = """version: 1
cases:
  - {id: wan, backend: builtin, preset: wan-tiny}
"""
PULL_REQUEST = Event(name="pull_request", repository="octo/bench", pull_request=7)
NO_NVML = NvidiaFacts(problem="NVML cannot be used: NVML Shared Library Not Found")
NO_ASCEND = AscendFacts(problem="there is no npu-smi here")


def a_host(**changes) -> HostFacts:
    given = {
        "cpuinfo": "model name\t: AMD EPYC 9354 32-Core Processor\n",
        "affinity": frozenset(range(32)),
        "architecture": "x86_64",
        "governor": "performance",
    }
    return HostFacts(**{**given, **changes})


def a_machine(**changes) -> MachineFacts:
    """A quiet CPU machine; its samples are one second apart."""
    given = {
        "choice": Choice(),
        "kind": "cpu",
        "indices": (),
        "host": a_host(),
        "accelerators": Accelerators(),
        "nvidia": NO_NVML,
        "ascend": NO_ASCEND,
        "before": a_sample(at_ns=0),
        "after": a_sample(at_ns=10**9, pressure_us=10_000, total_ticks=10_000, steal_ticks=20),
    }
    return MachineFacts(**{**given, **changes})


def a_sample(**changes) -> HostSample:
    given = {"pressure_us": 0, "steal_ticks": 0, "total_ticks": 0, "throttled_us": 0}
    return HostSample(**{**given, **changes})


def torch_says(**answer) -> Check:
    """The row for a child process that printed this answer."""
    told = Finished(
        exit_code=0,
        timed_out=False,
        duration_s=2.0,
        log_tail="a warning of torch\nperfgate-doctor-torch:" + json.dumps(answer),
    )
    suite = parse_suite(SUITE, source="perfgate.yml")
    return torch_check("any", suite, environ={}, run=lambda *a, **k: told, folder=Path("/work"))


def diagnosis(facts: MachineFacts, *rest: Check, key: str) -> Diagnosis:
    checks = (*machine_checks(facts), *rest)
    return Diagnosis(
        perfgate=__version__,
        device=facts.kind,
        hardware_key=key,
        fit=all(check.state != "bad" for check in checks),
        checks=checks,
    )


def healthy_gpu() -> Diagnosis:
    locked = FakeGpu(clocks={SM: 1755, MEMORY: 2619})
    return diagnosis(
        a_machine(
            kind="cuda",
            indices=(0, 1),
            nvidia=read_nvidia(FakeNvml(locked, locked)),
            accelerators=Accelerators(nvidia_on_bus=2, nvidia_driver=True, nvidia_files=2),
        ),
        torch_says(torch="2.13.0+cu128", device="cuda:0", name="NVIDIA H100 80GB HBM3", count=2),
        Check(name="git", state="ok", seen="commit 0123456789ab and its parent are here"),
        Check(name="suite", state="ok", seen="perfgate.yml: 1 case (1 builtin)"),
        token_check(PULL_REQUEST, "a-token", ask=lambda e, t: TokenRights(rights=("pull",))),
        disk_check((Path("/work"), Path("/tmp")), usage=lambda folder: 80 * 2**30),
        key="nvidia-h100-80gb-hbm3-x2",
    )


def bare_cpu() -> Diagnosis:
    return diagnosis(
        a_machine(
            host=a_host(governor="powersave", cpu_max=("400000 100000",), memory_max_bytes=2**34),
            after=a_sample(
                at_ns=10**9,
                pressure_us=310_000,
                total_ticks=1000,
                steal_ticks=40,
                throttled_us=120_000,
            ),
        ),
        torch_says(
            problem="torch is not installed in this environment",
            fix="Install it there, such as with pip install 'perfgate[torch]'.",
        ),
        Check(name="git", state="ok", seen="commit 0123456789ab and its parent are here"),
        Check(name="suite", state="ok", seen="perfgate.yml: 1 case (1 builtin)"),
        token_check(Event(name="local"), "", ask=lambda e, t: TokenRights(rights=())),
        disk_check((Path("/work"), Path("/tmp")), usage=lambda folder: 2 * 2**30),
        key="cpu-amd-epyc-9354-x4",
    )


def broken_container() -> Diagnosis:
    """A container without the GPU that its host has; torch_npu is there, and CANN is not."""
    return diagnosis(
        a_machine(accelerators=Accelerators(nvidia_on_bus=8, nvidia_driver=True)),
        torch_says(
            problem="torch_npu is installed, but Ascend's CANN libraries cannot be loaded, so that "
            "import torch itself fails (libascendcl.so: cannot open shared object file)",
            fix="Install the CANN release that this torch_npu asks for.",
        ),
        Check(
            name="git",
            state="bad",
            seen="commit 0123456789ab of a shallow clone; its parent ba9876543210 is not here, and "
            "there is no remote origin",
            fix="Clone with more history (actions/checkout: fetch-depth: 2, or 0 for all).",
        ),
        Check(name="suite", state="ok", seen="perfgate.yml: 1 case (1 builtin)"),
        token_check(PULL_REQUEST, "", ask=lambda e, t: TokenRights(rights=())),
        disk_check((Path("/work"), Path("/tmp")), usage=lambda folder: 2**20),
        key="cpu-amd-epyc-9354-x32",
    )


MACHINES = (healthy_gpu, bare_cpu, broken_container)
