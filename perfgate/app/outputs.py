"""Writes the finished folder, ``perfgate-out/``: what was measured, what was decided, its texts.

That of a comparison of frameworks is written in :mod:`perfgate.app.compete.outputs`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeAlias

from perfgate import __version__
from perfgate.app.explain.stored import EXPLANATION, TRACES
from perfgate.errors import ConfigurationError, PerfgateError
from perfgate.files import write_atomically
from perfgate.records import Decision, Problem, Record, Verdict, to_json
from perfgate.records.explained import Explanation
from perfgate.report.charts import CaseChart, charts
from perfgate.report.comment import render_comment
from perfgate.report.draw import Picture, draw_chart
from perfgate.report.junit import render_junit
from perfgate.report.panels import Spec
from perfgate.report.pictures import CHARTS, Charts
from perfgate.report.summary import render_summary

RECORD = "record.json"
DECISION = "decision.json"
COMMENT = "comment.md"
SUMMARY = "summary.md"
JUNIT = "junit.xml"
RESULTS = "results.json"
COMPARISON = "comparison-results.json"
"""The results in the format of sglang's nightly comparison."""

Draw: TypeAlias = Callable[[Spec], Picture]


def keep_out_of_git(folder: Path) -> None:
    """Make the folder, ignoring itself in git; ConfigurationError where it cannot be written."""
    try:
        write_atomically(folder / ".gitignore", "*\n")
    except OSError as error:
        raise _unwritable(folder, error) from error


def prepare_folder(folder: Path) -> None:
    """Make the folder before anything is measured; ConfigurationError where it cannot be written.

    Results of an earlier job go, so that they are never taken for this one's. The folder ignores
    itself in git: it must not make a tree dirty.
    """
    keep_out_of_git(folder)
    made = (RECORD, DECISION, COMMENT, SUMMARY, JUNIT, RESULTS, COMPARISON, EXPLANATION)
    try:
        for name in made:
            (folder / name).unlink(missing_ok=True)
        for kind in ("*.svg", "*.png"):
            for path in (folder / CHARTS).glob(kind):
                path.unlink(missing_ok=True)
        for path in (folder / TRACES).glob("*/*.json.gz"):
            path.unlink(missing_ok=True)
    except OSError as error:
        raise _unwritable(folder, error) from error


def _unwritable(folder: Path, error: OSError) -> ConfigurationError:
    return ConfigurationError(
        f"results cannot be written to {folder}: {error.strerror}",
        fix="Give a folder that can be written with --output-dir.",
    )


def write_folder(
    folder: Path,
    decision: Decision,
    record: Record | None,
    *,
    draw: Draw = draw_chart,
) -> None:
    """Write every file of the folder; the raw record first, since it cannot be made again.

    The summary comes last, with the charts that it shows: whatever goes wrong with a picture, the
    verdict stands beside it.
    """
    if record is not None:
        write_record(folder, record)
    write_decision(folder, decision, charts(record, decision) if record else (), draw=draw)


def write_decision(
    folder: Path, decision: Decision, pictures: Iterable[CaseChart], *, draw: Draw = draw_chart
) -> None:
    """Write what was decided, with ``pictures`` of cases; the summary, which shows them, last."""
    write_atomically(folder / DECISION, to_json(decision))
    write_atomically(folder / COMMENT, render_comment(decision))
    write_atomically(folder / JUNIT, render_junit(decision))
    drawn = _write_charts(folder, pictures, draw)
    write_atomically(folder / SUMMARY, render_summary(decision, charts=drawn))


def _write_charts(folder: Path, pictures: Iterable[CaseChart], draw: Draw) -> Charts:
    """Draw the cases; a chart that cannot be drawn is a note in the summary and costs nothing."""
    names: dict[str, str] = {}
    notes: list[str] = []
    for chart in pictures:
        try:
            picture = draw(chart.spec)
        except ConfigurationError as error:
            return Charts(notes=(f"{error.problem}; {error.fix}",))
        except ValueError as error:
            notes.append(f"{chart.case_id} has no chart: {error}")
            continue
        write_atomically(folder / CHARTS / f"{chart.name}.svg", picture.svg)
        write_atomically(folder / CHARTS / f"{chart.name}.png", picture.png)
        names[chart.case_id] = chart.name
    return Charts(names=names, notes=tuple(notes), beside=True)


def write_record(folder: Path, record: Record) -> Path:
    """Write the raw record alone; returns its path."""
    path = folder / RECORD
    write_atomically(path, to_json(record))
    return path


def explain_in_comment(folder: Path, decision: Decision, explanation: Explanation) -> None:
    """Write the folder's comment anew, with why cases are slower."""
    write_atomically(folder / COMMENT, render_comment(decision, explanation=explanation))


def write_problem(folder: Path, error: PerfgateError, *, suite: str) -> None:
    """Write the folder of a job that ended before it could decide, so that it can be published."""
    prepare_folder(folder)
    decision = Decision(
        perfgate=__version__,
        suite=suite,
        conclusion="failure",
        verdict=Verdict.FAILED,
        exit_code=error.exit_code,
        strategy="none",
        hardware_key="unknown",
        problem=Problem(problem=error.problem, fix=error.fix, exit_code=error.exit_code),
    )
    write_folder(folder, decision, None)
