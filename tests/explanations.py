"""Makes explanations from the few words that a test is about; measures nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from perfgate.records import Tree
from perfgate.records.explained import ExplainedCase, ExplainedRow, Explanation
from tests.factories import BASE_COMMIT, HEAD_COMMIT


def a_row(kind: str = "calls", **rest: Any) -> ExplainedRow:
    """An operator that head calls sixteen times instead of eight, 10 ms each time."""
    return ExplainedRow.model_validate(
        {
            "kind": kind,
            "what": "operator",
            "stage": "DenoisingStage",
            "path": ("step", "CrossTransformer", "CrossBlock", "SelfAttention", "aten::clone"),
            "steps": "every step",
            "calls_base": 8,
            "calls_head": 16 if kind == "calls" else 8,
            "base_ms": 80.0,
            "head_ms": 160.0,
            "more_calls_ms": 80.0 if kind == "calls" else 0.0,
            "slower_calls_ms": 0.0 if kind == "calls" else 80.0,
            "deviation_ms": 4.2 if kind == "time" else None,
            **rest,
        }
    )


def an_explained_case(
    rows: Sequence[ExplainedRow] | None = None,
    id: str = "wan_t2v_tiny",  # noqa: A002 - the word that the documents use
    **rest: Any,
) -> ExplainedCase:
    return ExplainedCase(
        **{
            "id": id,
            "captures": 7,
            "request_base_ms": 1410.0,
            "request_head_ms": 1494.0,
            "more_calls_ms": 80.0,
            "slower_calls_ms": 4.0,
            "rows": tuple([a_row()] if rows is None else rows),
            **rest,
        }
    )


def an_explanation(cases: Sequence[ExplainedCase] | None = None, **rest: Any) -> Explanation:
    """Of the trees of :func:`tests.factories.a_decision`."""
    return Explanation(
        **{
            "perfgate": "0.1.0",
            "base": Tree(commit=BASE_COMMIT, ref="main"),
            "head": Tree(commit=HEAD_COMMIT, ref="feature"),
            "cases": tuple([an_explained_case()] if cases is None else cases),
            **rest,
        }
    )
