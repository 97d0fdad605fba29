"""Takes a project's first calibration and baseline: one run gives both. Decides no verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from perfgate.app.calibrate import Calibrated, CalibrateRequest, calibrate
from perfgate.app.keeping.keep import Request, Update, keep, who_asks
from perfgate.app.measuring.edges import Edges
from perfgate.app.outputs import write_record
from perfgate.app.starting.start import Plan
from perfgate.records import CaseRecord, Side
from perfgate.verdict.against_baseline import USUAL_LAUNCHES
from perfgate.verdict.likelihood import MIN_HISTORY
from perfgate.verdict.metrics import is_usable

PAIRS: Final = MIN_HISTORY
"""The fewest that tell a gate the machine's noise."""
_BUDGET_S: Final = 600.0


@dataclass(frozen=True, kw_only=True)
class FirstFigures:
    """What was measured; ``baseline`` is None where no case left enough launches for one."""

    calibrated: Calibrated
    baseline: Update | None

    @property
    def written(self) -> tuple[str, ...]:
        """Paths below the repository."""
        found = self.calibrated.written
        return (*(() if found is None else (str(found),)), *(self.baseline or _NONE).texts)


_NONE: Final = Update(texts={}, changes=())


def why_not(plan: Plan, environ: Mapping[str, str]) -> str:
    """Why nothing can be measured yet, in words; empty where it can."""
    reasons = {
        "the suite names no folder for baselines": plan.suite.state_folder is None,
        "its cases may want another machine than this one": plan.is_of_other_files,
        "the benchmark is still to be written": plan.is_without_benchmark,
        "there is no commit yet, and figures belong to one": not plan.found.has_commit,
        "a pull request's own figures are not kept": _is_pull_request(environ),
        f"there are figures of {plan.found.hardware_key} already": has_figures(plan),
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


def _is_pull_request(environ: Mapping[str, str]) -> bool:
    return environ.get("GITHUB_EVENT_NAME", "").startswith("pull_request")


def has_figures(plan: Plan) -> bool:
    """Whether baselines or a calibration of this kind of machine are kept."""
    folder = plan.git.root / (plan.suite.state_folder or "") / plan.found.hardware_key
    return plan.suite.state_folder is not None and any(folder.glob("*.json"))


def take(plan: Plan, edges: Edges, *, start: Path, folder: Path) -> FirstFigures:
    """Launch every case against itself for at most ten device minutes, and keep what was measured.

    The record is left in ``folder``. Raises as `perfgate calibrate` and `perfgate baseline update`
    do; what was written before that stays.
    """
    request = CalibrateRequest(
        start=start, suite=plan.request.suite, pairs=PAIRS, budget_s=_BUDGET_S
    )
    calibrated = calibrate(request, edges)
    record = write_record(folder, calibrated.record)
    enough = [case.id for case in calibrated.record.cases if _is_enough(case)]
    if not enough or calibrated.written is None:
        return FirstFigures(calibrated=calibrated, baseline=None)
    kept = keep(
        start,
        edges.environ,
        suite=plan.request.suite,
        records=[record],
        only=enough,
        request=Request(reason="first baseline", asked_by=who_asks(start, edges.environ)),
    )
    return FirstFigures(calibrated=calibrated, baseline=kept)


def _is_enough(case: CaseRecord) -> bool:
    heads = [one for one in case.launches if one.side is Side.HEAD and one.pair is not None]
    return not case.resident and len(heads) >= USUAL_LAUNCHES and all(map(is_usable, heads))
