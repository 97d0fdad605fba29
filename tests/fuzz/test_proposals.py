"""A proposal's words, many of which come from suites and comments: shown as words alone."""

from __future__ import annotations

import re
from datetime import date

from hypothesis import strategies as st

from perfgate.baselines.ask import Ask
from perfgate.baselines.change import CaseChange, MetricChange
from perfgate.baselines.proposal import Offer, proposal_message, read_asks, read_offers
from perfgate.report.baseline_changes import (
    MAX_BODY_CHARS,
    Told,
    proposal_lines,
    proposal_title,
    render_proposal,
    returned_text,
    stuck_text,
)
from perfgate.report.escape import one_line
from tests.fuzz.counted import fuzz
from tests.fuzz.hostile import LONG, TEXT
from tests.fuzz.shown import page_of, spoken

RUN = "https://github.com/octo/bench/actions/runs/77"
COMMENT = "https://github.com/octo/bench/pull/7#issuecomment-11"
LINKS = {RUN, COMMENT, "https://github.com/o/r/issues/55"}
FIGURE = st.none() | st.floats(0.001, 1e9)
TEXTS = st.lists(TEXT | LONG, min_size=9, max_size=9)


@st.composite
def shapes(draw):
    """Figures and kinds of a few offers, without a word."""
    kinds = st.sampled_from(["updated", "new", "changed workload"])
    figures = st.lists(st.tuples(FIGURE, FIGURE), min_size=1, max_size=3)
    return draw(st.lists(st.tuples(kinds, figures, st.booleans()), max_size=3))


def told(shape, texts):
    """What a proposal tells, in these words."""
    case, metric, note, conflict, refused, why, key, base, reason = texts
    offers = []
    for number, (kind, figures, explained) in enumerate(shape):
        names = ["end-to-end", *(f"{metric}{index}" for index in range(1, len(figures)))]
        change = CaseChange(
            case=f"{case}{number}",
            hardware_key=key,
            kind=kind,
            metrics=tuple(
                MetricChange(
                    metric=name, unit="ms", old=old, new=new, first=1.0, best=1.0, margin=0.03
                )
                for name, (old, new) in zip(names, figures, strict=True)
            ),
            reason=reason,
            unexplained=() if explained else tuple(names),
            notes=(note,),
        )
        offers.append(Offer(change=change, commit="a" * 40, date="2026-11-21", run_url=RUN))
    ask = Ask(
        kind="accept",
        comment=11,
        url=COMMENT,
        asked_by="ann",
        asked_on=date(2026, 3, 1),
        case="wan",
        reason=reason if is_reason(reason) else "the decoder in fp32",
        issue="https://github.com/o/r/issues/55",
        expires=date(2026, 12, 31),
    )
    return Told(
        hardware_key=key,
        base=base,
        cases=41,
        offers=tuple(offers),
        conflicts=(conflict,),
        refused=((refused, why),),
        own_token=True,
        asks=((ask, why),),
    )


def is_reason(text):
    """Whether a comment's command could have given it: a line of some words."""
    return text.isprintable() and 3 <= len(text.strip()) <= 300


def harmless(texts):
    return [f"word{i}" if one_line(text, limit=64) else text for i, text in enumerate(texts)]


@fuzz(shapes(), TEXTS)
def test_proposal__is_shown_as_one_of_harmless_words_is(shape, texts):
    whole = told(shape, texts)
    body = render_proposal(whole)
    assert len(body) <= MAX_BODY_CHARS
    page, like = page_of(body), page_of(render_proposal(told(shape, harmless(texts))))
    assert page.elements == like.elements
    assert page.links <= LINKS
    assert spoken(page) == []
    for line in (proposal_title(whole), *proposal_lines(whole.offers)):
        assert not re.search(r"[\x00-\x1f\x7f]", line)


@fuzz(TEXTS)
def test_last_words__are_only_words(texts):
    for text in (
        returned_text(base=texts[0], back=texts[1:4], conflicts=texts[4:6], run_url=RUN),
        stuck_text(texts[6]),
    ):
        page = page_of(text)
        assert page.links <= {RUN}
        assert spoken(page) == []
        assert not {"h1", "h2", "h3", "img", "table", "comment"} & set(page.elements)


@fuzz(shapes(), TEXTS, LONG)
def test_message__is_read_again_and_anything_else_reads_as_nothing(shape, texts, anything):
    whole = told(shape, texts)
    lines = proposal_lines(whole.offers)
    asks = [ask for ask, _ in whole.asks]
    message = proposal_message(proposal_title(whole), lines, whole.offers, asks)
    assert [one.change.case for one in read_offers(message)] == [
        one.change.case for one in whole.offers
    ]
    assert list(read_asks(message)) == asks
    read_offers(anything)
    read_asks(f"x\n\nPerfgate-Proposal: {anything}\nPerfgate-Ask: {anything}")
