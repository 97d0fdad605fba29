"""What can go wrong with each call of publish, propose and track, and what is left on GitHub.

The calls come from recording a clean run, never from a list. A cell is one story with one fault at
one of its calls, then the same job run once more without any; what GitHub holds after either is
held against what one clean run leaves.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perfgate.errors import PerfgateError
from perfgate.github.patience import Patience
from tests.fakes import github_documents as documents
from tests.fakes.github_server import Answer, Exchange, FakeGitHub, Fault

EVER = 10**9
SLOW, DOWN, TWICE = "slow", "killed after it", "twice at once"
HTML = b"<html><head><title>Unicorn!</title></head><body>No server is available.</body></html>"


def _refusal(status: int, message: str, **headers: str) -> dict[str, Any]:
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    return {"answer": Answer(status=status, body=documents.problem(message), headers=told)}


FAULTS: Mapping[str, Mapping[str, Any]] = {
    "502": {"answer": Answer(status=502, body=HTML)},
    "503": _refusal(503, "Service unavailable"),
    "504, done": {"how": "commit", "answer": Answer(status=504, body=HTML)},
    "reset": {"how": "reset"},
    "answer lost": {"how": "lose"},
    "cut JSON": {"how": "truncate"},
    "other JSON": {"how": "commit", "answer": Answer(body={"unexpected": []})},
    SLOW: {"how": "late"},
    "401": _refusal(401, "Bad credentials"),
    "403": _refusal(403, "Resource not accessible by integration"),
    "404": _refusal(404, "Not Found"),
    "409": _refusal(409, "Conflict"),
    "422": _refusal(422, "Validation Failed"),
    "429": _refusal(429, "Too many requests"),
    "429 after 7 s": _refusal(429, "Too many requests", Retry_After="7"),
    "403 limit": _refusal(
        403,
        "API rate limit exceeded for installation.",
        X_RateLimit_Limit="1000",
        X_RateLimit_Remaining="0",
        X_RateLimit_Reset="99999999999",
    ),
    "403 secondary": _refusal(403, "You have exceeded a secondary rate limit."),
}
"""What goes wrong once, at one call; the keywords are those of the fake's Fault."""

COLUMNS = (*FAULTS, DOWN, TWICE)


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request of a clean run: the how-manieth, and its name without ids."""

    number: int
    name: str


@dataclass(frozen=True, kw_only=True)
class Cell:
    """What became of one fault at one call.

    ``codes`` and ``pauses`` in seconds are those of the two runs; ``at_once`` is whether GitHub
    held what a clean run leaves after the first, ``repaired`` whether it did after the second.
    """

    codes: tuple[int, int]
    pauses: tuple[tuple[float, ...], tuple[float, ...]]
    at_once: bool
    repaired: bool

    @property
    def word(self) -> str:
        return (
            "at once" if self.at_once and self.repaired else "next run" if self.repaired else "no"
        )


class Story:
    """One job at one GitHub; what it does is deterministic, so that its calls can be numbered.

    ``prepare`` brings GitHub to where the job starts, ``run`` is the job.
    """

    name: str
    timeout_s: int = 30

    def prepare(self, github: FakeGitHub) -> None:
        """Nothing, unless a story needs a past."""

    def run(self, github: FakeGitHub, patience: Patience) -> int:
        raise NotImplementedError

    def comments(self, github: FakeGitHub) -> list[tuple[int, str, str]]:
        """What of the comments has to be the same, however the job went."""
        return [(one["pull_request"], one["author"], one["body"]) for one in github.comments]

    def connection(self, github: FakeGitHub) -> dict[str, Any]:
        """What a client of the job is made with."""
        return {
            "token": "a-token",
            "repository": github.repository,
            "api_url": github.url,
            "seconds_between_writes": 0,
            "timeout_s": self.timeout_s,
        }


class Stage:
    """A story's GitHub, prepared once and copied for each cell."""

    def __init__(self, story: Story, folder: Path) -> None:
        self.story = story
        self._folder = folder
        self._copies = 0
        self._start = FakeGitHub(folder=folder / "prepared.git")
        with self._start as github:
            story.prepare(github)
        with self._copy() as github:
            self.code = self._run(github, [])
            self.calls = tuple(
                Call(number=number, name=call_name(one))
                for number, one in enumerate(github.exchanges, start=1)
            )
            self.exchanges = tuple(github.exchanges)
            self.clean = state(github, self.story)

    def play(self, fault: str, call: Call) -> Cell:
        """Run the job with the fault at the call, then once more without."""
        first_pauses: list[float] = []
        pauses: list[float] = []
        with self._copy() as github:
            github.faults.append(self._fault(fault, call, github))
            self.story.timeout_s = 1 if fault == SLOW else Story.timeout_s
            first = self._run(github, first_pauses)
            self.story.timeout_s = Story.timeout_s
            at_once = state(github, self.story) == self.clean
            github.recount()
            second = self._run(github, pauses)
            return Cell(
                codes=(first, second),
                pauses=(tuple(first_pauses), tuple(pauses)),
                at_once=at_once,
                repaired=state(github, self.story) == self.clean,
            )

    def limited(self) -> tuple[float, ...]:
        """The pauses of a job whose every call is refused for 50 s, once each."""
        pauses: list[float] = []
        with self._copy() as github:
            for call in self.calls:
                fault = _refusal(429, "Too many requests", Retry_After="50")
                github.faults.append(
                    Fault(method=".*", path="", since=2 * call.number - 1, **fault)
                )
            self._run(github, pauses)
        return tuple(pauses)

    def again(self) -> bool:
        """Whether the same job, run twice without a fault, leaves what it leaves once."""
        with self._copy() as github:
            codes = [self._run(github, []) for _ in range(2)]
            return codes == [self.code] * 2 and state(github, self.story) == self.clean

    def _fault(self, fault: str, call: Call, github: FakeGitHub) -> Fault:
        anything = {"method": ".*", "path": "", "since": call.number}
        if fault == DOWN:
            # To GitHub a job that was killed is one that asks for nothing any more.
            return Fault(**{**anything, "since": call.number + 1}, how="drop", times=EVER)
        if fault == TWICE:
            return Fault(**anything, how="work", first=lambda: self._run(github, []))
        return Fault(**anything, **FAULTS[fault])

    def _run(self, github: FakeGitHub, pauses: list[float]) -> int:
        # The longest pauses that chance can make.
        patience = Patience(sleep=pauses.append, draw=lambda: 0.999)
        try:
            return self.story.run(github, patience)
        except PerfgateError as error:
            return error.exit_code

    @contextmanager
    def _copy(self) -> Iterator[FakeGitHub]:
        self._copies += 1
        folder = self._folder / f"{self._copies}.git"
        shutil.copytree(self._folder / "prepared.git", folder)
        with FakeGitHub(folder=folder) as github:
            github.continue_from(self._start)
            yield github
        shutil.rmtree(folder)


def crossing(stages: Sequence[Stage]) -> Iterator[tuple[Stage, str, Call]]:
    """Every call with every fault: reads once in all, what changes something in each story.

    Where a job is killed or meets another, it is each single request that counts.
    """
    known: set[str] = set()
    for stage in stages:
        chosen = {call.name: call for call in reversed(stage.calls) if _counts(call, known)}
        known |= chosen.keys()
        for fault in FAULTS:
            yield from ((stage, fault, call) for call in chosen.values())
        for fault in (DOWN, TWICE):
            yield from ((stage, fault, call) for call in stage.calls if not _is_fixed(call))


def diagonal(stage: Stage) -> Iterator[tuple[str, Call]]:
    """A thin part of the crossing: each fault once, and each call once."""
    calls = list({call.name: call for call in reversed(stage.calls)}.values())
    for number in range(max(len(calls), len(COLUMNS))):
        yield COLUMNS[number % len(COLUMNS)], calls[number % len(calls)]


def _counts(call: Call, known: set[str]) -> bool:
    return call.name not in known or not (call.name.startswith("GET") or _is_fixed(call))


def _is_fixed(call: Call) -> bool:
    """Whether what is read or made is named by its content, so that nobody can change it."""
    return re.search("/git/(blobs|trees|commits)|/compare/|the account", call.name) is not None


def call_name(one: Exchange) -> str:
    """``POST /git/refs``: the request without the repository, ids, numbers and branches."""
    path = re.sub(r"^/repos/[^/]+/[^/]+", "", one.path) or "/"
    path = re.sub(r"/heads/.+", "/{branch}", path)
    path = re.sub(r"[0-9a-f]{40}", "{sha}", path)
    path = re.sub(r"/\d+(?=/|$)", "/{n}", path)
    if path == "/graphql":
        path += " (a draft)" if b"mutation" in one.request_body else " (the account)"
    return f"{one.method} {path}"


def state(github: FakeGitHub, story: Story) -> dict[str, Any]:
    """All that a clean run leaves on GitHub, without ids and times."""
    refs = github.bare.git("for-each-ref", "--format=%(refname:lstrip=2)").split()
    return {
        "comments": sorted(story.comments(github)),
        "reactions": sorted(github.people.reactions),
        "started": github.people.started,
        # As GitHub shows them: of those with one name the newest counts.
        "check runs": {
            (run["head_sha"], run["name"]): {
                name: value for name, value in run.items() if name not in ("id", "details_url")
            }
            for run in github.checks.runs
        },
        "branches": {
            ref: (
                github.bare.git("rev-parse", f"{ref}^{{tree}}"),
                github.bare.git("log", "--format=%B", f"main..{ref}"),
            )
            for ref in refs
        },
        "pull requests": [
            {
                **{name: getattr(one, name) for name in ("head", "base", "title", "body")},
                **{name: getattr(one, name) for name in ("state", "draft")},
                **{name: sorted(getattr(one, name)) for name in ("labels", "reviewers", "teams")},
            }
            for one in github.pulls.all
        ],
        # One that two jobs opened at once is closed as what it is.
        "issues": [
            (one.title, one.body, one.state, one.reason, sorted(one.labels))
            for one in github.issues.all
            if one.reason != "duplicate"
        ],
    }
