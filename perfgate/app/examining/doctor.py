"""Looks whether this machine is fit to measure on, row by row. Starts no launch, changes nothing.

All that it reaches comes in with :class:`Examination`, whose defaults are this machine's own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from perfgate import __version__, process
from perfgate.app.examining.machine import MachineFacts, machine_checks
from perfgate.app.examining.project import (
    TokenRights,
    disk_check,
    look_at_project,
    token_check,
    torch_check,
)
from perfgate.app.measuring.devices import Choice, find_devices
from perfgate.errors import DeviceError, ExitCode, PerfgateError
from perfgate.github.event import Event, read_event
from perfgate.process import Finished
from perfgate.profile.ascend import ask_npu_smi, read_ascend
from perfgate.profile.devices.device import DeviceKind
from perfgate.profile.fingerprint import fingerprint_of
from perfgate.profile.fitness import Process
from perfgate.profile.host import read_accelerators, read_host, read_host_sample
from perfgate.profile.nvidia import NvidiaFacts, read_nvidia
from perfgate.profile.nvml import Nvml
from perfgate.profile.processes import sees_pids_of_host, whose
from perfgate.profile.visible import VARIABLES, visible_gpus, visible_npus
from perfgate.report.doctor import Check, Diagnosis

_MOMENT_S = 1.0
_TOKENS = ("GITHUB_TOKEN", "INPUT_GITHUB-TOKEN", "INPUT_GITHUB_TOKEN")


def _ask_github(event: Event, token: str) -> TokenRights:
    # PyGithub is imported where there is a token to ask about alone.
    from perfgate.github.client import GitHubComments  # noqa: PLC0415

    with GitHubComments(
        token=token, repository=event.repository or "", api_url=event.api_url
    ) as api:
        rights, scopes = api.rights()
    return TokenRights(rights=rights, scopes=scopes)


def _own_process(pid: int) -> Process:
    return whose(pid, pids_of_host=sees_pids_of_host())


@dataclass(frozen=True, kw_only=True)
class Examination:
    """What is asked, and the means to find it out: files below ``root``, drivers, processes."""

    start: Path
    suite: str
    device: Choice
    environ: Mapping[str, str] = field(repr=False)
    folders: tuple[Path, ...]
    root: Path = Path("/")
    nvml: Nvml | None = None
    ask_npu: Callable[[], str] = ask_npu_smi
    run: Callable[..., Finished] = process.run
    sleep: Callable[[float], None] = time.sleep
    whose: Callable[[int], Process] = _own_process
    ask_github: Callable[[Event, str], TokenRights] = _ask_github


def diagnose(examination: Examination) -> tuple[Diagnosis, ExitCode]:
    """Every row, and exit code 3 where one of them makes measuring pointless."""
    facts = look_at_machine(examination)
    environ = examination.environ
    project, suite = look_at_project(examination.start, examination.suite, environ=environ)
    index = examination.device.index
    checks = (
        *machine_checks(facts),
        torch_check(
            facts.kind if index is None else f"{facts.kind}:{index}",
            suite,
            environ=environ,
            run=examination.run,
            folder=examination.start,
        ),
        *project,
        _token(examination),
        disk_check(examination.folders),
    )
    fit = all(check.state != "bad" for check in checks)
    diagnosis = Diagnosis(
        perfgate=__version__,
        device=facts.kind,
        hardware_key=_hardware_key(examination, facts),
        fit=fit,
        checks=checks,
    )
    return diagnosis, ExitCode.OK if fit else ExitCode.DEVICE


def look_at_machine(examination: Examination) -> MachineFacts:
    """Read device and host, and the host's counters a moment apart."""
    environ, root = examination.environ, examination.root
    before = read_host_sample(root=root)
    examination.sleep(_MOMENT_S)
    # Before anything of ours works: reading a driver is work on the host too.
    after = read_host_sample(root=root)
    nvidia = read_nvidia(examination.nvml)
    ascend = read_ascend(environ, root=root, ask=examination.ask_npu)
    accelerators = read_accelerators(root=root)
    kind, indices, absent = _find(examination)
    facts = MachineFacts(
        choice=examination.device,
        kind=kind,
        indices=indices,
        host=read_host(environ, root=root),
        accelerators=accelerators,
        nvidia=nvidia,
        ascend=ascend,
        hidden_by=_hidden_by(environ, nvidia, len(ascend.npus) or accelerators.ascend_files),
        absent=absent,
        before=before,
        after=after,
    )
    return replace(facts, processes=_processes(facts, examination.whose))


def _find(examination: Examination) -> tuple[DeviceKind, tuple[int, ...], DeviceError | None]:
    """The kind that is measured on, the devices of it that may be used, and why there are none."""
    choice = examination.device
    find = partial(
        find_devices,
        environ=examination.environ,
        root=examination.root,
        nvml=examination.nvml,
        ask_npu=examination.ask_npu,
    )
    try:
        found = find(choice)
    except DeviceError as error:
        if choice.kind == "auto":
            raise  # it falls back to the CPU, which is always there
        if choice.index is None:
            return choice.kind, (), error
        # Where the index is wrong, the others are looked at.
        _, others, _ = _find(replace(examination, device=Choice(kind=choice.kind)))
        return choice.kind, others, error
    if found.kind == "cpu":
        return "cpu", (), None
    return found.kind, tuple(device.index for device in found.usable), None


def _hidden_by(environ: Mapping[str, str], nvidia: NvidiaFacts, npu_count: int) -> str:
    """The variable that shows this process none of the devices that are there."""
    if nvidia.gpus and not visible_gpus(environ, nvidia.gpus) and VARIABLES["cuda"] in environ:
        return VARIABLES["cuda"]
    if npu_count and not visible_npus(environ, npu_count):
        return VARIABLES["npu"]
    return ""


def _processes(
    facts: MachineFacts, whose_is: Callable[[int], Process]
) -> tuple[Process, ...] | None:
    listed = [device.processes for device in (facts.gpus if facts.kind == "cuda" else facts.npus)]
    pids = {pid for one in listed if one is not None for pid in one}
    if None in listed and not pids:
        return None
    return tuple(whose_is(pid) for pid in sorted(pids))


def _hardware_key(examination: Examination, facts: MachineFacts) -> str:
    if facts.absent is not None:
        return ""
    return fingerprint_of(
        facts.kind,
        visible=facts.indices,
        environ=examination.environ,
        root=examination.root,
        nvml=examination.nvml,
        ask_npu=examination.ask_npu,
    ).hardware_key


def _token(examination: Examination) -> Check:
    environ = examination.environ
    try:
        event = read_event(environ, lambda path: Path(path).read_text(encoding="utf-8"))
    except PerfgateError as error:
        return Check(name="token", state="warning", seen=error.problem, fix=error.fix)
    token = next((environ[name] for name in _TOKENS if environ.get(name)), "")
    return token_check(event, token, ask=examination.ask_github)
