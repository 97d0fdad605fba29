"""The real client against a server on loopback: finding, paging, and everything that goes wrong."""

import pytest

from perfgate.errors import ExitCode
from perfgate.github.client import GitHubComments
from perfgate.github.comments import upsert
from perfgate.github.problems import GitHubError, with_retries
from tests.fakes.github_server import BOT, FakeGitHub

MARK = "<!-- ours -->"
COMMENTS = r"/issues/7/comments$"


@pytest.fixture
def github():
    with FakeGitHub() as server:
        yield server


@pytest.fixture
def pauses():
    return []


@pytest.fixture
def write(github, pauses):
    def write(text="result", *, token="a-token", api_url=None, timeout_s=5):
        client = GitHubComments(
            token=token,
            repository=github.repository,
            api_url=api_url or github.url,
            timeout_s=timeout_s,
            seconds_between_writes=0,
            now=lambda: 1_000_000.0,
        )
        with client as api:
            return with_retries(
                lambda: upsert(
                    api,
                    pull_request=7,
                    is_ours=lambda body: body.startswith(MARK),
                    render=lambda earlier: (
                        f"{MARK} {text}" + (f" after {earlier.split()[-1]}" if earlier else "")
                    ),
                ),
                sleep=pauses.append,
            )

    return write


def test_first_time_creates__second_time_updates(github, write):
    first = write("one")
    second = write("two")
    assert first.id == second.id
    assert [comment["body"] for comment in github.by(BOT)] == [f"{MARK} two after one"]
    assert second.url == f"{github.url}/octo/bench/pull/7#issuecomment-{first.id}"


@pytest.mark.parametrize(("others", "limit"), [(40, 30), (250, 100)], ids=["2 pages", "3 pages"])
def test_found_on_the_last_page(github, write, others, limit):
    github.page_limit = limit
    for number in range(others):
        github.add_comment(f"comment {number}")
    write("one")
    write("two")
    assert [comment["edits"] for comment in github.by(BOT)] == [1]
    assert len(github.comments) == others + 1


def test_others_with_our_marker_are_left_alone(github, write):
    github.add_comment(f"{MARK} forged", author="someone")
    github.add_comment(f"{MARK} of a deleted account", author=None)
    github.add_comment(f"> {MARK} quoted", author=BOT)
    github.add_comment("another tool of the same account", author=BOT)
    write("one")
    assert [comment["edits"] for comment in github.comments] == [0] * 5


def test_other_pull_request_is_left_alone(github, write):
    github.pull_requests.add(8)
    github.add_comment(f"{MARK} theirs", author=BOT, pull_request=8)
    write("one")
    assert [comment["edits"] for comment in github.comments] == [0, 0]


def test_two_of_ours__the_first_is_kept_up_to_date_and_the_other_goes(github, write):
    github.add_comment(f"{MARK} one", author=BOT)
    github.add_comment("in between")
    github.add_comment(f"{MARK} lost", author=BOT)
    write("two")
    assert [comment["body"] for comment in github.comments] == [
        f"{MARK} two after one",
        "in between",
    ]


def test_two_jobs_at_once__one_comment(github, write):
    github.meanwhile("POST", COMMENTS, lambda: write("theirs"))
    write("ours")
    (comment,) = github.by(BOT)
    assert comment["body"] == f"{MARK} ours after theirs"


def test_second_comment_that_another_job_removed__is_well(github, write):
    github.add_comment(f"{MARK} one", author=BOT)
    second = github.add_comment(f"{MARK} lost", author=BOT)
    github.meanwhile("DELETE", "/issues/comments/", github.comments.pop)
    write("two")
    assert second not in [comment["id"] for comment in github.comments]


def test_the_token_of_another_account(github, write):
    github.logins["a-pat"] = "release-manager"
    github.add_comment(f"{MARK} one", author="release-manager")
    write("two", token="a-pat")
    assert github.comments[0]["edits"] == 1


def test_no_graphql__the_account_of_a_job_is_assumed(github, write):
    github.has_graphql = False
    github.add_comment(f"{MARK} one", author=BOT)
    write("two")
    assert github.comments[0]["edits"] == 1


@pytest.mark.parametrize("gone", [True, False])
def test_deleted_between_finding_and_editing(github, write, gone):
    github.add_comment(f"{MARK} one", author=BOT)
    if gone:
        github.meanwhile("PATCH", "/issues/comments/", github.comments.clear)
    else:
        github.fail("PATCH", "/issues/comments/", status=404, message="Not Found")
    write("two")
    assert len(github.by(BOT)) == 1


@pytest.mark.parametrize("how", ["lose", "truncate"])
def test_lost_answer__no_second_comment(github, write, pauses, how):
    github.fail("POST", COMMENTS, how=how)
    write("one")
    assert len(github.by(BOT)) == 1
    assert pauses == [1.0]


@pytest.mark.parametrize("status", [500, 502, 503])
def test_server_error_passes(github, write, pauses, status):
    github.fail("GET", COMMENTS, status=status, times=2)
    write("one")
    assert pauses == [1.0, 2.0]
    assert len(github.by(BOT)) == 1


def test_retry_after_is_kept_when_it_is_short(github, write, pauses):
    github.fail("POST", COMMENTS, status=403, message="slow down", headers={"Retry-After": "7"})
    write("one")
    assert pauses == [7.0]


@pytest.mark.parametrize(
    ("fault", "pause"),
    [
        ({"status": 429, "message": "x"}, 60.0),
        ({"status": 403, "message": "You have exceeded a secondary rate limit."}, 60.0),
        (
            {
                "status": 403,
                "message": "API rate limit exceeded",
                "headers": {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1000020"},
            },
            21.0,
        ),
    ],
    ids=["429", "secondary", "primary, soon over"],
)
def test_rate_limit_passes(github, write, pauses, fault, pause):
    github.fail("GET", COMMENTS, **fault)
    write("one")
    assert pauses == [pause]


def refused(write, **how):
    with pytest.raises(GitHubError) as raised:
        write("one", **how)
    error = raised.value
    assert error.exit_code is ExitCode.PUBLISH
    assert "a-token" not in str(error)
    assert len(str(error)) < 900
    return error


@pytest.mark.parametrize(
    "headers",
    [
        {"Retry-After": "3600"},
        {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1003600"},
    ],
    ids=["retry-after", "reset"],
)
def test_rate_limit_for_an_hour__not_waited_for(github, write, pauses, headers):
    github.fail("GET", COMMENTS, status=403, message="API rate limit exceeded", headers=headers)
    error = refused(write)
    assert "rate limit" in error.problem
    assert "360" in error.problem
    assert pauses == []


def test_read_only_token__names_the_permission(github, write, pauses):
    github.read_only = True
    error = refused(write)
    assert "Resource not accessible by integration" in error.problem
    assert "pull-requests: write" in error.fix
    assert "fork" in error.fix
    assert pauses == []


def test_unknown_pull_request(github, write):
    github.pull_requests.clear()
    assert "pull-requests: write" in refused(write).fix


def test_wrong_token(write):
    assert "token" in refused(write, token="another").fix


def test_locked_conversation(github, write):
    github.fail("POST", COMMENTS, status=403, message="issue is locked")
    assert "Unlock" in refused(write).fix


def test_unprocessable(github, write):
    github.fail("POST", COMMENTS, status=422, message="Validation Failed")
    assert "422" in refused(write).problem


def test_server_error_stays(github, write, pauses):
    github.fail("GET", COMMENTS, status=500, times=99)
    assert "500" in refused(write).problem
    assert pauses == [1.0, 2.0, 4.0]


@pytest.mark.parametrize("how", ["drop", "truncate"])
def test_answers_that_never_come_whole(github, write, pauses, how):
    github.fail("GET", COMMENTS, how=how, times=99)
    assert "again later" in refused(write).fix
    assert len(pauses) == 3


def test_silent_server__is_not_waited_for(github, write, pauses):
    github.fail("GET", COMMENTS, how="hang")
    write("one", timeout_s=1)
    assert pauses == [1.0]
    assert len(github.by(BOT)) == 1


def test_nobody_listens(github, write):
    # The port is free again once the server has stopped.
    with FakeGitHub() as gone:
        url = gone.url
    assert url in refused(write, api_url=url).fix


@pytest.mark.parametrize(
    "body",
    [{}, [{}], "text", 3, {"data": 3}, [{"id": "x", "user": 3, "body": {}}]],
    ids=repr,
)
def test_answers_of_another_shape(github, write, body):
    github.fail("GET", COMMENTS, body=body, times=99)
    assert "could not be read" in refused(write).problem


def test_a_page_elsewhere_is_not_followed(github, write):
    elsewhere = '<http://example.invalid/steal?page=2>; rel="next"'
    page = [github._comment(_at(github), github._find(github.add_comment("x")))]
    github.fail("GET", COMMENTS, body=page, headers={"Link": elsewhere}, times=99)
    assert "could not be read" in refused(write).problem


def test_pages_without_end(github, write):
    again = f'<{github.url}/repos/octo/bench/issues/7/comments?page=2>; rel="next"'
    one = github.add_comment("x")
    page = [github._comment(_at(github), github._find(one))] * 100
    github.fail("GET", COMMENTS, body=page, headers={"Link": again}, times=10_000)
    with pytest.raises(GitHubError, match="no end"):
        write("one")


def _at(github):
    class Request:
        root = github.url

    return Request
