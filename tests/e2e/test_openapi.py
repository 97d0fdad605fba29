"""The check against GitHub's description is really one: it finds what GitHub would not say."""

import dataclasses
import json

import pytest

from perfgate.github.client import GitHubComments
from perfgate.github.comments import Comment
from tests.fakes.github_server import FakeGitHub


@pytest.fixture
def patch():
    """The exchange in which a comment is updated."""
    with FakeGitHub() as server:
        number = server.add_comment("before")
        with GitHubComments(
            token="a-token", repository=server.repository, api_url=server.url
        ) as api:
            api.edit(7, Comment(id=number, author="", body="", url=""), "after")
        (exchange,) = server.exchanges
    return exchange


def test_right_exchange(github_description, patch):
    assert github_description.problems([patch]) == []


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"response_body": b'{"id": 3}'}, "node_id"),
        ({"request_body": json.dumps({"text": "x"}).encode()}, "body"),
        ({"url": "/repos/octo/bench/notes/3"}, "no such address"),
        ({"status": 299}, "299"),
        ({"method": "PUT"}, "put"),
    ],
    ids=["answer", "request", "address", "status", "method"],
)
def test_wrong_exchange(github_description, patch, wrong, told):
    (problem, *_) = github_description.problems([dataclasses.replace(patch, **wrong)])
    assert told in problem


@pytest.mark.parametrize(
    ("status", "body", "good"),
    [
        (403, {"message": "Resource not accessible", "documentation_url": "https://x"}, True),
        (403, {"error": "no"}, False),
        (299, {"message": "Resource not accessible", "documentation_url": "https://x"}, False),
    ],
    ids=["as refusals are", "other words", "no refusal"],
)
def test_refusal_that_is_not_described(github_description, patch, status, body, good):
    told = dataclasses.replace(patch, status=status, response_body=json.dumps(body).encode())
    assert (github_description.problems([told]) == []) is good


def test_ordered_answer__its_request_is_held_all_the_same(github_description, patch):
    ordered = dataclasses.replace(patch, ordered=True, status=502, response_body=b"")
    assert github_description.problems([ordered]) == []
    wrong = dataclasses.replace(ordered, request_body=b"{}")
    assert len(github_description.problems([wrong])) == 1
