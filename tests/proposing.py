"""Jobs on the default branch of a fake repository that propose what they measured."""

from __future__ import annotations

from datetime import date

from perfgate.app.keeping.keep import Request
from perfgate.app.proposing.propose import Proposal, propose
from perfgate.baselines.native import parse_baseline
from perfgate.github.pulls import GitHubPulls
from perfgate.records import Tree
from perfgate.suite import parse_suite
from tests.factories import a_case_record, a_record

SUITE = """\
version: 1
baselines: baselines/
gate: {margin: 3%}
cases:
  - {id: wan, backend: command, command: python3 wan.py}
  - {id: flux, backend: command, command: python3 flux.py}
"""
KEY = "cpu-test-x2"
BRANCH = f"perfgate/baselines/main/{KEY}"
WAN, FLUX = f"baselines/{KEY}/wan.json", f"baselines/{KEY}/flux.json"
TODAY = date(2026, 3, 1)
WHY = {"issue": "https://example.org/55", "expires": date(2026, 6, 1)}


class Job:
    """What jobs on the default branch do, one after the other; each is at main's newest commit."""

    def __init__(self, github):
        self.github = github
        self.number = 0
        self.today = TODAY

    def record(self, *, key=KEY, at=None, suite=SUITE, **totals):
        """A record of one job whose cases took these milliseconds."""
        self.number += 1
        hashes = {case.id: case.workload_hash() for case in parse_suite(suite, source="x").cases}
        cases = [
            a_case_record(id=name, base=(), head=_launches(total), workload_hash=hashes[name])
            for name, total in totals.items()
        ]
        return a_record(
            cases,
            hardware_key=key,
            created_at=f"2026-03-01T{self.number // 60:02}:{self.number % 60:02}:00+00:00",
            head=Tree(commit=at or self.github.bare.tip("main"), ref="main"),
            base=None,
        )

    def __call__(self, *records, ask=None, token="a-token", pauses=None, **rest):
        with GitHubPulls(
            token=token,
            repository=self.github.repository,
            api_url=self.github.url,
            seconds_between_writes=0,
        ) as api:
            proposal = Proposal(
                records=records,
                suite="perfgate.yml",
                ask=Request(asked_by="ann", **(ask or {"reason": "nightly"})),
                today=self.today,
                run_url=f"https://github.com/octo/bench/actions/runs/{self.number}",
                **rest,
            )
            return propose(proposal, api, sleep=(pauses if pauses is not None else []).append)

    def propose(self, *, key=KEY, at=None, suite=SUITE, rest=None, **totals):
        return self(self.record(key=key, at=at, suite=suite, **totals), **(rest or {}))


def _launches(total):
    """Five launches that differ by a little, as launches do; or those that are given."""
    if isinstance(total, list):
        return total
    return [total * (1 + step / 1000) for step in (0, 1, -1, 0.5, -0.5)]


def merge(github, pull):
    """Merge a pull request, as a reviewer does; the branch stays."""
    tip = github.bare.tip(pull.head)
    parents = [github.bare.tip("main"), tip]
    # Its branch may have been made before main moved: what it changes is put on top.
    changed = github.bare.git("diff", "--name-only", f"main...{pull.head}").split()
    files = {path: github.bare.text(tip, path) for path in changed}
    github.bare.commit("main", "merge", files=files, parents=parents)
    github.pulls.merge(pull)


def value(github, path, name=BRANCH):
    """The end-to-end figure of a baseline on a branch."""
    text = github.bare.text(name, path)
    return round(parse_baseline(text, source=path).derived.metrics["end-to-end"].value)
