"""`/perfgate accept` and `/perfgate update-baseline`: put a request into the baseline pull request.

The request is a commit without a file on the proposal's branch, and holds no figure: the next job
on the default branch carries it out with what it measures. Where no such pull request is open, one
is opened as a draft, which takes no figures either. A request is known by its comment, so that the
same steps, from whichever of them a job was cut at, end in one commit and one pull request; whoever
closes the pull request takes its requests back.
"""

from __future__ import annotations

from perfgate.app.answering.scene import Said, Scene, no
from perfgate.app.proposing.pull_request import opened_to_wait, say
from perfgate.app.proposing.standing import Standing, branch_of, read_standing
from perfgate.baselines.ask import MOST_ASKS, Ask, an_ask
from perfgate.baselines.native import Baseline
from perfgate.baselines.proposal import ask_message, proposal_message
from perfgate.baselines.store import load_baselines
from perfgate.errors import ConfigurationError
from perfgate.github.branches import PullRequest
from perfgate.github.commands import Accept, UpdateBaseline
from perfgate.github.comments import ACTIONS_BOT
from perfgate.report.baseline_changes import Told, ask_line, proposal_title
from perfgate.report.escape import escape_markdown
from perfgate.report.state import safe_url
from perfgate.suite import Suite

_MOST_METRICS = 30


def ask_for(scene: Scene, command: Accept | UpdateBaseline) -> Said:
    """Keep the request wherever the case has a baseline; raises GitHubError, and PerfgateError for
    a suite or baselines that cannot be read."""
    suite = scene.suite()
    case = escape_markdown(command.case)
    if command.case not in {one.id for one in suite.cases}:
        named = ", ".join(escape_markdown(one.id) for one in suite.cases[:_MOST_METRICS])
        return no(f"The suite on {escape_markdown(scene.base)} has no case **{case}**: {named}.")
    entries = _entries(scene, suite, command.case)
    if not entries:
        return no(
            f"No baseline of **{case}** is on {escape_markdown(scene.base)}. Jobs there propose "
            "the first one by themselves (`update-baseline: pr`); merge that before."
        )
    if isinstance(command, Accept) and command.metric:
        known = {name for entry in entries.values() for name in entry.derived.metrics}
        if command.metric not in known:
            named = ", ".join(escape_markdown(name) for name in sorted(known)[:_MOST_METRICS])
            return no(f"**{case}** has no such metric; it has: {named}.")
    ask = _ask(scene, command)
    pulls = [_put(scene, suite, key, ask) for key in sorted(entries)]
    named = ", ".join(f"[#{one.number}]({safe_url(one.url)})" for one in pulls)
    return Said(
        text=f"Asked for in {named}. The next job on {escape_markdown(scene.base)} carries it out "
        "with what it measures there, and nothing counts before that pull request is merged."
    )


def _ask(scene: Scene, command: Accept | UpdateBaseline) -> Ask:
    comment, place = scene.comment, scene.place
    rest: dict[str, object] = {}
    if isinstance(command, Accept):
        rest = {
            "metric": command.metric,
            "reason": command.reason,
            "issue": command.issue,
            "expires": command.until,
        }
    return an_ask(
        kind="accept" if isinstance(command, Accept) else "update",
        comment=comment.id,
        url=f"{place.url}/pull/{scene.number}#issuecomment-{comment.id}",
        asked_by=comment.author,
        asked_on=place.today,
        case=command.case,
        **rest,
    )


def _entries(scene: Scene, suite: Suite, case: str) -> dict[str, Baseline]:
    """The case's baseline on each kind of machine that has one, on the default branch."""
    folder = suite.state_folder
    if folder is None:
        raise ConfigurationError(
            f"the suite on {scene.base} names no folder for baselines",
            fix="Add `baselines: baselines/` to it, in a pull request of its own.",
        )
    found: dict[str, Baseline] = {}
    for key in scene.files.folders(folder):
        path = f"{folder.rstrip('/')}/{key}/{case}.json"
        text = scene.files.text(path)
        if text is not None:
            found |= {key: load_baselines({path: text}, hardware_key=key)[case]}
    return found


def _put(scene: Scene, suite: Suite, key: str, ask: Ask) -> PullRequest:
    """The open pull request of one kind of machine, with the request on its branch."""
    api, base = scene.api, scene.base
    branch = branch_of(base, key)
    standing = read_standing(api, branch=branch, base=base, base_commit=scene.files.commit)
    asks = standing.asks
    if ask.key not in {one.key for one in asks}:
        if len(asks) >= MOST_ASKS:
            raise ConfigurationError(
                f"{len(asks)} requests wait on {branch} already",
                fix="Run the job on the default branch that proposes baselines, and merge.",
            )
        asks = (*asks, ask)
        _commit(scene, branch, standing, ask, told=_told(scene, suite, key, asks))
    if standing.pull is not None:
        say(
            api, standing.pull, f"asked {ask.digest}", ask_line(ask, "no job has measured it since")
        )
        return standing.pull
    return opened_to_wait(api, branch, base, _told(scene, suite, key, asks))


def _commit(scene: Scene, branch: str, standing: Standing, ask: Ask, *, told: Told) -> None:
    api, base = scene.api, scene.files.commit
    if standing.tip is None or standing.over:
        # A new beginning: what was merged or given up has no say any more.
        asks = tuple(one for one, _ in told.asks)
        message = proposal_message(proposal_title(told), (), (), asks)
        parents = [base] if standing.tip is None else [standing.tip, base]
        made = api.make_commit(onto=base, files={}, message=message, parents=parents)
    else:
        message = ask_message(ask, by=f"Asked for by {ask.asked_by} in {ask.url}")
        made = api.make_commit(onto=standing.tip, files={}, message=message, parents=[standing.tip])
    if standing.tip is None:
        api.create_branch(branch, made.sha)
    else:
        api.move_branch(branch, made.sha)


def _told(scene: Scene, suite: Suite, key: str, asks: tuple[Ask, ...]) -> Told:
    return Told(
        hardware_key=key,
        base=scene.base,
        cases=len(suite.cases),
        offers=(),
        own_token=scene.api.login() == ACTIONS_BOT,
        asks=tuple((one, "") for one in asks),
    )
