"""The score command as a real process: what counts as a score, and what is told where none came."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from perfgate import process
from perfgate.app.measuring.accuracy import score
from perfgate.records import Accuracy, Side, Tree
from perfgate.sides.checkout import Checkout
from perfgate.suite import Case
from tests.repositories import environment


def scored(
    tree: Path, command: str | None, *, timeout_s: float = 30, **env: str
) -> Accuracy | None:
    case = Case.model_validate(
        {
            "id": "bench",
            "backend": "command",
            "command": "true",
            "env": env,
            "accuracy": command and {"command": command, "minimum": 0.9},
        }
    )
    scratch = tree / "scratch"
    scratch.mkdir()
    checkout = Checkout(
        side=Side.HEAD,
        tree=Tree(commit="a" * 40, ref="feature"),
        path=tree,
        python=Path(sys.executable),
        env=environment(PERFGATE_SIDE="head"),
    )
    found = score(case, checkout, run=process.run, scratch=scratch, timeout_s=timeout_s)
    assert list(scratch.iterdir()) == []
    return found


def test_a_case_without_accuracy__is_not_scored(tmp_path: Path) -> None:
    assert scored(tmp_path, None) is None


def test_the_last_line__is_the_score(tmp_path: Path) -> None:
    found = scored(tmp_path, "echo loading; echo 0.1; echo ' 9.5e-1 '; echo")
    assert found == Accuracy(score=0.95, minimum=0.9)


def test_what_comes_on_standard_error_afterwards__hides_no_score(tmp_path: Path) -> None:
    assert scored(tmp_path, "echo 0.95; echo 0.1 >&2") == Accuracy(score=0.95, minimum=0.9)


def test_much_output__only_its_end_is_read(tmp_path: Path) -> None:
    found = scored(tmp_path, "yes 0.1 | head -n 100000; echo 0.97")
    assert found == Accuracy(score=0.97, minimum=0.9)


def test_the_command__runs_in_heads_tree_with_the_cases_environment(tmp_path: Path) -> None:
    (tmp_path / "scores").write_text("0.25\n0.96\n")
    found = scored(tmp_path, 'test "$PERFGATE_SIDE" = head && cat "$NAMED"', NAMED="scores")
    assert found == Accuracy(score=0.96, minimum=0.9)


@pytest.mark.parametrize(
    ("command", "failure"),
    [
        ("true", "the score command printed no score"),
        ("echo 0.9; echo done", "the score command ended with 'done', not with a number"),
        ("echo nan", "the score command ended with 'nan', not with a number"),
        ("echo inf", "the score command ended with 'inf', not with a number"),
        ("echo 95%", "the score command ended with '95%', not with a number"),
        ("echo 0.99; echo no file >&2; exit 3", "the score command exited with 3: no file"),
        ("printf '\\377\\376'", "the score command ended with '��', not with a number"),
    ],
)
def test_no_score__is_a_failure_that_says_why(tmp_path: Path, command: str, failure: str) -> None:
    assert scored(tmp_path, command) == Accuracy(minimum=0.9, failure=failure)


def test_a_command_that_hangs__is_a_failure(tmp_path: Path) -> None:
    found = scored(tmp_path, "echo 0.99; exec sleep 60", timeout_s=1)
    assert found is not None
    assert found.score is None
    assert found.failure == "the score command did not end within 1 s and was killed"
