"""Why a case is slower, as it is read: in the comment and on a terminal."""

from __future__ import annotations

import io

from rich.console import Console

from perfgate.records.explained import Explanation
from perfgate.report.comment import render_comment
from perfgate.report.explanation_terminal import render_explanation
from tests.explanations import a_row, an_explained_case, an_explanation
from tests.golden.decisions import one_stage_slower


def explanation() -> Explanation:
    """A decoder that works frame by frame, with figures of a plausible machine."""
    chunked = a_row(
        what="range",
        stage="DecodingStage",
        path=("Decoder", "Sequential"),
        steps="",
        calls_base=2,
        calls_head=10,
        base_ms=330.2,
        head_ms=361.0,
        more_calls_ms=1320.8,
        slower_calls_ms=-1290.0,
        includes=41,
    )
    copied = a_row(
        stage="DecodingStage",
        path=("Decoder", "CausalConv", "aten::clone"),
        steps="",
        shapes_head="1x384x2x60x104 BFloat16",
        calls_base=0,
        calls_head=20,
        base_ms=0.0,
        head_ms=8.1,
        more_calls_ms=8.1,
        includes=2,
    )
    slower = a_row(
        "time",
        what="kernel",
        stage="DecodingStage",
        path=("Decoder", "aten::cat", "CatArrayBatchedCopy"),
        steps="",
        calls_base=1,
        calls_head=1,
        base_ms=3.1,
        head_ms=7.3,
        slower_calls_ms=4.2,
        deviation_ms=0.31,
    )
    case = an_explained_case(
        [chunked, copied, slower],
        "wan2_1_t2v_1.3b",
        clock="device",
        request_base_ms=2410.0,
        request_head_ms=2455.0,
        more_calls_ms=1329.0,
        slower_calls_ms=-1285.0,
        hidden=4,
        flops_base=31.2e12,
        flops_head=31.2e12,
        memory_base_mb={"device": 5120.0},
        memory_head_mb={"device": 2048.0},
        notes=("head capture 3: the trace was not left: the benchmark exited with 1",),
    )
    unknown = an_explained_case(
        [], "flux_1_dev", problem="only 2 of head of at least 5 captures can be compared"
    )
    return an_explanation([case, unknown])


def test_comment(golden):
    text = render_comment(one_stage_slower(), explanation=explanation())
    golden("explained.comment.md", text)


def test_terminal(golden):
    console = Console(file=io.StringIO(), width=120, highlight=False, _environ={})
    render_explanation(explanation(), console)
    golden("explained.terminal.txt", console.file.getvalue())
