"""Why a case is slower, in the comment that is published: read from the folder, never trusted."""

from __future__ import annotations

import pytest

from perfgate.errors import ExitCode
from tests.explanations import an_explanation
from tests.fakes.github_server import BOT, FakeGitHub
from tests.publishing import FakeEdges, Publisher, a_regression

TITLE = "Why: what the profiler saw"


@pytest.fixture
def github():
    with FakeGitHub() as server:
        yield server


@pytest.fixture
def edges():
    return FakeEdges()


@pytest.fixture
def publish(github, edges, tmp_path):
    """Publish a regression with this text as its explanation; returns the comment."""

    def publish(text):
        folder = tmp_path / "perfgate-out"
        folder.mkdir()
        if text is not None:
            (folder / "explanation.json").write_text(text)
        assert Publisher(github=github, edges=edges, folder=folder)(a_regression()) is ExitCode.OK
        (comment,) = github.by(BOT)
        return comment["body"]

    return publish


def test_the_explanation_of_the_same_trees_is_in_the_comment(publish):
    comment = publish(an_explanation().to_json())
    assert TITLE in comment
    assert "clone" in comment


def test_without_one_nothing_is_said(publish, edges):
    assert TITLE not in publish(None)
    assert edges.told("warning") == []


def test_one_of_other_trees_is_left_out(publish):
    other = an_explanation().head.model_copy(update={"commit": "f" * 40})
    assert TITLE not in publish(an_explanation(head=other).to_json())


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema": "perfgate.decision"}'])
def test_a_damaged_one_is_told_and_the_verdict_is_commented(publish, edges, text):
    comment = publish(text)
    assert "DecodingStage" in comment
    assert TITLE not in comment
    (warning,) = edges.told("warning")
    assert "explanation.json" in warning
