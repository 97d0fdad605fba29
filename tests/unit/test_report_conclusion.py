"""The headline, the next step and the action's outputs."""

from __future__ import annotations

import json
import math

import pytest

from perfgate.records import Problem
from perfgate.report.conclusion import MAX_REGRESSIONS_TOLD, headline, outputs
from perfgate.report.order import ordered_cases
from perfgate.report.sentences import next_step, told
from tests.factories import a_case_decision, a_decision, a_metric


def cases(*verdicts):
    return [a_case_decision(f"case{number}", word) for number, word in enumerate(verdicts)]


@pytest.mark.parametrize(
    ("verdicts", "line"),
    [
        (["regressed", "passed"], "🔴 perfgate: 1 of 2 cases is slower"),
        (
            ["regressed", "regressed", "failed", "improved"],
            "🔴 perfgate: 2 of 4 cases are slower, 1 failed",
        ),
        (["missing"], "🟠 perfgate: 1 of 1 case lacks a metric"),
        (["incomparable", "passed"], "🟠 perfgate: 1 of 2 cases is not comparable"),
        (["inconclusive", "passed"], "⚪ perfgate: 1 of 2 cases could not be decided"),
        (["improved", "passed"], "🟢 perfgate: 1 of 2 cases is faster"),
        (["new", "new"], "⚪ perfgate: 2 new cases measured, nothing to compare with"),
        (
            ["passed", "new"],
            (
                "🟢 perfgate: 1 of 1 case as fast as base, within ±1.0 %; "
                "18 launches, 1.8 CPU minutes; 1 new"
            ),
        ),
        ([], "🟠 perfgate: nothing measured"),
    ],
)
def test_headline(verdicts, line):
    assert headline(a_decision(cases(*verdicts))) == line


def test_headline__memory_and_output():
    larger = a_metric("peak memory", 1000, 2000, "regressed", unit="MiB")
    memory = a_case_decision(verdict="regressed", metrics=[larger])
    output = a_case_decision("flux", "failed", output="changed")
    assert headline(a_decision([memory])) == "🔴 perfgate: 1 of 1 case needs more memory"
    assert headline(a_decision([output])) == "🟠 perfgate: 1 of 1 case changed its output"


@pytest.mark.parametrize(
    ("exit_code", "why"),
    [
        (2, "the configuration needs a fix"),
        (3, "the device is missing or unfit"),
        (4, "the benchmark could not run"),
        (5, "a baseline cannot be trusted"),
        (99, "the job ended early"),
    ],
)
def test_headline__a_problem_is_never_green(exit_code, why):
    problem = Problem(problem="x", fix="y", exit_code=exit_code)
    decision = a_decision(cases("passed"), problem=problem, exit_code=exit_code)
    assert headline(decision) == f"🟠 perfgate: no verdict, {why}"


def test_headline__interrupted_is_never_green():
    assert headline(a_decision(cases("passed"), interrupted="SIGTERM")).startswith("🟠")
    assert headline(a_decision(cases("regressed"), interrupted="SIGTERM")).startswith("🔴")
    assert headline(a_decision([], interrupted="SIGTERM")) == (
        "🟠 perfgate: interrupted before anything was measured"
    )


def test_headline__names_a_suite_of_its_own_name():
    assert headline(a_decision(cases("regressed"), suite="nightly")).startswith(
        "🔴 perfgate nightly: "
    )


def test_ordered_cases__worst_first_then_the_largest_change():
    little = a_case_decision("little", "regressed", [a_metric("a", 100, 110, "regressed")])
    much = a_case_decision("much", "regressed", [a_metric("a", 100, 200, "regressed")])
    found = ordered_cases(a_decision([*cases("passed", "failed"), little, much]))
    assert [case.id for case in found] == ["much", "little", "case1", "case0"]


def test_told__names_the_stage_that_gained_most_time():
    case = a_case_decision(
        "wan",
        "regressed",
        [
            a_metric("end-to-end", 1000, 1100, "regressed", low=1.09, high=1.11),
            a_metric("Small", 10, 20, "regressed"),
            a_metric("Large", 500, 590, "regressed", low=1.17, high=1.19),
            a_metric("median step", 10, 30, "regressed"),
        ],
        pairs=5,
        noise=0.006,
    )
    assert str(told(case)) == (
        "wan · Large +18.0 % (17.0 to 19.0 %), 500 → 590 ms; end-to-end +10.0 %. "
        "Sure after 5 pairs; this runner's noise is ±0.6 %. Large accounts for +90 of the +100 ms."
    )


def test_told__from_a_baseline_is_not_called_sure():
    case = a_case_decision("wan", "regressed", pairs=0, launches=3)
    assert "From 3 launches, without pairs" in str(told(case))


def test_next_step__for_the_worst_only():
    assert next_step(a_decision(cases("passed", "improved"))) is None
    step = next_step(a_decision(cases("inconclusive", "regressed")))
    assert step.command == "perfgate gate --base bbbbbbbbbbbb --case case1"
    hostile = a_case_decision("x; rm -rf .", "regressed")
    assert next_step(a_decision([hostile])).command == "perfgate gate --base bbbbbbbbbbbb"
    changed = next_step(a_decision(cases("incomparable"), strategy="paired"))
    stored = next_step(a_decision(cases("incomparable"), strategy="baseline"))
    assert changed.text.startswith("nothing")
    assert "gate.strategy: paired" in stored.text
    problem = Problem(problem="x", fix="Do this.", exit_code=2)
    assert next_step(a_decision([], problem=problem)).text == "Do this."


def test_outputs__name_what_regressed():
    slower = a_case_decision(
        "wan",
        "regressed",
        [a_metric("end-to-end", 100, 101), a_metric("DecodingStage", 100, 125, "regressed")],
    )
    found = outputs(a_decision([*cases("passed"), slower]))
    assert found["verdict"] == "regressed"
    assert json.loads(found["regressions"]) == [
        {"case": "wan", "metric": "DecodingStage", "ratio": 1.25}
    ]
    assert outputs(a_decision(cases("passed"))) == {"verdict": "passed", "regressions": "[]"}


def test_outputs__stay_small_and_are_json_whatever_was_decided():
    odd = a_metric("a", 1, 2, "regressed").model_copy(update={"ratio": math.nan})
    many = [a_case_decision(f"case{n}\n", "regressed", [odd]) for n in range(600)]
    text = outputs(a_decision(many))["regressions"]
    assert len(json.loads(text)) == MAX_REGRESSIONS_TOLD
    assert "\n" not in text
