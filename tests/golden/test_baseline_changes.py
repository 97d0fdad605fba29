"""A baseline proposal as a maintainer reads it: title, body, commit message."""

from __future__ import annotations

import re
from datetime import date

import pytest

from perfgate.baselines.ask import Ask
from perfgate.baselines.change import CaseChange, MetricChange
from perfgate.baselines.proposal import Offer, proposal_message, read_offers
from perfgate.report.baseline_changes import (
    MAX_BODY_CHARS,
    Told,
    proposal_lines,
    proposal_title,
    render_proposal,
    returned_text,
)
from perfgate.verdict.acceptance import Acceptance, Reference

KEY = "nvidia-h100-80gb-hbm3-x1"
HOSTILE = "x`|[a](javascript:b) @team <!-- -->\n::error::gone"


def a_metric(name, old, new, *, first=None, margin=0.03, launches=8):
    figures = [value for value in (old, new, first) if value is not None]
    return MetricChange(
        metric=name,
        unit="ms",
        old=old,
        new=new,
        first=first or old or new,
        best=min(figures),
        launches=launches,
        jobs=2,
        variation=0.0042,
        margin=margin,
    )


def an_acceptance(**what):
    return Acceptance(
        **{
            "case": "wan2_1_t2v_1.3b",
            "metric": "DecodingStage",
            "hardware": KEY,
            "reference": Reference(value=346.0, unit="ms", commit="b" * 40),
            "ceiling": 1.281,
            "reason": "the decoder in fp32 until | is mended",
            "issue": "https://github.com/octo/bench/issues/55",
            "expires": date(2026, 12, 31),
            "asked_by": "ann",
            **what,
        }
    )


def an_offer(case="wan2_1_t2v_1.3b", *metrics, kind="updated", **rest):
    change = CaseChange(case=case, hardware_key=KEY, kind=kind, metrics=metrics, **rest)
    run_url = "https://github.com/octo/bench/actions/runs/77"
    return Offer(change=change, commit="a" * 40, date="2026-11-21T12:00:00+00:00", run_url=run_url)


OFFERS = (
    an_offer(
        "wan2_1_t2v_1.3b",
        a_metric("end-to-end", 22600.0, 23400.0, first=19800.0),
        a_metric("DecodingStage", 346.0, 421.0, margin=0.1),
        a_metric("TextEncodingStage", 120.0, 121.0, margin=0.1),
        acceptances=(an_acceptance(),),
        unexplained=("end-to-end",),
        notes=("starts over from 2 jobs at another level",),
    ),
    an_offer("flux_1_dev", a_metric("end-to-end", 6450.0, 6020.0), paid=("end-to-end",)),
    an_offer("ltx", a_metric("end-to-end", 900.0, 903.0), notes=("torch 2.12 → 2.13",)),
    an_offer("z_image", a_metric("end-to-end", None, 720.0), kind="new"),
    an_offer("qwen", a_metric("end-to-end", None, 9100.0), kind="changed workload"),
)


def told(**what):
    whole = {"hardware_key": KEY, "base": "main", "cases": 41, "offers": OFFERS}
    return Told(**{**whole, **what})


def test_proposal(golden):
    what = told(
        conflicts=(f"baselines/{KEY}/svd.json was changed on main since it was measured.",),
        refused=(("hunyuan", "a launch failed (exit status 1): such a job is no baseline"),),
        own_token=True,
        acceptances_url="https://github.com/octo/bench/blob/b/baselines/accepted.yml",
    )
    title, body = proposal_title(what), render_proposal(what)
    golden("proposal.md", f"# {title}\n\n{body}")


def an_ask(**what):
    return Ask(
        **{
            "kind": "accept",
            "comment": 11,
            "url": "https://github.com/octo/bench/pull/7#issuecomment-11",
            "asked_by": "ann",
            "asked_on": date(2026, 3, 1),
            "case": "wan2_1_t2v_1.3b",
            "metric": "DecodingStage",
            "reason": "the decoder in fp32 until | is mended",
            "issue": "https://github.com/octo/bench/issues/55",
            "expires": date(2026, 12, 31),
            **what,
        }
    )


def test_requests_alone(golden):
    update = {"kind": "update", "metric": "", "reason": "", "issue": "", "expires": None}
    asks = (
        (an_ask(), "nothing of it is slower on main"),
        (an_ask(**update, case="flux_1_dev"), "no job has measured it since"),
    )
    told = Told(hardware_key=KEY, base="main", cases=41, offers=(), asks=asks)
    golden("requests.md", f"# {proposal_title(told)}\n\n{render_proposal(told)}")


def test_requests_without_end__the_body_fits():
    ask = an_ask(reason="x" * 1000, metric="y" * 200)
    told = Told(hardware_key=KEY, base="main", cases=41, offers=(), asks=((ask, "z" * 300),) * 100)
    body = render_proposal(told)
    assert len(body) <= MAX_BODY_CHARS
    assert "more" in body


def test_hostile_request__stays_words():
    ask = an_ask(reason="@team <b>x</b> [a](javascript:b) <!-- -->", metric="a|b")
    told = Told(hardware_key=KEY, base="main", cases=41, offers=(), asks=((ask, ""),))
    body = render_proposal(told)
    assert "@team" not in body
    assert "<b>" not in body
    assert "<!--" not in body
    assert r"\[a\](" in body


def test_closing_words():
    text = returned_text(base="main", back=["wan"], conflicts=["x was changed"], run_url="")
    assert text.startswith("Measured again: **wan** is back at what main holds.")
    assert "- x was changed" in text


def test_message__is_read_again():
    message = proposal_message(proposal_title(told()), proposal_lines(OFFERS), OFFERS)
    assert message.startswith(f"perf baselines: {KEY}, 5 of 41 cases\n\nwan2_1_t2v_1.3b: ")
    assert [one.change.case for one in read_offers(message)] == [
        *("wan2_1_t2v_1.3b", "flux_1_dev", "ltx", "z_image", "qwen")
    ]
    (first, *_) = read_offers(message)
    assert first.change.acceptances == OFFERS[0].change.acceptances
    assert [one.metric for one in first.change.metrics] == ["end-to-end", "DecodingStage"]


@pytest.mark.parametrize(
    "message",
    ["", "Merge branch 'main'", "x\n\nPerfgate-Proposal: {", "x\n\nPerfgate-Proposal: {}"],
)
def test_message_of_somebody_else(message):
    assert read_offers(message) is None


def test_hostile_words__stay_words():
    offer = an_offer(
        HOSTILE,
        a_metric("end-to-end", 1.0, 2.0),
        a_metric(HOSTILE, 1.0, 2.0),
        unexplained=(HOSTILE,),
        notes=(HOSTILE,),
        reason=HOSTILE,
    ).model_copy(update={"run_url": "javascript:alert(1)", "date": HOSTILE})
    what = told(offers=(offer,), base=HOSTILE, conflicts=(HOSTILE,), refused=((HOSTILE, HOSTILE),))
    body = render_proposal(what)
    assert "\n::" not in body
    assert "javascript:alert" not in body
    assert "<!--" not in body
    assert " @team" not in body
    assert "\n" not in proposal_title(what)


def test_hundreds_of_cases__the_body_fits_and_says_what_is_left_out():
    many = tuple(
        an_offer(
            f"case_{number:04}_" + "n" * 80,
            *(a_metric(f"Stage{stage}", 100.0, 200.0) for stage in range(12)),
            unexplained=("Stage1",),
            acceptances=(an_acceptance(case="c", reason="r" * 900),),
        )
        for number in range(500)
    )
    body = render_proposal(told(offers=many, cases=500))
    assert len(body.encode()) <= MAX_BODY_CHARS
    assert "left out for length" in body
    assert re.search(r"^> - and \d+ more$", body, re.MULTILINE)
