"""One launch: start the backend's process, wait, read its report, and keep why if it failed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from perfgate.backends.backend import Backend, SideContext
from perfgate.backends.reports import ReportError, imported_files, read_reports
from perfgate.errors import ConfigurationError
from perfgate.process import Finished
from perfgate.records import Launch, Report, Side
from perfgate.suite import Case

Run = Callable[..., Finished]


@dataclass(frozen=True, kw_only=True)
class LaunchPlace:
    """Where a launch stands in the job, and how long it may take."""

    side: Side
    pair: int | None
    order: int
    started_at: str
    timeout_s: float


def launch(
    case: Case,
    *,
    backend: Backend,
    context: SideContext,
    place: LaunchPlace,
    scratch: Path,
    run: Run,
) -> Launch:
    """Run one fresh process of ``case`` and return what it measured.

    A process that dies, hangs, or leaves no valid report becomes a failed Launch with its reason
    and the end of its log. Raises ConfigurationError when the process proves to have run another
    tree's code: that is no measurement of this side at all.
    """
    report_path = scratch / f"report-{place.order:04d}.json"
    invocation = backend.invocation(case, context, report=report_path)
    before = {name: _stamp(context.path / name) for name in case.outputs}
    done = run(invocation.command, cwd=context.path, env=invocation.env, timeout_s=place.timeout_s)
    reports: tuple[Report, ...] = ()
    files: dict[str, str] = {}
    failure = None
    try:
        if not done.ok:
            raise ReportError(f"the benchmark {done.told(timeout_s=place.timeout_s)}")
        reports = read_reports(report_path)
        files = _output_files(case, context.path, before)
    except ReportError as error:
        failure = str(error)
    finally:
        report_path.unlink(missing_ok=True)
    imported = imported_files(reports)
    if failure is None:
        _check_imports(imported, backend.must_import(context), side=place.side)
    return Launch(
        side=place.side,
        pair=place.pair,
        order=place.order,
        started_at=place.started_at,
        duration_s=done.duration_s,
        reports=() if failure else reports,
        imported=imported,
        output_files=files,
        failure=failure,
        log_tail=done.log_tail if failure else "",
    )


def _check_imports(
    imported: Mapping[str, str], expected: Mapping[str, Path], *, side: Side
) -> None:
    for module, folder in expected.items():
        said = imported.get(module)
        if said is None or not Path(os.path.realpath(said)).is_relative_to(
            os.path.realpath(folder)
        ):
            raise ConfigurationError(
                f"the {side.value} launch ran {module} from {said or 'an unknown place'}, "
                f"not from its own tree {folder}",
                fix="Keep PYTHONPATH out of the case's env, and let perfgate make the trees.",
            )


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ino


def _output_files(
    case: Case, tree: Path, before: Mapping[str, tuple[int, int] | None]
) -> dict[str, str]:
    """SHA-256 of each of the case's outputs, each freshly written by this launch."""
    hashes = {}
    for name in case.outputs:
        path = tree / name
        stamp = _stamp(path)
        if stamp is None or not path.is_file():
            raise ReportError(f"the output {name} was not written")
        if stamp == before[name]:
            raise ReportError(f"the output {name} is an older file: this launch did not write it")
        with path.open("rb") as stream:
            hashes[name] = hashlib.file_digest(stream, "sha256").hexdigest()
    return hashes
