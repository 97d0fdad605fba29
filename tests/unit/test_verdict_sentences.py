"""The one sentence that every verdict carries: how much, how sure, and what it would take."""

from __future__ import annotations

import re

import pytest

from perfgate.records import Origin
from perfgate.verdict.decide import decide
from perfgate.verdict.wording import MINUS
from tests.factories import a_case_record, a_record

FAST = {"total": 1000, "TextEncodingStage": 50, "DenoisingStage": 800, "DecodingStage": 150}
WITHOUT = {name: ms for name, ms in FAST.items() if name != "DecodingStage"}
GREW = {**FAST, "DecodingStage": 200, "total": 1005}
SHRANK = {**FAST, "DecodingStage": 100, "total": 1000}


def case(base, head, **fields):
    return a_case_record(base=base, head=head, **fields)


@pytest.mark.parametrize(
    ("record", "verdict", "sentence"),
    [
        (
            case([1000, 1002, 998, 1000], [1000, 999, 1001, 1000]),
            "passed",
            "0.0 % (…), 4 pairs; noise of this machine ±0.4 %",
        ),
        (
            case([FAST] * 5, [GREW] * 5),
            "regressed",
            (
                "DecodingStage +33.3 % (…), 150 → 200 ms; end-to-end +0.5 % (…), "
                "5 pairs; noise of this machine ±0.0 %"
            ),
        ),
        (
            case([1000] * 5, [1060, 1061, 1059, 1060, 1060]),
            "regressed",
            (
                "+6.0 % (…), 5 pairs; noise of this machine ±0.0 %; DenoisingStage accounts "
                "for +48 of the +60 ms"
            ),
        ),
        (
            case([FAST] * 5, [SHRANK] * 5),
            "improved",
            (
                "DecodingStage -33.3 % (…), 150 → 100 ms; "
                "end-to-end 0.0 % (…), 5 pairs; noise of this machine ±0.0 %"
            ),
        ),
        (
            case([FAST] * 4, [WITHOUT] * 4),
            "missing",
            (
                "0.0 % (…), 4 pairs; noise of this machine ±0.0 %; "
                "DecodingStage: not measured on head"
            ),
        ),
        (
            case([1000, 1100, 900], [1050, 1000, 1000]),
            "inconclusive",
            (
                "+2.8 % (…), 3 pairs; noise of this machine ±12.6 %; undecided; "
                "this machine cannot decide below 14.8 %"
            ),
        ),
        (
            case([1000], [1010]),
            "inconclusive",
            "+1.0 % (…), 1 pair; undecided, about 9 more pairs",
        ),
        (case([], [], burn_in=1000), "inconclusive", "not one pair was measured"),
        (
            a_case_record(origin=Origin.NEW),
            "new",
            "new: nothing to compare with yet; end-to-end 1.00 s",
        ),
        (
            a_case_record(origin=Origin.WORKLOAD_CHANGED),
            "incomparable",
            "the workload changed: its times are not those of the same work",
        ),
        (case([1000], ["exit status 1"]), "failed", "launch failed: exit status 1"),
    ],
)
def test_every_verdict_has_its_sentence(record, verdict, sentence):
    decided = decide(a_record([record])).cases[0]
    said = re.sub(r"\([^ ]+ to [^ ]+\)", "(…)", decided.sentence).replace(MINUS, "-")
    assert (str(decided.verdict), said) == (verdict, sentence)
