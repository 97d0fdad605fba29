"""Decisions of any shape with hostile text in them, and the same shape with harmless words.

Where both are shown with the same elements, no text has become markup. No tests.
"""

from __future__ import annotations

import re
from datetime import date

from hypothesis import strategies as st

from perfgate.records import (
    Accepted,
    CaseDecision,
    Cost,
    Decision,
    MetricDecision,
    Problem,
    Tree,
    Verdict,
)
from perfgate.report.escape import log_lines, one_line
from perfgate.report.state import safe_url
from tests.factories import a_decision
from tests.fuzz.hostile import LONG, TEXT

_OURS = frozenset(
    {"schema", "verdict", "unit", "conclusion", "strategy", "output", "state", "perfgate"}
)
"""Fields whose words are perfgate's own."""
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_LOGS = frozenset({"log_tail", "problem"})
_NUMBER = st.none() | st.floats()
_FIGURE = st.floats(allow_nan=False, allow_infinity=False)
_VERDICT = st.sampled_from(list(Verdict))
_COMMIT = st.sampled_from(["a" * 40, "b" * 64]) | TEXT

ACCEPTED = st.builds(
    Accepted,
    state=st.sampled_from(["holds", "over", "exceeded", "paid"]),
    ratio=_FIGURE,
    ceiling=_FIGURE,
    reference=_FIGURE,
    commit=_COMMIT,
    reason=TEXT,
    issue=TEXT | st.just("https://github.com/o/r/issues/7"),
    expires=TEXT | st.just("2026-12-31"),
    days_left=st.integers(-400, 400),
)
METRIC = st.builds(
    MetricDecision,
    name=TEXT | st.sampled_from(["end-to-end", "DecodingStage"]),
    unit=st.sampled_from(["ms", "MiB"]),
    base=_NUMBER,
    head=_NUMBER,
    ratio=_NUMBER,
    low=_NUMBER,
    high=_NUMBER,
    verdict=_VERDICT,
    judged=st.booleans(),
    first=st.none() | _FIGURE,
    best=st.none() | _FIGURE,
    accepted=st.none() | ACCEPTED,
    reason=TEXT,
)
CASE = st.builds(
    CaseDecision,
    id=TEXT | st.just("wan_t2v_tiny"),
    verdict=_VERDICT,
    detail=LONG,
    sentence=LONG,
    pairs=st.integers(0, 50),
    launches=st.integers(0, 50),
    noise=_NUMBER,
    more_pairs=st.none() | st.integers(0, 99),
    output=st.sampled_from(["same", "changed", "allowed", "not checked"]),
    log_tail=LONG,
    warnings=st.lists(TEXT, max_size=2).map(tuple),
    metrics=st.lists(METRIC, max_size=3).map(tuple),
)
_TREE = st.none() | st.builds(Tree, commit=_COMMIT, ref=TEXT, dirty=st.booleans())
DECISION = st.builds(
    lambda **fields: a_decision().model_copy(update=fields),
    suite=TEXT | st.just("perfgate"),
    conclusion=st.sampled_from(["success", "failure", "neutral"]),
    verdict=_VERDICT,
    strategy=st.sampled_from(["paired", "baseline", "tolerance"]),
    hardware_key=TEXT,
    base=_TREE,
    head=_TREE,
    cost=st.builds(Cost, launches=st.integers(0, 999), device_minutes=_FIGURE),
    cases=st.lists(CASE, max_size=3).map(tuple),
    notes=st.lists(LONG, max_size=3).map(tuple),
    told=st.dictionaries(TEXT, TEXT, max_size=2),
    interrupted=st.none() | TEXT,
    problem=st.none() | st.builds(Problem, problem=LONG, fix=TEXT, exit_code=st.integers(0, 9)),
    measured_by_fork=st.booleans(),
)


def harmless(decision: Decision) -> Decision:
    """The decision with a plain word for every text from outside; what cannot be seen stays."""
    words: dict[str, str] = {}

    def replaced(value, field=""):
        if isinstance(value, dict):
            if field == "told":
                return {_word(key, words): _word(one, words) for key, one in value.items()}
            return {key: replaced(one, key) for key, one in value.items()}
        if isinstance(value, tuple | list):
            return [replaced(one, field) for one in value]
        if type(value) is not str or field in _OURS:
            return value
        if field in _LOGS:
            return "x" if log_lines(value) else value
        return _word(value, words)

    return Decision.model_validate(replaced(decision.model_dump()))


def _word(text: str, words: dict[str, str]) -> str:
    if text in ("end-to-end", "perfgate") or safe_url(text) or _is_day(text) or not one_line(text):
        return text
    # What is no id of a case stays none: it is never written into a command to copy.
    space = "" if _ID.fullmatch(text) else " "
    return words.setdefault(text, f"word{space}{len(words)}")


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
