"""What a job waits for GitHub: every pause bounded, and the sum of all of them as well."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfgate.github.patience import BUDGET_S, OutOfPatience, Patience
from perfgate.github.problems import GitHubError, refused, with_retries


def patience(pauses, *, draw=0.0, **rest):
    return Patience(sleep=pauses.append, draw=lambda: draw, **rest)


def limited(**headers):
    """A rate limit as GitHub tells it."""
    return refused(doing="x", status=429, message="", headers=headers, now=0.0)


def always(error):
    def action():
        raise error

    return action


def test_pause__is_longer_by_chance_and_never_shorter():
    pauses = []
    for draw in (0.0, 0.5, 0.999):
        patience(pauses, draw=draw)(8.0)
    assert pauses == [8.0, 10.0, pytest.approx(12.0, abs=0.01)]


@given(
    waits=st.lists(st.integers(0, 200) | st.none(), min_size=1, max_size=20),
    draw=st.floats(0.0, 1.0, exclude_max=True),
)
def test_whatever_github_asks_for__the_job_sleeps_no_longer_than_its_budget(waits, draw):
    pauses = []
    sleep = patience(pauses, draw=draw)
    for wait in waits:
        error = limited() if wait is None else limited(**{"retry-after": str(wait)})
        with pytest.raises(GitHubError) as raised:
            with_retries(always(error), sleep=sleep)
        assert raised.value is error
    assert sum(pauses) <= BUDGET_S
    assert sleep.left_s == pytest.approx(BUDGET_S - sum(pauses))


def test_budget_spent__nothing_is_slept_and_the_refusal_is_told():
    pauses = []
    sleep = patience(pauses, left_s=5.0)
    with pytest.raises(OutOfPatience):
        sleep(6.0)
    assert (pauses, sleep.left_s) == ([], 5.0)
    with pytest.raises(GitHubError, match="7 s of patience"):
        with_retries(always(limited(**{"retry-after": "7"})), sleep=sleep)
    assert pauses == []


def test_limit_that_names_no_time__a_minute_and_then_no_more():
    pauses = []
    with pytest.raises(GitHubError):
        with_retries(always(limited()), sleep=pauses.append)
    assert pauses == [60.0]


@pytest.mark.parametrize(
    ("message", "pauses"),
    [("Reference update conflict", [1.0, 2.0, 4.0]), ("Git Repository is empty.", [])],
)
def test_conflict__another_try_where_it_can_help(message, pauses):
    slept = []
    error = refused(doing="x", status=409, message=message, headers={}, now=0.0)
    with pytest.raises(GitHubError):
        with_retries(always(error), sleep=slept.append)
    assert slept == pauses


@pytest.mark.parametrize("status", [401, 403, 404])
def test_refusal__names_the_permission_to_grant(status):
    error = refused(
        doing="x", status=status, message="", headers={}, now=0.0, permission="checks: write"
    )
    assert "`permissions: checks: write`" in error.fix
    assert error.wait_s is None
