"""Made-up results across frameworks, and a made-up machine for jobs that compete.

On that machine what is started is real, the devices are not.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from perfgate import process
from perfgate.app.measuring.devices import Devices, HostDevice
from perfgate.app.measuring.edges import Edges
from perfgate.app.measuring.machine import Machine
from perfgate.app.measuring.progress import Progress
from perfgate.github.event import read_event
from perfgate.process import Finished
from perfgate.profile.fitness import Process
from perfgate.profile.lease import Leases, Note
from perfgate.profile.samples import HostSample
from perfgate.records.results import Cell, Failure, FailureKind, Measured, Results
from tests.factories import HEAD_COMMIT, WHEN, WORKLOAD, a_fingerprint
from tests.measuring import Silent
from tests.repositories import environment


def a_cell(
    framework: str,
    *samples: float,
    launches: Sequence[int] = (),
    case: str = "wan",
    failures: Sequence[Failure] | None = None,
    **metrics: Sequence[float],
) -> Cell:
    """A cell that measured these milliseconds; without any it never became healthy."""
    if failures is None:
        no_answer = Failure(kind=FailureKind.UNHEALTHY, text="no answer in 20 min")
        failures = () if samples else (no_answer,)
    measured = {"e2e": samples, **metrics} if samples else {}
    return Cell(
        case=case,
        framework=framework,
        workload_hash=WORKLOAD,
        workload={"model": "Wan-AI/Wan2.1", "task": "text-to-video"},
        metrics=tuple(
            Measured(name=name, samples=tuple(values)) for name, values in measured.items()
        ),
        launches=tuple(launches),
        failures=tuple(failures),
    )


def some_results(*cells: Cell, **rest: Any) -> Results:
    """What one job measured."""
    return Results(
        **{
            "perfgate": "0.1.0",
            "measured_at": datetime.fromisoformat(WHEN),
            "commit": HEAD_COMMIT,
            "hardware_key": "nvidia-h100-x1",
            "cells": cells,
            **rest,
        }
    )


@contextlib.contextmanager
def _no_devices(indices: Sequence[int]) -> Iterator[Any]:
    yield list


def a_machine(folder: Path) -> Machine:
    """One CPU that nobody else uses and that is always fit."""
    cpu = (HostDevice(kind="cpu", index=0, lease="cpu"),)
    return Machine(
        devices=Devices(kind="cpu", visible=cpu, usable=cpu),
        leases=Leases(
            folder=folder,
            note=Note(pid=1, host="box", user="alice", job="", since="12:03"),
            held={},
            tell=lambda _: None,
            wait=lambda _: None,
            clock=lambda: 0.0,
        ),
        lease_timeout_s=0,
        fingerprint_of=lambda _: a_fingerprint(),
        read_host=lambda: HostSample(at_ns=0, free_memory_mb=4000.0),
        open_devices=_no_devices,
        whose=lambda pid: Process(pid=pid, relation="own", name="python3"),
    )


def edges_in(
    folder: Path,
    *,
    environ: Mapping[str, str] | None = None,
    run: Callable[..., Finished] = process.run,
    progress: Progress | None = None,
) -> Edges:
    """The outside of a job whose scratch, cache and leases lie below ``folder``."""
    for name in ("scratch", "cache", "leases"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    return Edges(
        environ=environment() if environ is None else environ,
        now=lambda: WHEN,
        run=run,
        progress=progress or Silent(),
        scratch=folder / "scratch",
        cache=folder / "cache",
        machine=a_machine(folder / "leases"),
        event=read_event({}, lambda _: ""),
    )
