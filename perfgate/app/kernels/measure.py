"""Lists kernels, and measures them a shape at a time, each in a process of its own. Judges nothing.

A shape that kills its process takes no other with it, and torch's compiler begins afresh for each.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from perfgate import __version__
from perfgate.app.kernels.choosing import Job, Wanted, jobs_of
from perfgate.app.measuring.edges import Edges
from perfgate.app.measuring.machine import Held
from perfgate.backends.failures import one_line
from perfgate.backends.kernel import OWN_START, kernel_process
from perfgate.backends.reports import MAX_REPORT_BYTES
from perfgate.errors import BenchmarkError, DeviceError
from perfgate.process import Finished
from perfgate.records import Conditions, Side, Value, first_problem
from perfgate.records.kernels import Cache, KernelListing, KernelResults, KernelTable, ListedKernel
from perfgate.sides.checkout import side_environment

_LIST_TIMEOUT_S = 300.0
_LOG_LINES = 6
_MOST_CHARS = 600
_Document = TypeVar("_Document", bound=Value)


@dataclass(frozen=True, kw_only=True)
class KernelsRequest:
    """What is to be measured and how long to look; ``timeout_s`` is for one table.

    ``folder`` is where processes start, ``files`` are kernel files beside perfgate's own kernels.
    """

    folder: Path
    files: tuple[Path, ...] = ()
    wanted: Wanted = field(default_factory=Wanted)
    cache: Cache = "warm"
    threads: int = 1
    rounds: int = 15
    timeout_s: float = 1800.0


class _Listed(Value):
    kernels: tuple[ListedKernel, ...]
    problems: tuple[str, ...] = ()


class _Compared(Value):
    table: KernelTable
    build: str = ""


def list_kernels(files: Sequence[Path], folder: Path, edges: Edges) -> KernelListing:
    """What perfgate's own kernels and the ``files`` declare; files that cannot be read are named.

    Raises BenchmarkError where the process that imports them ends badly.
    """
    report = edges.scratch / "kernels.json"
    arguments = ("list", *(part for file in files for part in ("--file", str(file))))
    invocation = kernel_process(
        Path(sys.executable),
        OWN_START,
        arguments,
        env=_environment(folder, edges),
        threads=1,
        report=report,
    )
    done = edges.run(invocation.command, cwd=folder, env=invocation.env, timeout_s=_LIST_TIMEOUT_S)
    if not done.ok:
        raise BenchmarkError(
            f"the kernels could not be listed: the process {_end_of(done, _LIST_TIMEOUT_S)}",
            fix="Leave out --file to see whether a kernel file is the cause.",
        )
    listed = _read(report, _Listed)
    if isinstance(listed, str):
        raise BenchmarkError(f"the kernels could not be listed: {listed}", fix="Report this.")
    return KernelListing(
        perfgate=__version__, kernels=listed.kernels, problems=tuple(map(one_line, listed.problems))
    )


def measure_kernels(request: KernelsRequest, edges: Edges) -> KernelResults:
    """Measure every table that is asked for; what cannot be measured says why in its place.

    Raises ConfigurationError for names that are nowhere, DeviceError where the device is missing or
    does not come free.
    """
    listing = list_kernels(request.files, request.folder, edges)
    jobs = jobs_of(listing, request.wanted)
    tables: list[KernelTable] = []
    builds: list[str] = []
    problems = list(listing.problems)
    interrupted = None
    with edges.machine.hold(1) as held:
        fingerprint = held.fingerprint()
        try:
            started = _clock(edges)
            for number, job in enumerate(jobs, start=1):
                place = {"number": number, "of": len(jobs)}
                edges.progress.part_started(f"{job.kernel.name} {job.shape}", **place)
                compared = _compared(job, number, request, edges, held)
                tables.append(compared.table)
                builds += [compared.build] if compared.build else []
                spent_s = (_clock(edges) - started).total_seconds()
                left_s = spent_s / number * (len(jobs) - number)
                edges.progress.part_ended(_told(compared.table), **place, left_s=left_s)
        except KeyboardInterrupt as signal:
            interrupted = str(signal) or "SIGINT"
        except DeviceError as error:
            if not tables:
                raise
            problems.append(f"the device was taken: {error.problem}")
    return KernelResults(
        perfgate=__version__,
        measured_at=_clock(edges),
        device=edges.machine.kind,
        hardware_key=fingerprint.hardware_key,
        build=next(iter(builds), ""),
        threads=request.threads,
        tables=tuple(tables),
        problems=tuple(problems),
        interrupted=interrupted,
    )


def _compared(
    job: Job, number: int, request: KernelsRequest, edges: Edges, held: Held
) -> _Compared:
    """One table from a fresh process, on the held device, with what the machine was doing."""
    report = edges.scratch / f"kernel-{number:04d}.json"
    arguments = (
        *("compare", "--kernel", job.kernel.name, "--shape", job.shape),
        *(part for name in job.variants for part in ("--variant", name)),
        *("--device", held.machine.kind, "--cache", request.cache),
        *("--threads", str(request.threads), "--rounds", str(request.rounds)),
        *(("--file", job.kernel.file) if job.kernel.file else ()),
    )
    invocation = kernel_process(
        Path(sys.executable),
        OWN_START,
        arguments,
        env={**_environment(request.folder, edges), **held.environment(1)},
        threads=request.threads,
        report=report,
    )
    held.wait_until_alone()
    with held.sampler() as sampler:
        done = edges.run(
            invocation.command,
            cwd=request.folder,
            env=invocation.env,
            timeout_s=request.timeout_s,
        )
    found = (
        _read(report, _Compared) if done.ok else f"its process {_end_of(done, request.timeout_s)}"
    )
    report.unlink(missing_ok=True)
    if isinstance(found, str):
        found = _Compared(
            table=KernelTable(
                kernel=job.kernel.name, shape=job.shape, cache=request.cache, failure=found
            )
        )
    return found.model_copy(update={"table": _within(found.table, sampler.conditions())})


def _clock(edges: Edges) -> datetime:
    return datetime.fromisoformat(edges.now())


def _environment(folder: Path, edges: Edges) -> dict[str, str]:
    """As a gate's processes have it: a kernel file may be a pull request's, and needs no token."""
    return side_environment(
        edges.environ, side=Side.HEAD, path=folder, python=Path(sys.executable), own_env=None
    )


def _within(table: KernelTable, conditions: Conditions) -> KernelTable:
    warnings = (*table.warnings, *conditions.warnings)
    return table.model_copy(update={"unfit": conditions.unfit, "warnings": warnings})


def _told(table: KernelTable) -> str:
    """One line of progress."""
    rows = table.variants
    why = table.failure or table.skipped
    timed = f"{sum(one.times is not None for one in rows)} of {len(rows)} variants timed"
    return f"{table.kernel} {table.shape}: {why or timed}"


def _read(path: Path, kind: type[_Document]) -> _Document | str:
    """The document, or what is wrong with it: it may come from code of a pull request."""
    try:
        if path.stat().st_size > MAX_REPORT_BYTES:
            return f"its report is larger than {MAX_REPORT_BYTES} bytes"
        return kind.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return "it left no report"
    except ValidationError as error:
        return one_line(f"its report is damaged at {first_problem(error)}", most_chars=_MOST_CHARS)


def _end_of(done: Finished, timeout_s: float) -> str:
    """How a process ended, and the end of what it said."""
    lines = [line for line in done.log_tail.splitlines() if line.strip()][-_LOG_LINES:]
    said = one_line(" ".join(lines), most_chars=_MOST_CHARS)
    told = done.told(timeout_s=timeout_s)
    return f"{told}: {said}" if said else told
