"""A finished folder, and publishing it to the fake GitHub as a job does. No tests."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from perfgate.app.publishing.publish import PublishRequest, publish
from perfgate.errors import ExitCode
from perfgate.github.check_runs import GitHubChecks
from perfgate.github.client import GitHubComments
from perfgate.github.event import Event
from perfgate.records import Decision, to_json
from tests.factories import a_case_decision, a_decision, a_metric
from tests.fakes.github_server import FakeGitHub

HEAD = "a" * 40


@dataclass
class FakeEdges:
    """Remembers what was said and how long was slept."""

    said: list[tuple[str, str]] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)

    def say(self, kind: str, message: str) -> None:
        self.said.append((kind, message))

    def now(self) -> str:
        return "2026-01-01 00:00 UTC"

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)

    def token_hex(self) -> str:
        return "0123abcd"

    def told(self, kind: str) -> list[str]:
        return [message for one, message in self.said if one == kind]


def a_regression(**rest: Any) -> Decision:
    metrics = [
        a_metric("end-to-end", 1000.0, 1019.0, "passed"),
        a_metric("DecodingStage", 346.0, 389.0, "regressed"),
    ]
    return a_decision([a_case_decision(verdict="regressed", metrics=metrics)], **rest)


def write(folder: Path, decision: Decision | str) -> None:
    folder.mkdir(exist_ok=True)
    text = decision if isinstance(decision, str) else to_json(decision)
    (folder / "decision.json").write_text(text)


@dataclass(kw_only=True)
class Publisher:
    """A job of the repository whose folder is published; ``event`` changes what started it."""

    github: FakeGitHub
    edges: FakeEdges
    folder: Path

    def __call__(
        self,
        decision: Decision | None = None,
        *,
        token: str = "a-token",
        event: dict[str, Any] | None = None,
        **request: Any,
    ) -> ExitCode:
        write(self.folder, decision or a_decision())
        given = {
            "name": "pull_request",
            "repository": self.github.repository,
            "pull_request": 7,
            "head_sha": HEAD,
            "api_url": self.github.url,
            "run_id": 77,
            "run_attempt": 1,
            "run_url": "https://github.com/octo/bench/actions/runs/77/attempts/1",
            "workspace": str(self.folder.parent),
        } | (event or {})
        asked = PublishRequest(
            folder=self.folder,
            event=Event(**given),
            output_file=self.folder.parent / "output",
            summary_file=self.folder.parent / "summary",
            **request,
        )
        how: dict[str, Any] = {
            "token": token,
            "repository": self.github.repository,
            "api_url": self.github.url,
            "seconds_between_writes": 0,
        }
        return publish(
            asked,
            self.edges,
            open_comments=(lambda: GitHubComments(**how)) if token else None,
            open_checks=(lambda: GitHubChecks(**how, lazy=True)) if token else None,
        )

    def outputs(self) -> dict[str, str]:
        lines = (self.folder.parent / "output").read_text().splitlines()
        assert len(lines) % 3 == 0
        return {lines[i].split("<<")[0]: lines[i + 1] for i in range(0, len(lines), 3)}

    def summary(self) -> str:
        return (self.folder.parent / "summary").read_text()
