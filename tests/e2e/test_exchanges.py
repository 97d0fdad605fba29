"""Every request that the integration tests make, and every answer of the fake's own, is GitHub's.

The tests run in a process of their own and leave what went over the wire; each different exchange
is held against GitHub's description once. So a fake that answers what GitHub would not, and a
client that asks what GitHub does not take, fail here.
"""

from __future__ import annotations

import os
import re
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.e2e import machine
from tests.fakes.github_wire import FOLDER, remembered
from tests.faults import call_name

TESTS = Path(__file__).parents[1] / "integration"
SPEAKS = re.compile("tests.(fakes.github|proposing|fault)")
EXPECTED = {
    "POST /issues/{n}/comments",
    "POST /issues",
    "PATCH /issues/{n}",
    "PATCH /issues/comments/{n}",
    "POST /check-runs",
    "PATCH /check-runs/{n}",
    "POST /git/refs",
    "PATCH /git/refs/{branch}",
    "POST /pulls",
    "PATCH /pulls/{n}",
    "POST /pulls/{n}/requested_reviewers",
    "GET /compare/{sha}...{sha}",
}
"""Without these the tests did not do what this file is about."""


@pytest.fixture(scope="module")
def exchanges(tmp_path_factory):
    """Of the integration tests that speak with GitHub, the slow ones left out."""
    folder = tmp_path_factory.mktemp("exchanges")
    files = [file for file in sorted(TESTS.glob("test_*.py")) if SPEAKS.search(file.read_text())]
    machine.run(
        *(sys.executable, "-m", "pytest", "-q", "-m", "not slow", *files),
        cwd=TESTS.parents[1],
        env={**os.environ, FOLDER: str(folder)},
        timeout_s=1800,
    )
    return list(remembered(folder))


def test_every_exchange(github_description, exchanges):
    different = {_shape(one): one for one in exchanges}.values()
    counts = Counter(call_name(one) for one in different)
    assert counts.keys() >= EXPECTED
    assert github_description.problems(different) == []


def _shape(one):
    """The exchange without ids, ports and figures, by which two of a kind differ."""
    parts = (one.method, one.url, one.status, one.ordered, one.request_body, one.response_body)
    return re.sub(r"[0-9a-f]{40}|[0-9a-f]{12}|\d+", "0", repr(parts))
