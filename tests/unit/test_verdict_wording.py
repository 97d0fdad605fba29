"""Numbers with the digits they deserve, and which stage accounts for a change."""

import pytest

from perfgate.verdict.attribution import attribute, sentence_fragment
from perfgate.verdict.wording import change, count, duration, from_to, percent

MINUS = "\N{MINUS SIGN}"


@pytest.mark.parametrize(
    ("said", "text"),
    [
        (percent(0.0412), "+4.1 %"),
        (percent(-0.067), f"{MINUS}6.7 %"),
        (percent(-0.0001), "0.0 %"),
        (change(1.041, 1.029, 1.053), "+4.1 % (2.9 to 5.3)"),
        (change(1.0, 0.995, 1.005), f"0.0 % ({MINUS}0.5 to 0.5)"),
        (duration(346.2), "346 ms"),
        (duration(1204.0), "1.20 s"),
        (duration(22_600.0), "22.6 s"),
        (from_to(346, 389), "346 → 389 ms"),
        (from_to(990, 1010), "990 ms → 1.01 s"),
        (count(1, "pair"), "1 pair"),
        (count(2, "launch"), "2 launches"),
    ],
)
def test_numbers__read_like_the_report(said, text):
    assert said == text


def fragment(base, head):
    return sentence_fragment(attribute(base, head))


def test_one_stage__accounts_for_the_change():
    base = {"end-to-end": 1000, "DenoisingStage": 800, "DecodingStage": 150, "median step": 10}
    head = {**base, "end-to-end": 1045, "DecodingStage": 193}
    assert fragment(base, head) == "DecodingStage accounts for +43 of the +45 ms"
    assert attribute(base, head).culprit == "DecodingStage"


def test_one_stage__accounts_for_the_gain():
    base = {"end-to-end": 1000, "DenoisingStage": 800}
    head = {"end-to-end": 900, "DenoisingStage": 705}
    assert fragment(base, head) == f"DenoisingStage accounts for {MINUS}95 of the {MINUS}100 ms"


def test_what_lies_outside_the_stages__is_said():
    base = {"end-to-end": 1000, "DenoisingStage": 800}
    head = {"end-to-end": 1050, "DenoisingStage": 805}
    assert fragment(base, head) == "+45 of the +50 ms lie outside the stages"


def test_several_stages__share_the_change():
    base = {"end-to-end": 1000, "A": 300, "B": 300, "C": 300}
    head = {"end-to-end": 1060, "A": 322, "B": 320, "C": 318}
    assert fragment(base, head) == "no stage explains it alone; A most, +22 of the +60 ms"


def test_a_stage_of_one_side_only__counts_in_full():
    assert attribute({"end-to-end": 100}, {"end-to-end": 140, "New": 40}).stages == (("New", 40),)


def test_stages_that_shrank__do_not_explain_a_growth():
    assert fragment({"end-to-end": 100, "A": 50, "B": 50}, {"end-to-end": 110, "A": 40, "B": 40})
    base, head = {"end-to-end": 100, "A": 50}, {"end-to-end": 110, "A": 40}
    assert attribute(base, head).culprit is None


def test_no_change__needs_no_explanation():
    assert fragment({"end-to-end": 100, "A": 1}, {"end-to-end": 100, "A": 1}) == ""
