"""Writes what a comparison of frameworks leaves: the results, their texts, the job summary."""

from __future__ import annotations

from pathlib import Path

from perfgate.app.compete.compete import Competed
from perfgate.app.outputs import COMPARISON, JUNIT, RESULTS, SUMMARY
from perfgate.app.publishing.request import append
from perfgate.files import write_atomically
from perfgate.github.workflow import summary
from perfgate.records import to_json
from perfgate.report.competition.junit import render_junit
from perfgate.report.competition.markdown import render_markdown
from perfgate.report.competition.sglang import render_sglang


def write_results(folder: Path, competed: Competed) -> Path:
    """Write every file, the raw results first; returns their path."""
    results = competed.results
    path = folder / RESULTS
    write_atomically(path, to_json(results))
    write_atomically(folder / COMPARISON, render_sglang(results, tasks=competed.tasks))
    write_atomically(folder / SUMMARY, render_markdown(results))
    write_atomically(folder / JUNIT, render_junit(results))
    return path


def add_to_summary(path: Path, competed: Competed) -> None:
    """Append the table to the summary of a GitHub job, as far as that has room. Raises OSError."""
    held = path.stat().st_size if path.exists() else 0
    append(path, summary(render_markdown(competed.results), already_bytes=held))
