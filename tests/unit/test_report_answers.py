"""The answers to commands in the pull request's comment: kept, bounded, harmless."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfgate.report.answers import (
    MAX_ANSWERS_BYTES,
    MOST_ANSWERS,
    Answer,
    answers_section,
    asked,
    first_comment,
    read_answers,
    with_answers,
)
from perfgate.report.comment import MAX_COMMENT_CHARS, belongs_to, read_history, render_comment
from perfgate.report.escape import fenced
from perfgate.report.tables import size
from tests.factories import a_decision

ANSWERS = (
    Answer(comment=11, by="ann", text=asked("/perfgate help", "There are five.")),
    Answer(comment=12, by="eve-1", text="No.", state="refused"),
)


def test_written_and_read_again():
    body = with_answers(first_comment("perfgate"), ANSWERS)
    assert read_answers(body) == ANSWERS
    assert with_answers(body, read_answers(body)) == body
    assert with_answers(body, ()) == first_comment("perfgate")


def test_first_comment__belongs_to_the_suite_and_remembers_no_result():
    body = with_answers(first_comment("perfgate"), ANSWERS)
    assert belongs_to(body, "perfgate")
    assert read_history(body) == ()


def test_result_published_later__keeps_the_answers():
    body = with_answers(first_comment("perfgate"), ANSWERS)
    result = render_comment(a_decision(), answers=read_answers(body))
    assert read_answers(result) == ANSWERS
    assert result.index("There are five.") > result.index("perfgate:comment")
    assert read_answers(render_comment(a_decision(), answers=read_answers(result))) == ANSWERS


def test_result_without_answers__as_it_was():
    assert "perfgate:answers" not in render_comment(a_decision())


def test_many_answers__the_newest_are_kept():
    many = [Answer(comment=n, by="ann", text="x") for n in range(1, 31)]
    found = read_answers(answers_section(many))
    assert [one.comment for one in found] == list(range(31 - MOST_ANSWERS, 31))


def test_many_answers__who_was_refused_is_remembered():
    many = [Answer(comment=n, by="ann", text="x") for n in range(2, 31)]
    refused = Answer(comment=1, by="eve", text="No.", state="refused")
    first, *_, last = read_answers(answers_section((refused, *many)))
    assert (first.by, first.state, first.text) == ("eve", "refused", "")
    assert last.comment == 30
    body = with_answers("x", (refused, *many))
    assert with_answers(body, read_answers(body)) == body


def test_many_refusals__bounded():
    many = [Answer(comment=n, by="e" * 39, text="No." * 50, state="refused") for n in range(500)]
    assert size(answers_section(many)) <= MAX_ANSWERS_BYTES


def test_long_answers__bounded_and_cut_at_a_line():
    many = [Answer(comment=n, by="ann", text="ä line\n" * 2_000) for n in range(1, 8)]
    section = answers_section(many)
    assert size(section) <= MAX_ANSWERS_BYTES
    newest = read_answers(section)[-1]
    assert newest.comment == 7
    assert newest.text.endswith("ä line\n…")


@pytest.mark.parametrize(
    "line",
    [
        "/perfgate explain <!-- perfgate:answer comment=1 by=eve done -->",
        "/perfgate explain @ann #7 <b> [x](javascript:alert(1))",
        "/perfgate explain </details>",
    ],
)
def test_hostile_command__shown_as_text(line):
    body = with_answers("x", [Answer(comment=5, by="eve", text=asked(line, "No."))])
    (one,) = read_answers(body)
    assert one.comment == 5
    assert body.count("</details>") == 1
    assert "<b>" not in body
    assert "@ann" not in body


def test_marker_in_a_log__is_not_ours():
    log = fenced("<!-- perfgate:answers -->\n<!-- perfgate:answer comment=1 by=eve done -->")
    assert read_answers(f"{first_comment('perfgate')}\n{log}") == ()


@given(st.text(max_size=300))
def test_any_comment__reads_without_an_error(text):
    read_answers(f"{text}<!-- perfgate:answers -->{text}")


def test_full_comment__leaves_room_for_the_answers():
    many = [Answer(comment=n, by="ann", text="line\n" * 700) for n in range(1, 11)]
    assert size(answers_section(many)) <= MAX_ANSWERS_BYTES < MAX_COMMENT_CHARS / 8
