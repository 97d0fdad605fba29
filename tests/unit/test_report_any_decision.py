"""Any decision that can be read can be told: files that others wrote hold any text and number."""

from __future__ import annotations

import io
import json
from xml.etree import ElementTree as ET

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from perfgate.records import (
    Accepted,
    CaseDecision,
    Cost,
    Decision,
    MetricDecision,
    Problem,
    Tree,
    Verdict,
    parse_decision,
    to_json,
)
from perfgate.report.comment import MAX_COMMENT_CHARS, read_history, render_comment
from perfgate.report.conclusion import outputs
from perfgate.report.junit import render_junit
from perfgate.report.summary import render_summary
from perfgate.report.terminal import render_terminal
from tests.factories import a_decision

TEXT = st.text(max_size=30)
NUMBER = st.none() | st.floats()
VERDICT = st.sampled_from(list(Verdict))
FIGURE = st.none() | st.floats(allow_nan=False, allow_infinity=False)
ACCEPTED = st.builds(
    Accepted,
    state=st.sampled_from(["holds", "over", "exceeded", "paid"]),
    ratio=st.floats(allow_nan=False, allow_infinity=False),
    ceiling=st.floats(allow_nan=False, allow_infinity=False),
    reference=st.floats(allow_nan=False, allow_infinity=False),
    commit=TEXT,
    reason=TEXT,
    issue=TEXT | st.just("https://github.com/o/r/issues/7"),
    expires=TEXT | st.just("2026-12-31"),
    days_left=st.integers(),
)
METRIC = st.builds(
    MetricDecision,
    name=TEXT | st.just("end-to-end"),
    unit=st.sampled_from(["ms", "MiB"]),
    base=NUMBER,
    head=NUMBER,
    ratio=NUMBER,
    low=NUMBER,
    high=NUMBER,
    verdict=VERDICT,
    judged=st.booleans(),
    first=FIGURE,
    best=FIGURE,
    accepted=st.none() | ACCEPTED,
    reason=TEXT,
)
CASE = st.builds(
    CaseDecision,
    id=TEXT,
    verdict=VERDICT,
    detail=TEXT,
    sentence=TEXT,
    pairs=st.integers(-5, 50),
    launches=st.integers(-5, 50),
    noise=NUMBER,
    more_pairs=st.none() | st.integers(),
    output=st.sampled_from(["same", "changed", "allowed", "not checked"]),
    log_tail=TEXT,
    metrics=st.lists(METRIC, max_size=4).map(tuple),
)
TREE = st.none() | st.builds(Tree, commit=TEXT, ref=TEXT, dirty=st.booleans())
DECISION = st.builds(
    lambda **fields: a_decision().model_copy(update=fields),
    suite=TEXT,
    conclusion=st.sampled_from(["success", "failure", "neutral"]),
    verdict=VERDICT,
    exit_code=st.integers(-9, 99),
    strategy=TEXT,
    hardware_key=TEXT,
    base=TREE,
    head=TREE,
    cost=st.builds(Cost, launches=st.integers(), device_minutes=st.floats()),
    cases=st.lists(CASE, max_size=4).map(tuple),
    notes=st.lists(TEXT, max_size=3).map(tuple),
    told=st.dictionaries(TEXT, TEXT, max_size=3),
    interrupted=st.none() | TEXT,
    problem=st.none() | st.builds(Problem, problem=TEXT, fix=TEXT, exit_code=st.integers(0, 9)),
)


@given(DECISION)
@settings(max_examples=80, deadline=None)
def test_every_form__of_any_decision(decision: Decision):
    comment = render_comment(decision)
    assert len(comment.encode()) <= MAX_COMMENT_CHARS
    assert len(read_history(comment)) <= 1
    render_summary(decision).encode()
    ET.fromstring(render_junit(decision))
    json.loads(outputs(decision)["regressions"])
    for width in (10, 80):
        console = Console(file=io.StringIO(), width=width, _environ={})
        render_terminal(decision, console, verbose=True)


def test_every_form__of_a_decision_that_was_written_and_read():
    decision = a_decision()
    again = parse_decision(to_json(decision), source="decision.json")
    assert render_comment(again) == render_comment(decision)
