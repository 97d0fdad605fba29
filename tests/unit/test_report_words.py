"""Numbers as people read them."""

from __future__ import annotations

import math

import pytest

from perfgate.report.words import (
    case_word,
    change,
    count,
    device_minutes,
    figures,
    interval,
    metric_mark,
    metric_word,
    within,
)
from tests.factories import a_case_decision, a_metric


@pytest.mark.parametrize(
    ("base", "head", "told"),
    [
        (346, 389, ("346", "389", "ms")),
        (22610, 23040, ("22.6", "23.0", "s")),
        (6450, 6020, ("6.45", "6.02", "s")),
        (1.25, 1.5, ("1.25", "1.50", "ms")),
        (9980, 10020, ("9.98", "10.02", "s")),
        (990, 1010, ("0.990", "1.010", "s")),
        (0.0123, 0.0456, ("12.3", "45.6", "µs")),
        (90_000, 95_000, ("90.0", "95.0", "s")),
        (720_000, 780_000, ("12.0", "13.0", "min")),
        (None, 346, ("–", "346", "ms")),  # noqa: RUF001 - the dash that is shown
        (None, None, ("–", "–", "")),  # noqa: RUF001
        (0, 0, ("0", "0", "µs")),
        (math.nan, math.inf, ("–", "–", "")),  # noqa: RUF001
    ],
)
def test_figures__one_unit_a_row_and_the_digits_they_deserve(base, head, told):
    assert figures(base, head, "ms") == told


@pytest.mark.parametrize(
    ("ratio", "told"),
    [
        (1.1243, "+12.4 %"),
        (0.9333, "\u22126.7 %"),
        (1.00001, "0.0 %"),
        (2.35, "+135 %"),
        (12.4, "\u00d712.4"),
        (None, "\u2013"),
        (math.nan, "\u2013"),
    ],
)
def test_change(ratio, told):
    assert change(ratio) == told


def test_figures__memory():
    assert figures(34211, 512, "MiB") == ("33.4", "0.5", "GiB")
    assert figures(512, None, "MiB") == ("512", "\u2013", "MiB")


def test_interval():
    assert interval(1.111, 1.138) == "(11.1 to 13.8 %)"
    assert interval(0.997, 1.005) == "(\u22120.3 to 0.5 %)"
    assert interval(None, 1.0) == ""
    assert interval(math.nan, 1.0) == ""


@pytest.mark.parametrize(
    ("fraction", "told"), [(0.006, "±0.6 %"), (0.0061, "±0.7 %"), (0.121, "±13 %"), (0.0, "±0.0 %")]
)
def test_within__is_rounded_up_so_that_it_holds(fraction, told):
    assert within(fraction) == told


@pytest.mark.parametrize(
    ("verdict", "unit", "word", "mark"),
    [
        ("regressed", "ms", "slower", "🔴 slower"),
        ("regressed", "MiB", "larger", "🔴 larger"),
        ("improved", "ms", "faster", "🟢 faster"),
        ("improved", "MiB", "smaller", "🟢 smaller"),
        ("passed", "ms", "unchanged", "unchanged"),
        ("inconclusive", "ms", "undecided", "⚪ undecided"),
        ("missing", "ms", "missing", "missing"),
    ],
)
def test_metric_word__and_its_colour(verdict, unit, word, mark):
    metric = a_metric(verdict=verdict, unit=unit)
    assert (metric_word(metric), metric_mark(metric)) == (word, mark)


def test_metric_word__what_is_not_judged_is_never_slower():
    assert metric_mark(a_metric(verdict="regressed", judged=False)) == "not judged"
    assert metric_mark(a_metric(verdict="new", judged=False)) == "new"


def test_case_word__memory_output_and_missing_parts():
    larger = a_metric("peak memory", 1000, 2000, "regressed", unit="MiB")
    lacking = a_metric("RefinerStage", None, 210, "missing")
    assert case_word(a_case_decision(verdict="regressed", metrics=[a_metric(), larger])) == "larger"
    assert case_word(a_case_decision(verdict="failed", output="changed")) == (
        "failed: output changed"
    )
    assert case_word(a_case_decision(verdict="missing", metrics=[a_metric(), lacking])) == (
        "incomplete"
    )
    assert case_word(a_case_decision(verdict="missing", metrics=[])) == "missing"


def test_count_and_device_minutes():
    assert count(1, "case") == "1 case"
    assert count(1200, "launch", "launches") == "1,200 launches"
    assert device_minutes(11.2, "nvidia-h100-x1") == "11 GPU minutes"
    assert device_minutes(4.56, "cpu-test-x2") == "4.6 CPU minutes"
    assert device_minutes(4.56, "ascend-910b-x8") == "4.6 NPU minutes"
    assert device_minutes(4.56, "") == "4.6 device minutes"
