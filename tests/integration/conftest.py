"""A proposal's GitHub with a suite on main, a job that proposes, and what was merged before."""

from __future__ import annotations

import pytest

from tests import proposing
from tests.fakes.github_server import FakeGitHub
from tests.proposing import SUITE, Job


@pytest.fixture
def github(tmp_path):
    with FakeGitHub(folder=tmp_path / "origin.git") as server:
        owners = "baselines/ @alice @octo/perf nobody@example.org\n"
        server.bare.commit(
            "main", "start", files={"perfgate.yml": SUITE, ".github/CODEOWNERS": owners}
        )
        yield server


@pytest.fixture
def job(github):
    return Job(github)


@pytest.fixture
def merge(github):
    """Merge the open pull request, as a reviewer does."""

    def merge():
        (pull,) = github.pulls.open
        proposing.merge(github, pull)

    return merge


@pytest.fixture
def committed(job, merge):
    """Baselines of both cases on main: a second each."""
    job.propose(wan=1000, flux=1000)
    merge()
