"""One launch: start the backend's process, wait, read its report, and keep why if it failed.

:func:`collect` reads what a launch left, however its process came to serve it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from perfgate.backends.backend import Backend, SideContext
from perfgate.backends.outputs import OutputFiles, Stamp, read_outputs, stamps
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
    report = report_of(place, scratch)
    invocation = backend.invocation(case, context, report=report)
    before = stamps(case.outputs, context.path)
    done = run(invocation.command, cwd=context.path, env=invocation.env, timeout_s=place.timeout_s)
    why = None if done.ok else f"the benchmark {done.told(timeout_s=place.timeout_s)}"
    made = collect(backend, context, place, report=report, before=before, failure=why)
    log_tail = "" if made.ok else done.log_tail
    return made.model_copy(update={"duration_s": done.duration_s, "log_tail": log_tail})


def report_of(place: LaunchPlace, scratch: Path) -> Path:
    """Where the launch has to leave its report."""
    return scratch / f"report-{place.order:04d}.json"


def collect(
    backend: Backend,
    context: SideContext,
    place: LaunchPlace,
    *,
    report: Path,
    before: Mapping[str, Stamp | None],
    failure: str | None,
) -> Launch:
    """Read and remove what a launch left; ``failure`` is why there is nothing to read.

    The launch has no duration and no log yet. Raises ConfigurationError as :func:`launch` does.
    """
    reports: tuple[Report, ...] = ()
    outputs = OutputFiles()
    try:
        if failure is None:
            reports = read_reports(report)
            outputs = read_outputs(before, context.path)
    except ReportError as error:
        failure = str(error)
    finally:
        if report.is_dir() and not report.is_symlink():
            shutil.rmtree(report)
        report.unlink(missing_ok=True)
    imported = imported_files(reports)
    if failure is None:
        _check_imports(imported, backend.must_import(context), side=place.side)
    return Launch(
        side=place.side,
        pair=place.pair,
        order=place.order,
        started_at=place.started_at,
        duration_s=0.0,
        reports=() if failure else reports,
        imported=imported,
        output_files=dict(outputs.hashes),
        outputs=outputs.summaries,
        undecoded=dict(outputs.undecoded),
        failure=failure,
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
