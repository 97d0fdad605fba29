"""Makes a decision's check run, where the token may make one. Decides nothing."""

from __future__ import annotations

import hashlib
from pathlib import PurePosixPath

from perfgate.app.publishing.request import (
    Edges,
    OpenChecks,
    PublishRequest,
    SuiteText,
    job_of,
    measured_at,
    say_key,
)
from perfgate.errors import PublishError
from perfgate.github.checks import Annotation, Identity, Verdict, publish_check
from perfgate.github.event import Event
from perfgate.github.problems import GitHubError, with_retries
from perfgate.records import Decision, to_json
from perfgate.report.check import check_lines, check_name, check_title, render_check
from perfgate.strict_yaml import places

_NOT_GRANTED = (403, 404)
_DIGEST_CHARS = 16


def write_check(
    request: PublishRequest, edges: Edges, decision: Decision, open_checks: OpenChecks | None
) -> bool:
    """Make the check run on the event's commit; false where GitHub failed.

    A token that may not make one is told what to grant, and that is no failure.
    """
    event = request.event
    run = _run(event)
    if open_checks is None or event.head_sha is None or run is None:
        return True
    identity = Identity(job=job_of(decision, run=run), decision=_digest(decision))
    verdict = Verdict(
        head_sha=event.head_sha,
        conclusion=decision.conclusion,
        title=check_title(decision),
        summary=render_check(decision),
        run_url=measured_at(event),
        annotations=_annotations(decision, request.suite),
    )
    try:
        with open_checks() as api:
            made, key = with_retries(
                lambda: publish_check(
                    api,
                    verdict,
                    name_of=lambda key: check_name(decision.suite, key),
                    identity=identity,
                    key=request.key,
                ),
                sleep=edges.sleep,
            )
    except PublishError as error:
        if isinstance(error, GitHubError) and error.status in _NOT_GRANTED and error.wait_s is None:
            edges.say(
                "notice",
                f"No check run from this job. {error} Where another workflow publishes this "
                "result, leave it so.",
            )
            return True
        edges.say("warning", f"The verdict stands, but it is no whole check run. {error}")
        return False
    edges.say("notice", f"The check run {made.name}: {made.url}")
    if key != request.key:
        say_key(edges, "made the check run of", key)
    return True


def _run(event: Event) -> str | None:
    """The run that measured, and which try of it; another one may publish it."""
    if event.finished is not None:
        return f"{event.finished.id}.{event.finished.attempt}"
    return None if event.run_id is None else f"{event.run_id}.{event.run_attempt or 1}"


def _digest(decision: Decision) -> str:
    text = to_json(decision).encode("utf-8", "replace")
    return hashlib.sha256(text).hexdigest()[:_DIGEST_CHARS]


def _annotations(decision: Decision, suite: SuiteText | None) -> tuple[Annotation, ...]:
    if suite is None:
        return ()
    lines = places(suite.text, of="cases", by="id")
    return tuple(
        Annotation(
            path=str(PurePosixPath(suite.path)),
            # A case that head has no more is missing from the file as a whole.
            line=lines.get(one.case, 1),
            level=one.level,
            title=one.title,
            message=one.message,
        )
        for one in check_lines(decision)
    )
