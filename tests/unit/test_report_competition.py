"""What is told of a comparison of frameworks: tables, sentences, JUnit, sglang's own format."""

from __future__ import annotations

import io
import json
from typing import Any
from xml.etree import ElementTree as ET

from rich.console import Console

from perfgate.records.results import Failure, FailureKind, Results
from perfgate.report.competition.junit import render_junit
from perfgate.report.competition.markdown import render_markdown
from perfgate.report.competition.rows import headline, rows_of, winners
from perfgate.report.competition.sglang import render_sglang
from perfgate.report.competition.terminal import render_terminal
from perfgate.report.words import MINUS, NOTHING
from tests.competing import a_cell, some_results

CRASHED = Failure(kind=FailureKind.CRASHED, text="exited with 1")
NIGHT = some_results(
    a_cell("diffusers", 1000, 1010, 1020, 1005),
    a_cell("sglang", 800, 810, 805, 815, server=(790, 800, 795, 805), DenoisingStage=(700,) * 4),
    a_cell("vllm-omni"),
    a_cell("sglang", 1500, 1501, 1510, 1520, case="flux"),
    a_cell("diffusers", 1505, 1490, 1530, 1506, case="flux", failures=[CRASHED]),
)


def terminal(results: Results) -> str:
    console = Console(width=140, file=io.StringIO())
    render_terminal(results, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def told(results: Results) -> dict[tuple[str, str], str]:
    return {(row.case, row.framework): row.told for row in rows_of(results)}


class TestRows:
    def test_every_cell_has_a_number_with_its_spread_or_a_class_of_failure(self) -> None:
        assert told(NIGHT) == {
            ("wan", "sglang"): "fastest",
            ("wan", "diffusers"): "+24.8 %",
            ("wan", "vllm-omni"): "never healthy",
            ("flux", "sglang"): "lowest median",
            ("flux", "diffusers"): "0.0 %, spreads overlap; 1 launch failed: crashed",
        }
        row = rows_of(NIGHT)[0]
        assert (row.median, row.range) == ("808 ms", f"800 {NOTHING} 815 ms")
        assert (row.samples, row.interval, row.server) == ("4 in 4 launches", NOTHING, "798 ms")

    def test_an_interval_where_there_are_enough_launches(self) -> None:
        (row,) = rows_of(some_results(a_cell("a", *range(2000, 2009))))
        assert row.interval == f"2.00 {NOTHING} 2.01 s"

    def test_the_headline_counts(self) -> None:
        assert headline(NIGHT) == "2 cases in 3 frameworks: 4 cells measured, 1 failed"

    def test_who_wins_and_who_does_not(self) -> None:
        wan, flux = winners(NIGHT)
        assert (wan.subject, wan.text) == ("wan", "sglang is fastest; diffusers +24.8 %")
        assert flux.text == (
            "no winner: sglang has the lowest median, but its launches do not show it to be faster "
            "than diffusers (spreads overlap)"
        )

    def test_alone_nothing_is_won(self) -> None:
        alone = some_results(a_cell("a", 1.0), a_cell("b"))
        assert winners(alone) == []
        assert told(alone)["wan", "a"] == ""

    def test_eager_beside_compiled(self) -> None:
        eager, fast = (
            a_cell("sglang", 100, 101, 102, 103),
            a_cell("sglang-compiled", 80, 81, 82, 83),
        )
        assert (
            winners(some_results(eager, fast))[1].text
            == f"sglang compiled: {MINUS}19.7 % against eager"
        )


class TestForms:
    def test_markdown(self) -> None:
        text = render_markdown(NIGHT)
        assert "| **wan**  | **sglang**  |" in text
        assert "- **wan**: sglang is fastest; diffusers +24.8 %" in text
        assert "- **wan · vllm-omni**: never healthy: no answer in 20 min" in text
        assert "95 %" not in text

    def test_the_terminal_says_the_same(self) -> None:
        text = terminal(NIGHT)
        for line in ("sglang is fastest", "never healthy", "1 launch failed: crashed", "808 ms"):
            assert line in text

    def test_nothing_measured(self) -> None:
        empty = some_results(notes=("stopped by SIGINT: what was measured until then counts",))
        assert "Nothing was measured." in render_markdown(empty)
        assert "stopped by SIGINT" in render_markdown(empty)
        assert "stopped by SIGINT" in terminal(empty)
        assert ET.fromstring(render_junit(empty)).get("failures") == "1"

    def test_what_a_framework_says_is_shown_and_does_nothing(self) -> None:
        hostile = "::error::owned <img src=x> @octocat\n| a | b |"
        failure = Failure(kind=FailureKind.CRASHED, text=hostile)
        results = some_results(a_cell("a", failures=[failure]), notes=(hostile,))
        text = render_markdown(results)
        assert "<img" not in text
        assert "@octocat" not in text
        assert "::error::" not in terminal(results)
        assert ET.fromstring(render_junit(results)).get("failures") == "1"

    def test_junit_has_a_test_for_each_cell(self) -> None:
        suite = ET.fromstring(render_junit(NIGHT))
        assert (suite.get("tests"), suite.get("failures")) == ("5", "2")
        failed = suite.findall("testcase[failure]")
        assert [(one.get("classname"), one.get("name"), one.get("time")) for one in failed] == [
            ("perfgate.compete.wan", "vllm-omni", None),
            ("perfgate.compete.flux", "diffusers", "1.505500"),
        ]


def as_sglang(results: Results, **tasks: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(render_sglang(results, tasks=tasks))
    return found


class TestSglang:
    """The fields and their types are those that its dashboard reads."""

    def test_a_run(self) -> None:
        found = as_sglang(NIGHT)
        assert found["commit_sha"] == NIGHT.commit
        assert (found["run_id"], found["measurement_repeats"]) == ("local", 4)
        assert found["timestamp"] == "2026-01-01T00:00:00+00:00"

    def test_a_result_with_a_number(self) -> None:
        assert as_sglang(NIGHT)["results"][1] == {
            "case_id": "wan",
            "framework": "sglang",
            "model": "Wan-AI/Wan2.1",
            "task": "text-to-video",
            "latency_s": 0.807,
            "latency_samples_s": [0.8, 0.81, 0.805, 0.815],
            "measurement_count": 4,
            "error": None,
            "server_latency_s": 0.797,
            "server_latency_samples_s": [0.79, 0.8, 0.795, 0.805],
            "missing_perf_dumps": 0,
            "server_stage_medians_ms": {"DenoisingStage": 700.0},
        }

    def test_a_result_without_one(self) -> None:
        failed = as_sglang(NIGHT)["results"][2]
        assert failed["latency_s"] is None
        assert failed["error"] == "never healthy: no answer in 20 min"

    def test_compiled_alone_goes_by_the_frameworks_name__beside_eager_it_cannot(self) -> None:
        eager, fast = a_cell("sglang", 2.0), a_cell("sglang-compiled", 1.0)
        for cells, names in (((fast,), ["sglang"]), ((eager, fast), ["sglang", "sglang-compiled"])):
            found = as_sglang(some_results(*cells))
            assert [one["framework"] for one in found["results"]] == names

    def test_a_task_keeps_the_name_that_it_was_read_by(self) -> None:
        found = as_sglang(NIGHT, wan="text-image-to-video")
        assert found["results"][0]["task"] == "text-image-to-video"
