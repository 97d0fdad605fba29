"""`/perfgate rerun`: starts what measures, and never checks out or runs anything itself.

Only the commit is measured that the pull request had when the command was written, so that nobody
can put other code in the place of what its author looked at.
"""

from __future__ import annotations

from collections.abc import Sequence

from perfgate.app.answering.scene import WORKFLOWS, Said, Scene, no
from perfgate.errors import PublishError
from perfgate.github.commands import Rerun
from perfgate.github.hearing import ENDED, WorkflowRun, head_before, measuring, runs_of
from perfgate.github.problems import GitHubError
from perfgate.github.runs import ProposedChange
from perfgate.report.escape import escape_markdown
from perfgate.report.sentences import short
from perfgate.report.state import safe_url

_UNAPPROVED = "action_required"


def rerun(scene: Scene, command: Rerun) -> Said:
    """Start the measuring; raises GitHubError. Asked again for one comment it starts no second."""
    cases = command.cases
    change = scene.change()
    runs = runs_of(change, scene.api.runs_from(change.head_ref))
    refusal = _refusal(scene, change, runs)
    if refusal is not None:
        return refusal
    if change.head_repository.lower() == scene.place.repository.lower():
        return _dispatch(scene, change, runs, cases)
    return _run_again(scene, change, runs, whole="the cases of a fork's run" if cases else "")


def _refusal(scene: Scene, change: ProposedChange, runs: Sequence[WorkflowRun]) -> Said | None:
    head = f"`{short(change.head_sha)}`"
    if not change.is_open:
        return no("This pull request is closed: nothing of it is measured.")
    if not change.head_repository:
        return no("The repository that this pull request comes from is gone.")
    written = scene.comment.created_at
    known = head_before(runs, written) if written is not None else None
    if known is None:
        return no(
            f"No workflow run on `pull_request` says since when {head} is the head of this pull "
            "request, so that it may be newer than your comment. Look at the commit; once a "
            "workflow has run for it, write the command again."
        )
    if known != change.head_sha:
        return no(
            f"The pull request was at `{short(known)}` when this was written, and is at {head} "
            "now. Look at what is new, and write the command again."
        )
    return None


def _dispatch(
    scene: Scene, change: ProposedChange, runs: Sequence[WorkflowRun], cases: Sequence[str]
) -> Said:
    place, api = scene.place, scene.api
    request = str(scene.comment.id)
    try:
        started = any(
            one.title.endswith(f"comment {request}") for one in api.runs_by_hand(place.workflow)
        )
        if not started:
            inputs = {
                "cases": ",".join(cases),
                "pull-request": str(change.number),
                "head": change.head_sha,
                "base": change.base_ref,
                "labels": "\n".join(change.labels),
                "request": request,
            }
            api.dispatch(place.workflow, ref=scene.base, inputs=inputs)
    except GitHubError as error:
        if error.status not in (404, 422):
            raise
        if error.status == 422 and "'workflow_dispatch' trigger" in error.problem:
            whole = "without `workflow_dispatch` in that workflow cases" if cases else ""
            return _run_again(scene, change, runs, whole=whole)
        raise PublishError(
            f"{WORKFLOWS}/{place.workflow} on {scene.base} cannot be started: {error.problem}",
            fix="Let it have `workflow_dispatch` with the inputs that perfgate's "
            "docs/commands.md shows, or name another file with PERFGATE_WORKFLOW.",
        ) from error
    url = safe_url(f"{place.url}/actions/workflows/{place.workflow}")
    where = f" in [{escape_markdown(place.workflow)}]({url})" if url else ""
    return Said(text=f"Measures {_named(cases)} of `{short(change.head_sha)}` again{where}.")


def _run_again(
    scene: Scene, change: ProposedChange, runs: Sequence[WorkflowRun], *, whole: str
) -> Said:
    """A fork's code is measured with no rights in its own run alone: that one is run again.

    ``whole`` says what cannot be chosen there, empty where nobody asked to.
    """
    workflow = f"{WORKFLOWS}/{scene.place.workflow}"
    head = f"`{short(change.head_sha)}`"
    own = measuring(change, runs, workflow=workflow)
    if not own:
        return no(f"There is no run of {escape_markdown(workflow)} for {head} to run again.")
    newest = own[0]
    url = safe_url(newest.url)
    where = f"[the measuring run]({url})" if url else "the measuring run"
    if newest.conclusion == _UNAPPROVED:
        return no(f"Nobody has approved {where} of {head} yet: that is done on its page.")
    if newest.status == ENDED:
        scene.api.run_again(newest)
    more = f" All of it: {whole} cannot be chosen." if whole else ""
    return Said(text=f"Measures {head} again in {where}.{more}")


def _named(cases: Sequence[str]) -> str:
    shown = ", ".join(f"**{escape_markdown(case)}**" for case in cases[:10])
    return f"{shown} and {len(cases) - 10} more" if len(cases) > 10 else shown or "every case"
