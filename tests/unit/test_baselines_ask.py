"""What was asked for in comments, as commits keep it: checked, bounded, read again."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfgate.baselines.ask import Ask, an_ask
from perfgate.baselines.permit import Request
from perfgate.baselines.proposal import ask_message, proposal_message, read_asks, read_offers
from perfgate.errors import BaselineError

UPDATE = {
    "kind": "update",
    "comment": 11,
    "url": "https://example.org/octo/bench/pull/7#issuecomment-11",
    "asked_by": "ann",
    "asked_on": date(2026, 3, 1),
    "case": "wan",
}
ACCEPT = {
    **UPDATE,
    "kind": "accept",
    "metric": "DecodingStage",
    "reason": "the exact decoder",
    "issue": "https://example.org/55",
    "expires": date(2026, 12, 31),
}


@pytest.mark.parametrize("fields", [UPDATE, ACCEPT], ids=["update", "accept"])
def test_message__read_again_and_no_proposal(fields):
    ask = an_ask(**fields)
    message = ask_message(ask, by="Asked for by ann")
    assert read_asks(message) == (ask,)
    assert read_offers(message) is None


def test_message_of_a_proposal__keeps_what_waits():
    asks = (an_ask(**UPDATE), an_ask(**ACCEPT))
    message = proposal_message("t", (), (), asks)
    assert (read_offers(message), read_asks(message)) == ((), asks)


@pytest.mark.parametrize(
    "wrong",
    [
        {"case": "../wan"},
        {"case": ""},
        {"comment": 0},
        {"url": "javascript:alert(1)"},
        {"asked_by": "a\nb"},
        {"metric": "a\u202eb"},
        {"reason": "x"},
        {"reason": "two\nlines"},
        {"issue": "#55"},
        {"expires": None},
    ],
    ids=repr,
)
def test_ask_that_cannot_be(wrong):
    with pytest.raises(BaselineError, match="cannot be asked for"):
        an_ask(**{**ACCEPT, **wrong})


@given(st.text(max_size=200))
def test_any_message__reads_without_an_error(text):
    assert read_asks(f"x\n\nPerfgate-Ask: {text}") == ()
    assert read_asks(f'x\n\nPerfgate-Ask: {{"kind": "update", "comment": "{text}"}}') == ()


def test_over__only_once_its_last_day_is_past():
    ask = an_ask(**ACCEPT)
    assert not ask.is_over(date(2026, 12, 31))
    assert ask.is_over(date(2027, 1, 1))
    assert not an_ask(**UPDATE).is_over(date(2030, 1, 1))


def test_who_grants__by_name_first_then_for_the_case_then_the_job():
    named, whole = Ask(**ACCEPT), Ask(**{**ACCEPT, "metric": "", "asked_by": "bob"})
    job = Request(reason="nightly", asked_by="job", asks=(whole, named, Ask(**UPDATE)))
    assert job.granting("DecodingStage").asked_by == "ann"
    assert job.granting("end-to-end").asked_by == "bob"
    assert Request(reason="nightly", asked_by="job").granting("end-to-end") is None
