"""Issues of the real client against a server: listed, opened, edited, and what is refused."""

import pytest

from perfgate.github.problems import GitHubError
from perfgate.github.tracker import GitHubIssues
from tests.fakes.github_issues import NOW
from tests.fakes.github_server import BOT, FakeGitHub

CLOSED_S = 1795302000


@pytest.fixture
def github(tmp_path):
    with FakeGitHub(folder=tmp_path / "origin.git") as server:
        yield server


@pytest.fixture
def api(github):
    with GitHubIssues(
        token="a-token", repository=github.repository, api_url=github.url, seconds_between_writes=0
    ) as api:
        yield api


def test_opened__as_it_is_listed_afterwards(api, github):
    made = api.open_issue(title="slower", body="by far", labels=["perfgate: regression"])
    assert (made.number, made.author, made.is_open) == (8, BOT, True)
    assert made.labels == {"perfgate: regression"}
    assert list(api.issues(BOT)) == [made]
    assert list(api.issues("someone")) == []  # pull request 7 is none


def test_listed__all_pages_the_oldest_first_and_nobody_elses(api, github):
    github.issues.page_limit = 2
    ours = [github.issues.add(f"ours {number}", "", author=BOT).number for number in range(5)]
    github.issues.add("theirs", "")
    github.issues.add("of nobody", "", author=None)
    assert [one.number for one in api.issues(BOT)] == ours
    assert len(github.asked("GET", "/issues")) == 3


def test_pages_without_an_end(api, github):
    github.issues.page_limit = 1
    for number in range(101):
        github.issues.add(f"ours {number}", "", author=BOT)
    with pytest.raises(GitHubError, match="no end"):
        list(api.issues(BOT))


def test_closed_and_opened_again(api, github):
    issue = github.issues.add("slower", "by far", author=BOT)
    closed = api.edit_issue(issue.number, body="back", change="completed")
    assert (closed.is_open, closed.reason, closed.closed_s) == (False, "completed", CLOSED_S)
    assert issue.closed_at == NOW
    reopened = api.edit_issue(issue.number, body="slow again", change="reopened")
    assert (reopened.is_open, reopened.reason, reopened.closed_s) == (True, "reopened", None)
    assert issue.body == "slow again"


def test_edited__what_somebody_closed_meanwhile_stays_closed(api, github):
    issue = github.issues.add("slower", "by far", author=BOT)
    github.issues.close(issue, reason="not_planned")
    edited = api.edit_issue(issue.number, body="by far, still")
    assert (edited.is_open, edited.reason) == (False, "not_planned")


def test_duplicate(api, github):
    issue = github.issues.add("slower", "", author=BOT)
    closed = api.edit_issue(issue.number, body="-", change="duplicate")
    assert closed.reason == "duplicate"


def test_comments_of_an_issue(api, github):
    issue = github.issues.add("slower", "", author=BOT)
    made = api.create(issue.number, "worse again")
    assert [one.id for one in api.comments(issue.number)] == [made.id]


def test_commits_between__the_first_of_them_and_how_many(api, github):
    base = github.bare.commit("main", "start", files={"a": "0"})
    for number in range(12):
        tip = github.bare.tip("main")
        files = {"a": str(number + 1)}
        github.bare.commit("main", f"change {number}\n\nwhy", files=files, parents=[tip])
    found = api.between(base, github.bare.tip("main"), most=10)
    assert found.total == 12
    assert [one.message for one in found.commits] == [f"change {n}\n\nwhy" for n in range(10)]
    assert found.commits[0].author == "someone"


def test_unknown_commits(api, github):
    with pytest.raises(GitHubError) as raised:
        api.between("0" * 40, "1" * 40, most=10)
    assert raised.value.status == 404
    assert "contents: read" in raised.value.fix


@pytest.mark.parametrize(
    ("refusal", "told"),
    [
        ({"status": 403, "message": "Resource not accessible by integration"}, "issues: write"),
        ({"status": 410, "message": "Issues has been disabled in this repository."}, "Switch on"),
    ],
)
def test_refused__told_with_what_to_do(api, github, refusal, told):
    github.fail("POST", "/issues", **refusal)
    with pytest.raises(GitHubError) as raised:
        api.open_issue(title="slower", body="", labels=[])
    assert told in raised.value.fix
    assert raised.value.wait_s is None


@pytest.mark.parametrize(
    "answer", [{"body": {}}, {"body": [{"number": 3}]}, {"body": [3]}, {"body": b"<html>"}]
)
def test_another_shape__another_try_may_help(api, github, answer):
    github.fail("GET", "/issues", **answer)
    with pytest.raises(GitHubError) as raised:
        list(api.issues(BOT))
    assert raised.value.wait_s == 0
