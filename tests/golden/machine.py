"""What the golden stories share: a pull request, a plausible machine, and cases of a size."""

from __future__ import annotations

from perfgate.records import Decision, Tree
from perfgate.report.comment import Earlier
from tests.factories import a_case_decision, a_decision, a_metric

BASE = Tree(commit="1f0c9a7be2d44c0f9b6f3b1c5e8d7a6940312c55", ref="main")
HEAD = Tree(commit="8b1d3e5f70a2c4d6e8f9a1b3c5d7e9f0a2b4c6d8", ref="refs/pull/412/merge")
MACHINE = "nvidia-h100-80gb-hbm3-x1"
TOLD = {"driver": "580.65.06", "torch": "2.13.0", "clocks": "locked at 1755 MHz", "fit": "yes"}
EARLIER = (
    Earlier(
        commit="5c2e9b7d1a3f4c6e8b0d2f4a6c8e0b1d3f5a7c9e",
        verdict="passed",
        headline="🟢 perfgate: 6 of 6 cases as fast as base, within ±0.9 %; 19 launches, "
        "11 GPU minutes",
        when="2026-03-02 09:14 UTC",
        run_url="https://github.com/example/video/actions/runs/101",
    ),
)


def told(cases=None, **rest) -> Decision:
    """A decision of a pull request that was measured on one H100."""
    return a_decision(
        cases,
        **{"base": BASE, "head": HEAD, "hardware_key": MACHINE, "told": TOLD, **rest},
    )


def video(**moved):
    """The metrics of a 22 s text-to-video request; ``moved`` replaces one, by its first word."""
    rows = {
        "total": a_metric("end-to-end", 22610, 22625, low=0.9980, high=1.0034),
        "text": a_metric("TextEncodingStage", 412, 413, low=0.991, high=1.014),
        "denoising": a_metric("DenoisingStage", 21700, 21712, low=0.9978, high=1.0033),
        "decoding": a_metric("DecodingStage", 346, 347, low=0.989, high=1.017),
        "latents": a_metric(
            "LatentPreparationStage",
            0.82,
            0.91,
            low=0.96,
            high=1.26,
            judged=False,
            reason="under 5 ms",
        ),
        "step": a_metric("median step", 429.1, 429.4, low=0.9985, high=1.0029),
        "memory": a_metric("peak memory", 34211, 34211, unit="MiB", low=1.0, high=1.0),
    }
    return [*{**rows, **moved}.values()]


def quick(name: str, total: float, **rest):
    """A case that is plainly unchanged."""
    metric = a_metric("end-to-end", total, total * 1.001, low=0.994, high=1.007)
    return a_case_decision(name, metrics=[metric], output="same", **rest)


def slower_decoding(**rest):
    """A text-to-video case whose decoder alone is slower."""
    return a_case_decision(
        "wan2_1_t2v_1.3b",
        "regressed",
        video(
            total=a_metric("end-to-end", 2261, 2304, "regressed", low=1.016, high=1.022),
            denoising=a_metric("DenoisingStage", 1498, 1498, low=0.9978, high=1.0033),
            step=a_metric("median step", 29.91, 29.93, low=0.9985, high=1.0029),
            decoding=a_metric("DecodingStage", 346, 389, "regressed", low=1.111, high=1.138),
        ),
        pairs=5,
        noise=0.006,
        output="same",
        **rest,
    )
