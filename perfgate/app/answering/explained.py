"""`/perfgate explain`: the evidence of one case, from what the newest finished run measured.

Runs nothing: the run's artifact is read as a stranger's, its record judged anew by the base's rules
as the publish job does, and the pairs replayed.
"""

from __future__ import annotations

from collections.abc import Sequence

from perfgate.app.answering.scene import WORKFLOWS, Said, Scene, no
from perfgate.app.publishing.finished_run import Judged, judge_run
from perfgate.errors import ConfigurationError
from perfgate.github.commands import Explain
from perfgate.github.event import FinishedRun
from perfgate.github.hearing import ENDED, WorkflowRun, measuring, runs_of
from perfgate.github.runs import ProposedChange
from perfgate.report.escape import escape_markdown
from perfgate.report.evidence import MOST_METRICS, evidence_text
from perfgate.report.sentences import short
from perfgate.report.state import safe_url
from perfgate.verdict.explain import CaseEvidence, evidence_of

_MOST_NAMES = 30


def explain(scene: Scene, command: Explain) -> Said:
    """The evidence, or what there is no telling from; raises GitHubError."""
    change = scene.change()
    run = _newest(scene, change)
    if run is None:
        return no(
            f"No run of {WORKFLOWS}/{escape_markdown(scene.place.workflow)} that a push of "
            f"`{short(change.head_sha)}` started has ended: there is nothing to explain yet."
        )
    url = safe_url(run.url)
    where = f"[its run]({url})" if url else "its run"
    found = judge_run(
        _as_finished(run, change),
        scene.api,
        repository=scene.place.repository,
        suites=(scene.place.suite,),
        today=scene.place.today,
    )
    known = [case.id for one in found.judged for case in one.decision.cases]
    if command.case not in known:
        why = "; ".join((*found.refused, *found.notes, *_problems(found.judged)))
        named = ", ".join(escape_markdown(name) for name in known[:_MOST_NAMES])
        has = f" It has: {named}." if named else ""
        return no(
            f"Nothing about **{escape_markdown(command.case)}** can be told from {where} of "
            f"`{short(change.head_sha)}`.{has} {escape_markdown(why, limit=600)}".rstrip()
        )
    told = [_told(one, command.case) for one in found.judged]
    fork = any(one.decision.measured_by_fork for one in found.judged)
    whose = ", measured by the fork's own code" if fork else ""
    opening = f"From {where} of `{short(change.head_sha)}`{whose}, judged by the base's rules:"
    return Said(text="\n\n".join((opening, *filter(None, told))))


def _newest(scene: Scene, change: ProposedChange) -> WorkflowRun | None:
    workflow = f"{WORKFLOWS}/{scene.place.workflow}"
    runs = runs_of(change, scene.api.runs_from(change.head_ref))
    of_head = measuring(change, runs, workflow=workflow)
    return next((one for one in of_head if one.status == ENDED), None)


def _as_finished(run: WorkflowRun, change: ProposedChange) -> FinishedRun:
    return FinishedRun(
        id=run.id,
        attempt=1,
        event="pull_request",
        conclusion=run.conclusion or None,
        head_sha=run.head_sha,
        head_branch=run.head_branch,
        head_owner=change.head_repository.partition("/")[0],
        head_repository=run.head_repository,
    )


def _problems(judged: Sequence[Judged]) -> list[str]:
    return [one.decision.problem.problem for one in judged if one.decision.problem is not None]


def _told(judged: Judged, name: str) -> str:
    case = next((one for one in judged.decision.cases if one.id == name), None)
    return "" if case is None else evidence_text(case, _evidence(judged, name))


def _evidence(judged: Judged, name: str) -> CaseEvidence | None:
    if judged.record is None:
        return None
    try:
        # Of all cases: what one needs to be called slower depends on how many there are.
        found = evidence_of(judged.record, judged.decision, most_metrics=MOST_METRICS)
    except (ArithmeticError, ValueError) as error:
        # A stranger's job wrote these numbers.
        raise ConfigurationError(
            f"the pairs cannot be replayed ({type(error).__name__})", fix="Measure again."
        ) from error
    return next((one for one in found if one.id == name), None)
