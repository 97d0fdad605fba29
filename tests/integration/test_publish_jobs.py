"""Jobs of one run with results of one suite: a comment each, whatever happens at once."""

import pytest

from perfgate.github.client import GitHubComments
from perfgate.github.keys import Job
from perfgate.github.problems import with_retries
from perfgate.github.suite_comments import Result, Signature, put
from tests.fakes.github_server import BOT, FakeGitHub

COMMENTS = r"/issues/7/comments$"
MATRIX = [("h100", "c1"), ("a100", "c1"), ("h100", "c2")]


@pytest.fixture
def github():
    with FakeGitHub() as server:
        yield server


def signed(body):
    """Bodies here are `ours|key|run|hardware|cases|what was said`."""
    match body.split("|"):
        case ["ours", key, run, hardware, cases, _]:
            return Signature(key=key, job=Job(run=run, hardware=hardware, cases=cases))
    return None


@pytest.fixture
def write(github):
    def write(hardware="h100", cases="c1", *, run="77.1", key="", says="slower", wanted=True):
        api = GitHubComments(
            token="a-token",
            repository=github.repository,
            api_url=github.url,
            seconds_between_writes=0,
        )
        result = Result(
            pull_request=7,
            job=Job(run=run, hardware=hardware, cases=cases),
            key=key,
            wanted=wanted,
            signed=signed,
            render=lambda chosen, _: f"ours|{chosen}|{run}|{hardware}|{cases}|{says}",
        )
        with api:
            return with_retries(lambda: put(api, result), sleep=lambda _: None)

    return write


@pytest.fixture
def said(github):
    """Who says what, by key."""

    def said():
        found = [comment["body"].split("|") for comment in github.by(BOT)]
        assert len({one[1] for one in found}) == len(found), found
        return {one[1]: (one[3], one[4], one[5]) for one in found}

    return said


def test_alone__one_comment_through_all_runs(write, said):
    for run in ("76.1", "77.1", "77.2"):
        write(run=run, says=run)
    assert said() == {"": ("h100", "c1", "77.2")}


def test_matrix__a_comment_each_and_the_same_ones_in_the_next_run(write, said, github):
    for job in MATRIX:
        write(*job, says="first")
    assert said() == {
        "": ("h100", "c1", "first"),
        "a100": ("a100", "c1", "first"),
        "h100-c2": ("h100", "c2", "first"),
    }
    for job in reversed(MATRIX):
        write(*job, run="78.1", says="second")
    assert {what for *_, what in said().values()} == {"second"}
    assert len(github.by(BOT)) == 3


def test_key__its_own_comment_and_none_else_is_touched(write, said):
    write(says="no key")
    write(key="nightly", says="nightly")
    write(key="nightly", run="78.1", says="nightly again")
    assert said() == {
        "": ("h100", "c1", "no key"),
        "nightly": ("h100", "c1", "nightly again"),
    }


def test_one_key_for_two_jobs__neither_overwrites_the_other(write, said):
    write("h100", key="gpu")
    write("a100", key="gpu")
    assert said().keys() == {"gpu", "gpu-a100"}


def test_at_once__both_find_none_and_each_has_its_own_in_the_end(write, said, github):
    github.meanwhile("POST", COMMENTS, lambda: write("a100", says="theirs"))
    made, key = write("h100", says="ours")
    assert key == "h100"
    assert said() == {"": ("a100", "c1", "theirs"), "h100": ("h100", "c1", "ours")}
    assert made.body.startswith("ours|h100|")


def test_the_same_job_twice_at_once__one_comment(write, said, github):
    github.meanwhile("POST", COMMENTS, lambda: write(says="theirs"))
    write(says="ours")
    assert said() == {"": ("h100", "c1", "ours")}


@pytest.mark.parametrize("how", ["lose", "drop", "truncate"])
@pytest.mark.parametrize("method", ["GET", "POST", "PATCH"])
def test_cut_anywhere_while_jobs_compete__a_comment_each(write, said, github, method, how):
    github.meanwhile("POST", COMMENTS, lambda: write("a100", says="theirs"))
    github.fail(method, "/comments", how=how)
    write("h100", says="ours")
    assert {who[0]: who[2] for who in said().values()} == {"a100": "theirs", "h100": "ours"}


def test_left_over_from_a_cut__removed_by_the_next(write, said, github):
    write("a100", says="theirs")
    github.add_comment("ours||77.1|h100|c1|never moved", author=BOT)
    write("h100", says="ours")
    assert said() == {"": ("a100", "c1", "theirs"), "h100": ("h100", "c1", "ours")}


def test_second_comment_of_an_older_run__removed(write, said, github):
    write(run="76.1", says="old")
    github.add_comment("ours||75.1|gone|c0|older", author=BOT)
    write(says="new")
    assert said() == {"": ("h100", "c1", "new")}


def test_not_wanted__only_what_stands_is_brought_up_to_date(write, said, github):
    assert write(wanted=False) is None
    assert github.comments == []
    write(run="76.1", says="slower")
    assert write(wanted=False, says="as fast") is not None
    assert said() == {"": ("h100", "c1", "as fast")}


def test_not_wanted__another_jobs_comment_is_left_alone(write, said):
    write("a100", says="slower")
    assert write("h100", wanted=False, says="as fast") is None
    assert said() == {"": ("a100", "c1", "slower")}


def test_others_with_our_signature_are_left_alone(write, github):
    github.add_comment("ours||77.1|a100|c1|forged", author="someone")
    github.add_comment("another tool of the same account", author=BOT)
    write()
    assert [comment["edits"] for comment in github.comments] == [0, 0, 0]


def test_deleted_between_finding_and_editing__made_again(write, said, github):
    write(run="76.1", says="old")
    github.meanwhile("PATCH", "/issues/comments/", github.comments.clear)
    write(says="new")
    assert said() == {"": ("h100", "c1", "new")}
