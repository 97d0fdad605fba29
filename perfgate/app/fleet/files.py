"""The files of a fleet: the plan that its jobs share, and the folder of what was joined."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from perfgate.app.outputs import Draw, keep_out_of_git, prepare_folder, write_decision
from perfgate.errors import ConfigurationError
from perfgate.files import write_atomically
from perfgate.records import Decision, FleetPlan, Record, parse_plan, to_json
from perfgate.report.charts import CaseChart, charts
from perfgate.report.draw import draw_chart
from perfgate.report.order import ordered_cases, plainly_unchanged

PLAN = "plan.json"
RECORDS = "records"
MOST_CHARTS = 12
"""Pictures of a joined decision, of the worst cases: each takes a quarter of a second to draw."""


def read_plan(path: Path) -> FleetPlan:
    """The plan in a file; ConfigurationError for anything else."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"the plan {path} cannot be read: {error}",
            fix="Give the plan.json that `perfgate plan` wrote.",
        ) from error
    return parse_plan(text, source=str(path))


def write_plan(folder: Path, plan: FleetPlan) -> Path:
    """Write the plan into a folder that git ignores; returns its path."""
    keep_out_of_git(folder)
    path = folder / PLAN
    write_atomically(path, to_json(plan))
    return path


def matrix_of(plan: FleetPlan) -> str:
    """The plan as a workflow's matrix, for ``fromJSON``: a job a shard."""
    jobs = [{"shard": shard.name, "runner": list(shard.runs_on)} for shard in plan.shards]
    return json.dumps({"include": jobs}, separators=(",", ":"))


def prepare_joined(folder: Path) -> None:
    """Make the folder of a joined decision; records of an earlier one go."""
    prepare_folder(folder)
    shutil.rmtree(folder / RECORDS, ignore_errors=True)


def write_joined(
    folder: Path,
    decision: Decision,
    records: Mapping[str, Record],
    texts: Mapping[str, str],
    *,
    draw: Draw = draw_chart,
) -> None:
    """Write the folder: each shard's record as it arrived, then what was decided of them all."""
    for shard, text in texts.items():
        write_atomically(folder / RECORDS / f"{shard}.json", text)
    write_decision(folder, decision, _pictures(decision, records), draw=draw)


def _pictures(decision: Decision, records: Mapping[str, Record]) -> Iterator[CaseChart]:
    """Charts of the worst cases, each from its own record."""
    shown = [case for case in ordered_cases(decision) if not plainly_unchanged(case)]
    worst = {case.id: case for case in shown[:MOST_CHARTS]}
    for record in records.values():
        here = tuple(worst[case.id] for case in record.cases if case.id in worst)
        if here:
            told = {"cases": here, "hardware_key": record.fingerprint.hardware_key}
            yield from charts(record, decision.model_copy(update=told))
