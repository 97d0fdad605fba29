"""What is published and through what: the values that publishing and its parts share."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Protocol

from perfgate.github.checks import CheckApi
from perfgate.github.comments import CommentApi
from perfgate.github.event import Event
from perfgate.github.keys import Job
from perfgate.github.workflow import Kind, output
from perfgate.records import Decision
from perfgate.report.comment import slug

Policy = Literal["always", "changes", "failures", "never"]
"""When a result is worth a comment: each time; where something is not as it was; where the job
fails; never. A comment that stands is brought up to date under each but the last."""
_HARDWARE_CHARS: Final = 40
_DIGEST_CHARS: Final = 12


@dataclass(frozen=True, kw_only=True, slots=True)
class SuiteText:
    """The suite file as head has it; ``path`` is from the repository's root."""

    path: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishRequest:
    """What to publish, and where the runner reads results (None outside of Actions).

    key    tells this job's comment and check run from others of the suite, empty for none
    suite  on whose lines the check run says what is wrong; None for a check run without
    """

    folder: Path
    event: Event
    comment: Policy = "always"
    key: str = ""
    suite: SuiteText | None = None
    strict: bool = False
    output_file: Path | None = None
    summary_file: Path | None = None


class Edges(Protocol):
    """What publishing needs from outside: ``say`` tells the user, ``token_hex`` is random."""

    def say(self, kind: Kind, message: str) -> None: ...

    def now(self) -> str: ...

    def sleep(self, seconds: float) -> None: ...

    def token_hex(self) -> str: ...


OpenComments = Callable[[], AbstractContextManager[CommentApi]]
OpenChecks = Callable[[], AbstractContextManager[CheckApi]]


def job_of(decision: Decision, *, run: str) -> Job:
    """Which job of its run made the decision: one machine, and one choice of cases."""
    cases = "\n".join(sorted(case.id for case in decision.cases))
    digest = hashlib.sha256(cases.encode("utf-8", "replace")).hexdigest()[:_DIGEST_CHARS]
    return Job(run=run, hardware=slug(decision.hardware_key, limit=_HARDWARE_CHARS), cases=digest)


def measured_at(event: Event) -> str:
    """The address of the run that measured, which another one may publish; empty for none."""
    if event.finished is None:
        return event.run_url or ""
    run = f"actions/runs/{event.finished.id}/attempts/{event.finished.attempt}"
    return f"{event.server_url}/{event.repository}/{run}"


def write_outputs(request: PublishRequest, edges: Edges, values: dict[str, str]) -> None:
    """Append outputs for later steps; raises OSError."""
    if request.output_file is not None:
        entries = (
            output(name, value, delimiter=f"perfgate-{edges.token_hex()}")
            for name, value in values.items()
        )
        append(request.output_file, "".join(entries))


def append(path: Path, text: str) -> None:
    """Append to a file of the runner's, which later parts of this step may have begun."""
    with path.open("a", encoding="utf-8") as stream:
        stream.write(text)


def say_key(edges: Edges, what: str, key: str) -> None:
    """Tell that another job of the run had the place that was asked for."""
    edges.say(
        "notice",
        f"Another job of this run has {what} this suite: this one stands under {key}. The input "
        "`key` names it, so that it does not depend on who comes first.",
    )
