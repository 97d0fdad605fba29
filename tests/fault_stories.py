"""The jobs whose calls go wrong: publishing a verdict, and proposing baselines, at every stage."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import Any

from perfgate.app.answering.commands import AnswerRequest, answer
from perfgate.app.answering.scene import Place
from perfgate.app.keeping.keep import Request
from perfgate.app.proposing.propose import Proposal, propose
from perfgate.app.publishing.publish import publish
from perfgate.app.publishing.request import PublishRequest, SuiteText
from perfgate.app.tracking.track import track
from perfgate.errors import ExitCode, PublishError
from perfgate.github.answering import GitHubAnswering
from perfgate.github.check_runs import GitHubChecks
from perfgate.github.client import GitHubComments
from perfgate.github.event import Event, WrittenComment
from perfgate.github.patience import Patience
from perfgate.github.pulls import GitHubPulls
from perfgate.github.tracker import GitHubIssues
from perfgate.github.workflow import Kind
from perfgate.records import Decision, to_json
from perfgate.records.history import Line
from perfgate.report.comment import render_comment
from tests.commanding import INPUTS, TODAY, WRITTEN, a_change
from tests.factories import a_case_decision, a_decision, a_metric
from tests.fakes.github_server import BOT, FakeGitHub
from tests.faults import Story
from tests.histories import a_run
from tests.proposing import BRANCH, SUITE, WHY, Job, merge
from tests.tracking import SLOWER, levels, tracking

_OWNERS = "baselines/ @alice @octo/perf nobody@example.org\n"


class Edges:
    """Publishing's edges with a patience of the story's own; what is said is left unheard."""

    def __init__(self, patience: Patience) -> None:
        self.sleep = patience

    def say(self, kind: Kind, message: str) -> None:
        """Nobody listens."""

    def now(self) -> str:
        return "2026-01-01 00:00 UTC"

    def token_hex(self) -> str:
        return "0123abcd"


class Publishing(Story):
    """A regression of some cases told on pull request 7, ``earlier`` after another commit's result.

    It tells them in the comment and, a line each, in the check run.
    """

    def __init__(self, name: str, folder: Path, *, cases: int = 1, earlier: bool = False) -> None:
        self.name = name
        self._folder = folder
        self._names = [f"case_{number}" for number in range(cases)]
        self._earlier = earlier
        folder.mkdir(parents=True)

    def prepare(self, github: FakeGitHub) -> None:
        start(github)
        github.add_comment("What do you think?")
        if self._earlier:
            head = {"commit": "c" * 40, "ref": "feature"}
            cases = [a_case_decision(id=name) for name in self._names]
            self._publish(github, _no_patience(), a_decision(cases, head=head), run=76)

    def run(self, github: FakeGitHub, patience: Patience) -> int:
        metrics = [
            a_metric("end-to-end", 1000.0, 1019.0, "passed"),
            a_metric("DecodingStage", 346.0, 389.0, "regressed"),
        ]
        cases = [
            a_case_decision(id=name, verdict="regressed", metrics=metrics) for name in self._names
        ]
        return self._publish(github, patience, a_decision(cases), run=77)

    def _publish(
        self, github: FakeGitHub, patience: Patience, decision: Decision, *, run: int
    ) -> int:
        (self._folder / "decision.json").write_text(to_json(decision))
        lines = [f"  - {{id: {name}, backend: command}}" for name in self._names]
        request = PublishRequest(
            folder=self._folder,
            suite=SuiteText(path="perfgate.yml", text="\n".join(["version: 1", "cases:", *lines])),
            event=Event(
                name="pull_request",
                repository=github.repository,
                pull_request=7,
                head_sha=decision.head.commit,
                api_url=github.url,
                run_url=f"https://github.com/octo/bench/actions/runs/{run}",
                run_id=run,
                run_attempt=1,
            ),
        )
        return publish(
            request,
            Edges(patience),
            open_comments=lambda: GitHubComments(**self.connection(github)),
            open_checks=lambda: GitHubChecks(lazy=True, **self.connection(github)),
        )


class Proposing(Story):
    """A job on the default branch whose ``totals`` are proposed, after what ``past`` says."""

    def __init__(
        self,
        name: str,
        *past: dict[str, Any] | str,
        ask: dict[str, Any] | None = None,
        **totals: float,
    ) -> None:
        self.name = name
        self._past = past
        self._ask = ask or {"reason": "nightly"}
        self._totals = totals

    def prepare(self, github: FakeGitHub) -> None:
        start(github)
        for number, one in enumerate(self._past, start=1):
            if one == "merged":
                merge(github, github.pulls.open[0])
            elif one == "by hand":
                tip = github.bare.tip(BRANCH)
                broken = {"baselines/accepted.yml": "version: 1\naccepted: [{case: wan}]\n"}
                github.bare.commit(BRANCH, "accept", files=broken, parents=[tip])
            else:
                self._propose(github, _no_patience(), number, {"reason": "nightly"}, one)

    def run(self, github: FakeGitHub, patience: Patience) -> int:
        # Told as a warning by perfgate.app.proposing.edges.
        with contextlib.suppress(PublishError):
            self._propose(github, patience, 40, self._ask, self._totals)
        return ExitCode.OK

    def _propose(
        self,
        github: FakeGitHub,
        patience: Patience,
        number: int,
        ask: dict[str, Any],
        totals: dict[str, float],
    ) -> None:
        job = Job(github)
        job.number = number - 1
        proposal = Proposal(
            records=(job.record(**totals),),
            suite="perfgate.yml",
            ask=Request(asked_by="ann", **ask),
            today=job.today,
            run_url=f"https://github.com/octo/bench/actions/runs/{number}",
        )
        with GitHubPulls(**self.connection(github)) as api:
            propose(proposal, api, sleep=patience)


class Answering(Story):
    """A person's command under pull request 7, whose result stands in a comment."""

    def __init__(self, name: str, body: str) -> None:
        self.name = name
        self._body = body

    def comments(self, github: FakeGitHub) -> list[tuple[int, str, str]]:
        # A request that is found in the baseline pull request, because the answer to opening it was
        # lost, is told there as well, and the answer's words say that it was found.
        here = [one for one in super().comments(github) if one[0] == 7]
        marks = "<!-- perfgate:(?:comment|answer) .*?-->"
        return [(number, who, " ".join(re.findall(marks, body))) for number, who, body in here]

    def prepare(self, github: FakeGitHub) -> None:
        Proposing("", *COMMITTED).prepare(github)
        github.people.roles["ann"] = "write"
        github.people.workflows["perfgate.yml"] = INPUTS
        a_change(github)
        github.add_comment(render_comment(a_decision()), author=BOT)
        github.add_comment(self._body, author="ann")

    def run(self, github: FakeGitHub, patience: Patience) -> int:
        written = next(one for one in github.comments if one["body"] == self._body)
        comment = WrittenComment(
            id=written["id"], author="ann", body=self._body, is_new=True, created_at=WRITTEN
        )
        place = Place(
            repository=github.repository,
            url="https://github.com/octo/bench",
            suite="perfgate.yml",
            workflow="perfgate.yml",
            today=TODAY,
        )
        event = Event(
            name="issue_comment",
            repository=github.repository,
            pull_request=7,
            default_branch="main",
            comment=comment,
        )
        return answer(
            AnswerRequest(event=event, place=place),
            Edges(patience),
            open_api=lambda: GitHubAnswering(**self.connection(github)),
        )


class Tracking(Story):
    """A nightly job that tracks ``lines``, after one that tracked ``before``."""

    def __init__(self, name: str, *lines: Line, before: tuple[Line, ...] = ()) -> None:
        self.name = name
        self._lines = lines
        self._before = before

    def prepare(self, github: FakeGitHub) -> None:
        start(github)
        tip = github.bare.tip("main")
        github.bare.commit("main", "Use the exact decoder", files={"a": "1"}, parents=[tip])
        if self._before:
            self._track(github, _no_patience(), self._before)

    def run(self, github: FakeGitHub, patience: Patience) -> int:
        # Told as a warning by perfgate.app.tracking.edges.
        with contextlib.suppress(PublishError):
            self._track(github, patience, self._lines)
        return ExitCode.OK

    def _track(self, github: FakeGitHub, patience: Patience, lines: tuple[Line, ...]) -> None:
        before, after = github.bare.git("rev-list", "main", "--reverse").split()
        runs = [a_run(night, commit=before if night < 60 else after) for night in range(120)]
        with GitHubIssues(**self.connection(github)) as api:
            track(tracking(*lines, runs=runs), api, sleep=patience)


COMMITTED = ({"wan": 1000, "flux": 2000}, "merged")


def stories(folder: Path) -> list[Story]:
    """Every way that publish and propose go; ``folder`` takes what is published."""
    explained = {"reason": "the exact decoder", **WHY}
    return [
        Publishing("publish: first result", folder / "first"),
        Publishing("publish: next result", folder / "next", earlier=True),
        Publishing("publish: 60 cases", folder / "many", cases=60),
        Proposing("propose: opens", wan=1000, flux=2000),
        Proposing("propose: opens a draft", *COMMITTED, wan=1200, flux=2000),
        Proposing(
            "propose: explains", *COMMITTED, {"wan": 1200, "flux": 2000}, ask=explained, wan=1200
        ),
        Proposing("propose: gets worse", *COMMITTED, {"wan": 800, "flux": 2000}, wan=1200),
        Proposing("propose: closes", *COMMITTED, {"wan": 800, "flux": 2000}, wan=1000),
        Proposing("propose: stuck", *COMMITTED, {"wan": 800}, "by hand", wan=790),
    ]


def answers() -> list[Story]:
    """Commands that leave something besides their answer."""
    accept = "/perfgate accept wan until 2026-12-31 because of the exact decoder #55"
    return [
        Answering("answer: rerun", "/perfgate rerun wan"),
        Answering("answer: accept", accept),
    ]


def tracked() -> list[Story]:
    """Issues that are opened; and one that gets worse beside one that is closed."""
    wan, flux = levels(*SLOWER), levels(*SLOWER, case="flux")
    later = (
        levels((60, 1000.0), (60, 1160.0)),
        levels(*SLOWER, (20, 1000.0), case="flux"),
    )
    return [
        Tracking("track: opens", wan, flux),
        Tracking("track: worse, and back", *later, before=(wan, flux)),
    ]


def start(github: FakeGitHub) -> None:
    """A repository with a suite on its default branch."""
    github.bare.commit(
        "main", "start", files={"perfgate.yml": SUITE, ".github/CODEOWNERS": _OWNERS}
    )


def _no_patience() -> Patience:
    def sleep(seconds: float) -> None:
        raise AssertionError("nothing goes wrong while a story is prepared")

    return Patience(sleep=sleep, draw=lambda: 0.0)
