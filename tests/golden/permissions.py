"""Golden stories of permissions to be slower, and of figures that crept."""

from __future__ import annotations

from perfgate.records import Accepted, Decision
from tests.factories import a_case_decision, a_metric
from tests.golden.machine import quick, told, video


def since(row, first, best, stood=None):
    """The row with what was accepted of it before."""
    return row.model_copy(update={"first": first, "best": best, "accepted": stood})


def permitted(row, reference, *, state="holds", days_left=27, expires="2026-12-31"):
    """How the permission of the story stands beside the figure of head."""
    return Accepted(
        state=state,
        ratio=row.head / reference,
        ceiling=1.15,
        reference=reference,
        commit="77f0c2a9b1d3e5f7a9c1e3f5b7d9a1c3e5f7092b",
        reason="the new scheduler needs one more sync; better images",
        issue="https://github.com/example/video/issues/23055",
        expires=expires,
        days_left=days_left,
    )


def accepted_and_crept() -> Decision:
    decoding = a_metric("DecodingStage", 346, 389, "accepted", low=1.111, high=1.138)
    whole = a_metric("end-to-end", 22610, 22655, low=0.9990, high=1.0049)
    rows = video(
        total=since(whole, 19180, 19020),
        decoding=since(decoding, 340, 331, permitted(decoding, 346)),
    )
    accepted = a_case_decision(
        "wan2_1_t2v_1.3b",
        "accepted",
        rows,
        pairs=5,
        output="same",
        sentence="DecodingStage +12.4 % (11.1 to 13.8), 346 → 389 ms; end-to-end +0.2 % (0 to 0.5)"
        "; DecodingStage +12.4 % since 77f0c2a9b1d3, accepted up to +15.0 % until 2026-12-31",
    )
    total = a_metric("end-to-end", 6440, 6438, low=0.994, high=1.007)
    faster = a_case_decision("flux_1_dev", metrics=[since(total, 7075, 6410)], output="same")
    return told([accepted, faster, quick("qwen_image", 6440)])


def permission_over() -> Decision:
    row = a_metric("end-to-end", 22610, 22625, low=0.9980, high=1.0034)
    stood = permitted(row, 20100, state="over", days_left=-3)
    owing = a_case_decision(
        "wan2_1_t2v_1.3b", metrics=video(total=since(row, 20100, 20100, stood)), output="same"
    )
    note = (
        "wan2_1_t2v_1.3b · end-to-end: +12.6 % since 77f0c2a9b1d3, accepted until 2026-12-31, "
        "which is over. This change makes it no worse, but the default branch's own gate fails; "
        "fix https://github.com/example/video/issues/23055, or renew it by a pull request "
        "(perfgate baseline update with --issue and --expires)"
    )
    return told([owing], notes=(note,))


def permission_over_on_main() -> Decision:
    row = a_metric("end-to-end", 22610, 22625, "regressed", low=0.9980, high=1.0034)
    stood = permitted(row, 20100, state="over", days_left=-3)
    since_then = "+12.6 % since 77f0c2a9b1d3, accepted until 2026-12-31, which is over"
    row = since(row, 20100, 20100, stood).model_copy(update={"reason": since_then})
    owing = a_case_decision(
        "wan2_1_t2v_1.3b", "regressed", metrics=video(total=row), pairs=5, output="same"
    )
    note = (
        f"wan2_1_t2v_1.3b · end-to-end: {since_then}; fix "
        "https://github.com/example/video/issues/23055, or renew it by a pull request "
        "(perfgate baseline update with --issue and --expires)"
    )
    return told([owing], notes=(note,))
