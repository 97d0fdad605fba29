"""Puts a decision into the pull request's comment, where it is worth one. Decides nothing else."""

from __future__ import annotations

from perfgate.app.explain.stored import read_explanation
from perfgate.app.publishing.request import (
    Edges,
    OpenComments,
    Policy,
    PublishRequest,
    job_of,
    measured_at,
    say_key,
    write_outputs,
)
from perfgate.errors import ConfigurationError, PublishError
from perfgate.github.comments import Comment
from perfgate.github.keys import Job
from perfgate.github.problems import with_retries
from perfgate.github.suite_comments import Result, Signature, put
from perfgate.records import Decision, Verdict
from perfgate.records.explained import Explanation
from perfgate.report.answers import read_answers
from perfgate.report.comment import Links, key_in, read_history, render_comment

_AS_IT_WAS = frozenset({Verdict.PASSED, Verdict.NEW})


def is_worth_a_comment(decision: Decision, policy: Policy) -> bool:
    """Whether the policy asks for a comment of this decision where none stands."""
    if policy == "failures":
        return decision.conclusion == "failure"
    if policy == "changes":
        moved = any(case.verdict not in _AS_IT_WAS for case in decision.cases)
        return moved or decision.conclusion == "failure" or decision.interrupted is not None
    return policy == "always"


def write_comment(
    request: PublishRequest, edges: Edges, decision: Decision, open_comments: OpenComments | None
) -> bool:
    """Write the comment of the event's pull request; false where it could not be."""
    number = request.event.pull_request
    if number is None:
        edges.say("notice", f"No comment: the event {request.event.name} names no pull request.")
        return False
    if open_comments is None:
        edges.say(
            "notice",
            f"No comment on pull request {number}: there is no token. Leave the action's input "
            "github-token at its default, or set GITHUB_TOKEN for the command line.",
        )
        return False
    explanation = _explanation(request, edges, decision)
    try:
        with open_comments() as api:
            result = _result(request, decision, explanation, number, when=edges.now())
            written = with_retries(lambda: put(api, result), sleep=edges.sleep)
        return _tell(request, edges, number, written)
    except PublishError as error:
        edges.say("warning", f"The verdict stands, but it could not be commented. {error}")
        return False
    except OSError as error:
        edges.say("warning", f"The output comment-url could not be written: {error.strerror}.")
        return False


def _explanation(request: PublishRequest, edges: Edges, decision: Decision) -> Explanation | None:
    """Why it is slower, where somebody has asked; a damaged one is told and costs nothing else."""
    try:
        return read_explanation(request.folder, decision)
    except ConfigurationError as error:
        edges.say("warning", f"The comment does not say why it is slower. {error}")
        return None


def _result(
    request: PublishRequest,
    decision: Decision,
    explanation: Explanation | None,
    number: int,
    *,
    when: str,
) -> Result:
    run_url = measured_at(request.event)
    job = job_of(decision, run=run_url)
    links = Links(run_url=run_url, when=when, job=f"{job.hardware} {job.cases}")

    def render(key: str, earlier: str | None) -> str:
        return render_comment(
            decision,
            history=read_history(earlier) if earlier else (),
            answers=read_answers(earlier) if earlier else (),
            links=links,
            key=key,
            explanation=explanation,
        )

    return Result(
        pull_request=number,
        job=job,
        key=request.key,
        wanted=is_worth_a_comment(decision, request.comment),
        signed=lambda body: _signature(body, decision.suite),
        render=render,
    )


def _signature(body: str, suite: str) -> Signature | None:
    key = key_in(body, suite)
    if key is None:
        return None
    last = next(reversed(read_history(body)), None)
    if last is None or not last.job:
        return Signature(key=key, job=None)
    hardware, _, cases = last.job.partition(" ")
    return Signature(key=key, job=Job(run=last.run_url, hardware=hardware, cases=cases))


def _tell(
    request: PublishRequest, edges: Edges, number: int, written: tuple[Comment, str] | None
) -> bool:
    if written is None:
        edges.say(
            "notice",
            f"No comment on pull request {number}: nothing to say there with "
            f"comment: {request.comment}, and no earlier comment to bring up to date.",
        )
        return True
    comment, key = written
    edges.say("notice", f"Commented on pull request {number}: {comment.url}")
    if key != request.key:
        say_key(edges, "commented a result of", key)
    write_outputs(request, edges, {"comment-url": comment.url})
    return True
