"""Which artifacts of a run are read, and which pull request it was for."""

from __future__ import annotations

import pytest

from perfgate.github.event import FinishedRun
from perfgate.github.runs import (
    MAX_ARCHIVE_BYTES,
    MAX_ARTIFACTS,
    Artifact,
    ProposedChange,
    chosen,
    pull_request_of,
    queue_base,
)


def an_artifact(name="perfgate-tiny", **more):
    return Artifact(**{"id": 1, "name": name, "size_bytes": 10, "expired": False} | more)


def a_run(**more):
    told = {
        "id": 42,
        "attempt": 1,
        "event": "pull_request",
        "conclusion": "success",
        "head_sha": "a" * 40,
        "head_branch": "faster",
        "head_owner": "mallory",
        "head_repository": "mallory/bench",
    }
    return FinishedRun(**told | more)


def a_change(**more):
    told = {
        "number": 7,
        "is_open": True,
        "head_sha": "a" * 40,
        "head_ref": "faster",
        "head_repository": "mallory/bench",
        "base_ref": "main",
        "base_sha": "b" * 40,
        "labels": (),
    }
    return ProposedChange(**told | more)


def test_chosen__ours_alone_and_of_each_name_the_newest():
    found = [an_artifact(id=1), an_artifact("logs", id=2), an_artifact(id=4), an_artifact(id=3)]
    kept, notes = chosen(found)
    assert [one.id for one in kept] == [4]
    assert notes == ()


def test_chosen__what_cannot_be_read_is_told():
    found = [
        an_artifact("perfgate-old", expired=True),
        an_artifact("perfgate-large", size_bytes=MAX_ARCHIVE_BYTES + 1),
    ]
    kept, (large, old) = chosen(found)
    assert kept == ()
    assert "perfgate-large is larger than" in large
    assert "perfgate-old has expired" in old


def test_chosen__an_expired_one_hides_no_older_one():
    """The newest attempt counts: what an earlier one measured is not this run's result."""
    kept, _ = chosen([an_artifact(id=1), an_artifact(id=2, expired=True)])
    assert kept == ()


def test_chosen__only_so_many():
    found = [an_artifact(f"perfgate-{number:03}", id=number) for number in range(MAX_ARTIFACTS + 1)]
    kept, (note,) = chosen(found)
    assert [one.id for one in kept] == list(range(MAX_ARTIFACTS))
    assert "of 21 artifacts 20 are read" in note


def test_chosen__a_name_stays_on_its_line():
    _, (note,) = chosen([an_artifact("perfgate\n::error::x", expired=True)])
    assert "\n" not in note


def test_pull_request_of__the_one_with_the_runs_commit():
    others = [a_change(number=8, head_sha="c" * 40), a_change(number=9, is_open=False)]
    found, why = pull_request_of(a_run(), [*others, a_change(head_repository="Mallory/Bench")])
    assert (found.number, why) == (7, "")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ([], "no open pull request is from mallory/bench:faster"),
        ([a_change(is_open=False)], "no open pull request"),
        ([a_change(head_ref="other")], "no open pull request"),
        ([a_change(head_repository="")], "no open pull request"),
        ([a_change(head_repository="mallory/copy")], "no open pull request"),
        ([a_change(head_sha="c" * 40)], "is at another commit than aaaaaaaaaaaa by now"),
        ([a_change(), a_change(number=8)], "several pull requests, 7, 8, are from"),
    ],
)
def test_pull_request_of__none_is_sure(changes, told):
    found, why = pull_request_of(a_run(), changes)
    assert found is None
    assert told in why


@pytest.mark.parametrize(
    ("run", "base"),
    [
        ({"head_branch": "gh-readonly-queue/main/pr-7-abc"}, "main"),
        ({"head_branch": "gh-readonly-queue/release/1.x/pr-7-abc"}, "release/1.x"),
        ({"head_branch": "main/pr-7-abc"}, None),
        ({"head_branch": "gh-readonly-queue/main"}, None),
        ({"head_branch": "gh-readonly-queue/pr-7-abc"}, None),
        ({"head_branch": "gh-readonly-queue/main/pr-7-x", "head_repository": "x/bench"}, None),
    ],
)
def test_queue_base__of_this_repositorys_groups_alone(run, base):
    assert queue_base(a_run(**{"head_repository": "Octo/bench", **run}), "octo/bench") == base
