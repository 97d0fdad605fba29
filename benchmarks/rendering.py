"""How long a decision takes to become texts, and how large they are: ``make bench-rendering``.

    python -m benchmarks.rendering [--cases 1000] [--metrics 60]

The largest suite that perfgate means to serve, all of it slower, which leaves most to be told.
Nothing is asserted and no figure is kept: it is this machine's, now.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

from perfgate import __version__
from perfgate.records import CaseDecision, Cost, Decision, MetricDecision, Tree, Verdict
from perfgate.report.check import MAX_CHECK_BYTES, render_check
from perfgate.report.comment import MAX_COMMENT_CHARS, render_comment
from perfgate.report.junit import render_junit
from perfgate.report.summary import MAX_SUMMARY_BYTES, render_summary

_TEXTS: dict[str, tuple[Callable[[Decision], str], int | None]] = {
    "comment": (render_comment, MAX_COMMENT_CHARS),
    "summary": (render_summary, MAX_SUMMARY_BYTES),
    "check run": (render_check, MAX_CHECK_BYTES),
    "junit.xml": (render_junit, None),
}


def decision(*, cases: int, metrics: int) -> Decision:
    """Every metric of every case slower, each by another ratio."""
    return Decision(
        perfgate=__version__,
        suite="perfgate",
        conclusion="failure",
        verdict=Verdict.REGRESSED,
        exit_code=1,
        strategy="paired",
        hardware_key="cpu-test-x2",
        base=Tree(commit="b" * 40, ref="main"),
        head=Tree(commit="a" * 40, ref="feature"),
        counts={"regressed": cases},
        cost=Cost(launches=9 * cases, device_minutes=0.9 * cases),
        cases=tuple(_case(number, of=cases, metrics=metrics) for number in range(cases)),
    )


def _case(number: int, *, of: int, metrics: int) -> CaseDecision:
    ratio = 1.1 + number / of
    names = ["end-to-end", *(f"Stage{stage:02d}OfThePipeline" for stage in range(1, metrics))]
    return CaseDecision(
        id=f"wan2_1_t2v_14b_{number:04d}",
        verdict=Verdict.REGRESSED,
        pairs=4,
        launches=9,
        metrics=tuple(
            MetricDecision(
                name=name,
                unit="ms",
                base=1000.0,
                head=1000.0 * ratio,
                ratio=ratio,
                low=ratio - 0.01,
                high=ratio + 0.01,
                verdict=Verdict.REGRESSED,
            )
            for name in names
        ),
    )


def main() -> None:
    """Print a line for each text."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--metrics", type=int, default=60)
    asked = parser.parse_args()
    decided = decision(cases=asked.cases, metrics=asked.metrics)
    print(f"{asked.cases:,} cases of {asked.metrics} metrics, all slower")
    for name, (render, limit) in _TEXTS.items():
        started = time.perf_counter()
        text = render(decided)
        seconds = time.perf_counter() - started
        room = f" of {limit:,}" if limit else ""
        print(f"{name:>10}  {seconds:6.2f} s  {len(text.encode()):>10,} bytes{room}")


if __name__ == "__main__":
    main()
