"""Tracker issues night after night: one for each regression, whatever happens in between."""

import pytest

from perfgate.app.tracking.track import MOST_NEW
from perfgate.github.problems import GitHubError
from perfgate.report.tracker import EXPECTED_LABEL, REGRESSION_LABEL
from perfgate.verdict.tracking import Do
from tests.fakes.github_server import BOT, FakeGitHub
from tests.histories import a_run
from tests.tracking import SLOWER, a_job, a_plan, levels

BACK = (*SLOWER, (20, 1000.0))
WORSE = (*SLOWER, (20, 1300.0))


@pytest.fixture
def github(tmp_path):
    with FakeGitHub(folder=tmp_path / "origin.git") as server:
        yield server


@pytest.fixture
def issue(github):
    """The issue of a regression that was found."""
    a_job(github, levels(*SLOWER))
    (issue,) = github.issues.all
    return issue


def writes(github):
    """What was asked for since, but for reading and for whose token it is."""
    told = [
        f"{one.method} {one.path.removeprefix('/repos/octo/bench')}" for one in github.exchanges
    ]
    return [one for one in told if not one.startswith("GET") and "graphql" not in one]


def did(outcome):
    return [one.do for one in outcome.done]


def test_a_regression__one_issue(github):
    outcome = a_job(github, levels(*SLOWER))
    (issue,) = github.issues.open
    assert issue.title.startswith("wan_t2v_tiny is slower: end-to-end +10.0 % in sglang on nvidia")
    assert (issue.author, issue.labels) == (BOT, [REGRESSION_LABEL])
    assert issue.body.startswith("<!-- perfgate:regression line=")
    assert did(outcome) == [Do.OPEN]
    assert outcome.done[0].url.endswith(f"/issues/{issue.number}")
    assert github.comments == []


def test_the_same_job_again__nothing_is_written(github, issue):
    github.recount()
    assert did(a_job(github, levels(*SLOWER))) == [Do.UPDATE]
    assert writes(github) == []


def test_the_next_night__the_body_says_so_and_nobody_is_told(github, issue):
    before = issue.body
    a_job(github, levels((60, 1000.0), (41, 1100.0)))
    assert issue.body != before
    assert "**Last seen** 2026-06-28" in issue.body
    assert github.comments == []
    assert len(github.issues.all) == 1


def test_a_case_that_did_not_change_or_got_faster__no_issue(github):
    lines = [levels((100, 1000.0)), levels((60, 1000.0), (40, 800.0), case="flux")]
    assert a_job(github, *lines).done == ()
    assert writes(github) == []


def test_recovered_before_it_was_told__no_issue(github):
    assert a_job(github, levels(*BACK)).done == ()


def test_worse__one_comment_and_an_issue_of_its_own(github, issue):
    for _ in range(2):
        a_job(github, levels(*WORSE))
    (comment,) = github.comments
    assert "Slower again." in comment["body"]
    assert "told before: +10.0 %" in comment["body"]
    assert len(github.issues.open) == 2
    assert "+18" in github.issues.open[1].title


def test_back__closed_with_a_comment_and_left_alone_then(github, issue):
    assert did(a_job(github, levels(*BACK))) == [Do.RECOVERED]
    assert (issue.state, issue.reason) == ("closed", "completed")
    (comment,) = github.comments
    assert "Back to where it was." in comment["body"]
    github.recount()
    assert did(a_job(github, levels(*BACK))) == []
    assert writes(github) == []


def test_back_and_slow_again__another_issue(github, issue):
    a_job(github, levels(*BACK))
    a_job(github, levels(*BACK, (20, 1100.0)))
    assert [one.state for one in github.issues.all] == ["closed", "open"]


def test_it_was_not_back_after_all__opened_again(github, issue):
    a_job(github, levels((100, 1000.0)))
    assert issue.state == "closed"
    assert did(a_job(github, levels(*SLOWER))) == [Do.REOPEN]
    assert (issue.state, issue.reason) == ("open", "reopened")
    assert [one["body"].split("\n")[1][:16] for one in github.comments] == [
        "Back to where it",
        "Opened again, si",
    ]
    assert len(github.issues.all) == 1


def test_the_workload_changed__closed(github, issue):
    lines = [
        levels((60, 1000.0), (40, 1100.0)),
        levels((20, 1100.0), workload_hash="f" * 16, first_night=100),
    ]
    assert did(a_job(github, *lines)) == [Do.ENDED]
    assert issue.state == "closed"
    assert "The workload of this case changed" in github.comments[0]["body"]


def test_labelled_as_expected__closed_as_such_and_never_opened_again(github, issue):
    issue.labels.append(EXPECTED_LABEL)
    assert did(a_job(github, levels(*SLOWER))) == [Do.EXPECTED]
    assert (issue.state, issue.reason) == ("closed", "not_planned")
    github.recount()
    a_job(github, levels((60, 1000.0), (50, 1100.0)))
    assert writes(github) == []


def test_closed_as_not_planned__never_opened_again(github, issue):
    github.issues.close(issue, reason="not_planned")
    github.recount()
    a_job(github, levels((60, 1000.0), (80, 1100.0)))
    assert writes(github) == []


def test_opened_again_by_a_person__not_closed_a_second_time(github, issue):
    a_job(github, levels(*BACK))
    issue.state, issue.reason, issue.closed_at = "open", "reopened", None
    github.recount()
    assert did(a_job(github, levels(*BACK))) == [Do.LEAVE]
    assert writes(github) == []


def test_somebody_elses_issue_with_our_marker__is_not_ours(github, issue):
    copied = github.issues.add(issue.title, issue.body, author="mallory")
    issue.body = "gone"
    a_job(github, levels(*SLOWER))
    assert copied.edits == 0
    assert [one.author for one in github.issues.all] == [BOT, "mallory", BOT]


def test_two_jobs_at_once__the_younger_issue_is_closed_as_a_duplicate(github):
    github.meanwhile("POST", "/issues$", lambda: a_job(github, levels(*SLOWER)))
    a_job(github, levels(*SLOWER))
    first, second = github.issues.all
    assert (first.state, second.state, second.reason) == ("open", "closed", "duplicate")
    assert second.body.startswith(f"Duplicate of #{first.number}")
    github.recount()
    a_job(github, levels(*SLOWER))
    assert writes(github) == []


@pytest.mark.parametrize("how", ["lose", "truncate", "commit"])
def test_the_answer_to_opening_is_lost__one_issue(github, how):
    github.fail("POST", "/issues$", how=how, status=502)
    pauses = []
    a_job(github, levels(*SLOWER), sleep=pauses.append)
    assert len(github.issues.all) == 1
    assert pauses == [1.0]


@pytest.mark.parametrize("how", ["lose", "truncate", "commit"])
def test_the_answer_to_a_comment_is_lost__one_comment(github, issue, how):
    github.fail("POST", "/comments$", how=how, status=502)
    a_job(github, levels(*WORSE), sleep=lambda seconds: None)
    assert len(github.comments) == 1


def test_whose_token_it_is_cannot_be_asked__one_issue_stays_open(github):
    github.has_graphql = False
    github.logins = {"a-token": "an-app[bot]"}
    for _ in range(3):
        a_job(github, levels(*SLOWER))
    assert len(github.issues.open) == 1
    assert github.issues.open[0] is github.issues.all[0]


def test_an_issue_that_is_gone__the_others_go_on(github, issue):
    lines = [levels(*BACK), levels(*SLOWER, (20, 1100.0), case="flux")]
    github.fail("PATCH", "/issues/", status=410, message="This issue was deleted")
    outcome = a_job(github, *lines)
    assert did(outcome) == [Do.OPEN]
    (problem,) = outcome.problems
    assert problem.startswith(f"Issue {issue.number}: GitHub answered 410")


def test_no_permission__nothing_else_is_tried(github):
    github.read_only = True
    with pytest.raises(GitHubError) as raised:
        a_job(github, levels(*SLOWER))
    assert "issues: write" in raised.value.fix
    assert len(writes(github)) == 1


def test_everything_got_slower__as_many_issues_as_somebody_can_read(github):
    lines = [levels(*SLOWER, case=f"case_{number:02}") for number in range(MOST_NEW + 5)]
    (problem,) = a_job(github, *lines).problems
    assert problem.startswith("5 more regressions have no issue yet: one job opens 20.")
    assert len(github.issues.open) == MOST_NEW


def test_likely_commits__those_between(github):
    made = [github.bare.commit("main", "start", files={"a": "0"})]
    for number, message in enumerate(["Cache @bob's embeddings", "Use the exact decoder\n\n- x"]):
        files = {"a": f"{number + 1}"}
        made.append(github.bare.commit("main", message, files=files, parents=[made[-1]]))
    runs = [a_run(night, commit=made[0] if night < 60 else made[2]) for night in range(100)]
    a_job(github, levels(*SLOWER), runs=runs)
    body = github.issues.open[0].body
    assert f"compare/{made[0]}...{made[2]}" in body
    assert f"- {made[1][:12]} Cache @\u2060bob's embeddings (someone)" in body
    assert f"- {made[2][:12]} Use the exact decoder (someone)" in body


def test_commits_that_github_does_not_know__told_and_the_rest_stands(github, issue):
    assert "The commits between could not be had: GitHub answered 404" in issue.body


def test_a_plan__says_what_would_be_done_and_writes_nothing(github, issue):
    github.recount()
    lines = [levels(*BACK), levels(*SLOWER, (20, 1100.0), case="flux")]
    found = a_plan(github, *lines)
    assert [(one.do, bool(one.url)) for one in found.done] == [
        (Do.OPEN, False),
        (Do.RECOVERED, True),
    ]
    assert writes(github) == []
