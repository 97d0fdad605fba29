"""The description of a chart: its data, texts and marks; how it looks was judged by eye.

The figures stand here, so that the files change with the picture and not with the rule of decision.
"""

from __future__ import annotations

import json
import re

import pytest

from perfgate.report.panels import Change, Point, change_panel, page, times_panel
from perfgate.report.words import MINUS

MACHINE = "nvidia-h100-80gb-hbm3-x1; base 1f0c9a7be2d4, head 8b1d3e5f70a2"
BA_AB = ("base", "head", "head", "base")


def launched(*times_ms):
    """A burn-in and then pairs in turns; a word instead of a time is what became of a launch."""
    kinds = ["burn-in", *(BA_AB[n % 4] for n in range(len(times_ms) - 1))]
    points = []
    for n, (kind, found) in enumerate(zip(kinds, times_ms, strict=True)):
        time, told = found if isinstance(found, tuple) else (found, "")
        points.append(
            Point(
                order=n + 1,
                value_ms=time,
                kind=f"{kind}, {told}" if told else kind,
                pair=(n - 1) // 2 if n else None,
            )
        )
    return points


def changed(ratios, *, decidable):
    """The change after each pair, whose interval halves from one to the next."""
    widths = [0.08 / 2**n for n in range(len(ratios))]
    return [
        Change(order=order, ratio=ratio, low=ratio - w, high=ratio + w, decidable=decidable)
        for (order, ratio), w in zip(ratios.items(), widths, strict=True)
    ]


def one_stage_slower():
    """Decoding takes 43 of 346 ms more, and that is all."""
    total = launched(2304, 2261, 2303, 2305, 2260, 2262, 2304)
    decoding = launched(389, 346, 389, 390, 345, 346, 388)
    whole = changed({3: 1.0186, 5: 1.0192, 7: 1.019}, decidable=0.03)
    stage = changed({3: 1.124, 5: 1.127, 7: 1.1241}, decidable=0.1)
    return page(
        "wan2_1_t2v_1.3b",
        [
            f"slower; end-to-end +1.9 % ({MINUS}0.1 to 3.9 %); 3 pairs",
            "DecodingStage +12.4 % (10.4 to 14.4 %)",
            MACHINE,
        ],
        [
            times_panel("end-to-end", total, launches=7, margin=0.03),
            change_panel("end-to-end", whole, launches=7, margin=0.03),
            times_panel("DecodingStage", decoding, launches=7, margin=0.1, legend=False),
            change_panel("DecodingStage", stage, launches=7, margin=0.1),
        ],
    )


def throttled_then_failed():
    """A pair that no one may look at, a machine that decides little, and a launch that died."""
    throttled = [(7480, "not judged"), (7022, "not judged")]
    died = [(None, "failed"), (7013, "not judged")]
    launches = launched(7015, 7010, 7015, *throttled, 7006, 7001, *died)
    return page(
        "flux_1_dev",
        [f"failed; end-to-end 0.0 % ({MINUS}4.0 to 4.0 %); 2 pairs", MACHINE],
        [
            times_panel("end-to-end", launches, launches=9, margin=0.03),
            change_panel(
                "end-to-end",
                changed({3: 1.0007, 7: 0.9998}, decidable=0.052),
                launches=9,
                margin=0.03,
            ),
        ],
    )


def baseline_alone():
    """Head beside the stored median."""
    head = [
        Point(
            order=n, value_ms=ms, kind="head" if n > 1 else "burn-in", pair=n - 2 if n > 1 else None
        )
        for n, ms in enumerate((90_400.0, 90_100.0, 90_700.0), start=1)
    ]
    panel = times_panel("end-to-end", head, launches=3, margin=0.03, baseline_ms=90_250.0)
    return page(
        "wan2_2_i2v_14b", [f"unchanged; end-to-end +0.2 % ({MINUS}0.9 to 1.3 %)", MACHINE], [panel]
    )


STORIES = (one_stage_slower, throttled_then_failed, baseline_alone)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_description(story, golden):
    golden(f"chart_{story.__name__}.json", readable(story()))


def readable(spec):
    """The description with what holds nothing nested on one line."""
    text = json.dumps(spec, indent=1, sort_keys=True, ensure_ascii=False)
    innermost = re.compile(r"\{[^][{}]*\}|\[[^][{}]*\]")
    return innermost.sub(lambda found: " ".join(found[0].split()), text) + "\n"
