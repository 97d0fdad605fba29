"""Whatever happens in whatever order: files stay loadable, and nothing is proposed by hand."""

from __future__ import annotations

import tempfile
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from perfgate.app.keeping.keep import ACCEPTED
from perfgate.baselines.accepted import parse_accepted
from perfgate.baselines.native import parse_baseline
from tests.fakes.github_server import FakeGitHub
from tests.proposing import SUITE, Job, merge

KEYS = st.sampled_from(["cpu-test-x2", "cpu-other-x4"])
LEVELS = st.sampled_from([800, 1000, 1001, 1250])


class Sequences(RuleBasedStateMachine):
    """Jobs, reviewers and other people at one repository."""

    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.github = FakeGitHub(folder=Path(self.folder.name) / "origin.git")
        self.github.__enter__()
        self.github.bare.commit("main", "start", files={"perfgate.yml": SUITE})
        self.job = Job(self.github)

    def teardown(self):
        self.github.__exit__()
        self.folder.cleanup()

    @rule(key=KEYS, wan=st.none() | LEVELS, flux=LEVELS, explained=st.booleans())
    def propose(self, key, wan, flux, explained):
        totals = {"flux": flux} if wan is None else {"wan": wan, "flux": flux}
        expires = self.job.today + timedelta(days=30)
        why = {"reason": "the exact decoder", "issue": "https://example.org/5", "expires": expires}
        done = self.job.propose(key=key, rest={"ask": why} if explained else {}, **totals)
        assert done.what != "stuck"
        if explained:
            mine = [one for one in done.changes if one.case in totals]
            assert not any(one.unexplained for one in mine)

    @precondition(lambda self: self.github.pulls.open)
    @rule(newest=st.booleans())
    def merge(self, newest):
        pull = self.github.pulls.open[-1 if newest else 0]
        # GitHub refuses to merge what clashes with the base branch.
        clash = self.github.bare.asks("merge-tree", "--write-tree", "main", pull.head) is None
        if not clash:
            merge(self.github, pull)

    @precondition(lambda self: self.github.pulls.open)
    @rule()
    def reject(self):
        self.github.pulls.close(self.github.pulls.open[0])

    @precondition(lambda self: self.github.pulls.open)
    @rule()
    def delete_the_branch(self):
        pull = self.github.pulls.open[0]
        self.github.pulls.close(pull)
        self.github.bare.git("update-ref", "-d", f"refs/heads/{pull.head}")

    @rule(number=st.integers(0, 9))
    def base_moves(self, number):
        self.github.bare.commit("main", "work", files={"src.py": f"{number}\n"})

    @rule()
    def time_passes(self):
        self.job.today += timedelta(days=20)

    @invariant()
    def one_pull_request_for_a_machine(self):
        heads = [pull.head for pull in self.github.pulls.open]
        assert len(heads) == len(set(heads))

    @invariant()
    def every_file_is_whole(self):
        for branch in ("main", *(pull.head for pull in self.github.pulls.open)):
            for path in self.github.bare.files(branch):
                text = self.github.bare.text(branch, path)
                if path.endswith(ACCEPTED):
                    parse_accepted(text, source=path)
                elif path.startswith("baselines/"):
                    parse_baseline(text, source=path)

    @invariant()
    def nothing_else_is_changed__and_what_lacks_a_reason_is_a_draft(self):
        for pull in self.github.pulls.open:
            changed = self.github.bare.git("diff", "--name-only", f"main...{pull.head}").split()
            assert all(path.startswith("baselines/") for path in changed)
            assert pull.draft == ("A draft until somebody says why" in pull.body)


TestSequences = pytest.mark.slow(Sequences.TestCase)
TestSequences.settings = settings(
    max_examples=10,
    stateful_step_count=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
