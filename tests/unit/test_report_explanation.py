"""Why a case is slower, in words: on a terminal, and as a fold of the comment."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from perfgate.errors import ConfigurationError
from perfgate.records.explained import parse_explanation
from perfgate.report.comment import MAX_COMMENT_CHARS, render_comment
from perfgate.report.explanation import nothing_of, summary_of, told_row, work_of
from perfgate.report.explanation_fold import explanation_fold
from perfgate.report.explanation_terminal import render_explanation
from perfgate.report.words import TIMES
from tests.explanations import a_row, an_explained_case, an_explanation
from tests.factories import a_case_decision, a_decision, a_metric
from tests.fuzz.shown import page_of, spoken

HOSTILE = "x | y <img src=x> `@octocat` #12 ::error::x\n\n# h https://evil.example \x1b[31m"


def a_slower(*names: str):
    metrics = [a_metric("end-to-end", 1000, 1080, "regressed")]
    cases = [a_case_decision(name, "regressed", metrics) for name in names or ("wan_t2v_tiny",)]
    return a_decision(cases)


def on_a_terminal(explanation) -> str:
    console = Console(file=io.StringIO(), width=120, highlight=False, _environ={})
    render_explanation(explanation, console)
    return console.file.getvalue()


class TestRows:
    def test_more_calls(self) -> None:
        told = told_row(a_row(shapes_head="2x640x96 float"))
        assert told.what == "clone (2x640x96 float)"
        assert told.where == (
            "DenoisingStage · every step · CrossTransformer / CrossBlock / SelfAttention"
        )
        assert told.calls == f"8 → 16 ({TIMES}2)"
        assert (told.time, told.change) == ("80 → 160 ms", "+80 ms")

    def test_other_shapes(self) -> None:
        row = a_row("shapes", shapes_base="1x64 long", shapes_head="1x128 long", includes=4)
        assert told_row(row).what == (
            "clone: 1x64 long → 1x128 long, first of 5 places with other shapes"
        )

    def test_slower_calls_have_a_deviation(self) -> None:
        told = told_row(a_row("time"))
        assert (told.calls, told.change) == ("8", "+80 ms (±4.2 ms)")

    def test_time_outside_of_every_operator(self) -> None:
        row = a_row("time", what="range", path=("step",), steps="")
        assert told_row(row).what == "step, outside of what it calls"
        assert told_row(row).where == "DenoisingStage"

    def test_a_stage_itself(self) -> None:
        assert told_row(a_row(what="range", path=())).what == "DenoisingStage"


def test_the_whole_change_is_split() -> None:
    assert summary_of(an_explained_case()) == (
        "7 captures of each side, 1.41 → 1.49 s with the profiler on. +84 ms on the host: "
        "+80 by other numbers of calls, +4.0 by the time of a call."
    )


def test_flops_and_memory_stand_beside_each_other() -> None:
    case = an_explained_case(
        flops_base=60e9,
        flops_head=63e9,
        memory_base_mb={"host": 100.0, "device": 0.0},
        memory_head_mb={"host": 150.0},
    )
    assert work_of(case) == [
        "FLOPs: 60 → 63 GFLOP (+5.0 %)",
        "host memory: 100 → 150 MiB (+50.0 %)",
    ]


def test_no_row_says_so() -> None:
    assert nothing_of(an_explained_case([], hidden=3)) == (
        "No call, shape or time of a call differs beyond noise; 3 times moved within its noise."
    )


def test_terminal__rows_notes_and_what_was_not_explained() -> None:
    notes = tuple(f"head capture {index}: the trace is no plain file" for index in range(7))
    cases = [
        an_explained_case(hidden=2, notes=notes),
        an_explained_case([], "other", problem="only 3 of head of at least 5 captures"),
    ]
    text = on_a_terminal(an_explanation(cases))
    assert "clone" in text
    assert "2 times moved by less than three deviations" in text
    assert "And 2 more notes" in text
    assert "Not explained: only 3 of head" in text


class TestComment:
    def test_the_top_rows_of_a_slower_case_come_first_among_the_folds(self) -> None:
        rows = [a_row(path=(f"aten::op{index}",)) for index in range(8)]
        explanation = an_explanation([an_explained_case(rows)])
        comment = render_comment(a_slower(), explanation=explanation)
        assert "<summary>Why: what the profiler saw</summary>" in comment
        assert "op4" in comment
        assert "op5" not in comment
        assert "And 3 more rows in explanation.json" in comment
        assert comment.index("what the profiler saw") < comment.index("How this was measured")

    def test_a_case_that_is_not_slower_is_not_explained(self) -> None:
        assert explanation_fold(a_decision(), an_explanation(), room=9_000) is None
        assert "profiler" not in render_comment(a_decision(), explanation=an_explanation())

    def test_without_an_explanation_the_comment_is_as_it_was(self) -> None:
        assert render_comment(a_slower(), explanation=None) == render_comment(a_slower())
        assert "profiler" not in render_comment(a_slower())

    def test_several_cases_are_bounded(self) -> None:
        names = [f"case{index}" for index in range(9)]
        explanation = an_explanation([an_explained_case(id=name) for name in names])
        fold = explanation_fold(a_slower(*names), explanation, room=50_000)
        assert fold is not None
        assert fold.body.count("| clone") == 3
        assert "And 6 more cases in explanation.json" in fold.body

    def test_no_room_is_no_fold(self) -> None:
        assert explanation_fold(a_slower(), an_explanation(), room=20) is None

    def test_hostile_names_are_words_and_nothing_else(self) -> None:
        row = a_row(path=(HOSTILE, HOSTILE), stage=HOSTILE, steps=HOSTILE, shapes_base=HOSTILE)
        kind = a_row("shapes", path=(HOSTILE,), shapes_base=HOSTILE, shapes_head=HOSTILE)
        case = an_explained_case(
            [row, kind], memory_base_mb={HOSTILE: 1}, memory_head_mb={HOSTILE: 2}
        )
        hostile = page_of(render_comment(a_slower(), explanation=an_explanation([case])))
        word = a_row(path=("word", "word"), stage="word", steps="word", shapes_base="word")
        like_kind = a_row("shapes", path=("word",), shapes_base="word", shapes_head="word")
        like_case = an_explained_case(
            [word, like_kind], memory_base_mb={"word": 1}, memory_head_mb={"word": 2}
        )
        like = page_of(render_comment(a_slower(), explanation=an_explanation([like_case])))
        assert hostile.elements == like.elements
        assert hostile.links == like.links
        assert spoken(hostile) == []

    def test_a_hostile_problem_is_words_too(self) -> None:
        case = an_explained_case([], problem=HOSTILE)
        page = page_of(render_comment(a_slower(), explanation=an_explanation([case])))
        assert "img" not in {one.split()[0] for one in page.elements}
        assert spoken(page) == []

    def test_numbers_beyond_reason_keep_the_comment_within_its_limit(self) -> None:
        row = a_row(base_ms=1e300, head_ms=1e308, more_calls_ms=1e308, calls_head=10**9)
        case = an_explained_case(
            [row] * 50, request_head_ms=1e308, flops_base=1.0, flops_head=1e308
        )
        comment = render_comment(a_slower(), explanation=an_explanation([case]))
        assert len(comment.encode()) < MAX_COMMENT_CHARS


class TestDocument:
    def test_it_is_read_back_as_it_was_written(self) -> None:
        explanation = an_explanation()
        assert parse_explanation(explanation.to_json(), source="it") == explanation

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "[]",
            '{"schema": "perfgate.record"}',
            an_explanation().to_json().replace('"version": 1', '"version": 2'),
            an_explanation().to_json().replace("80.0", "NaN"),
            an_explanation().to_json().replace("wan_t2v_tiny", "../../etc"),
            an_explanation([an_explained_case([a_row()] * 50)])
            .to_json()
            .replace('"stage": "DenoisingStage"', f'"stage": "{"x" * 300}"'),
        ],
    )
    def test_what_is_none_is_refused(self, text: str) -> None:
        with pytest.raises(ConfigurationError, match="explanation"):
            parse_explanation(text, source="explanation.json")
