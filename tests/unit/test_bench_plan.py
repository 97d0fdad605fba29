"""How `make bench-plan` plays a small fleet; the figures are seen there, none is asserted."""

from __future__ import annotations

import numpy as np

from benchmarks.plan import lengths, section, split


def test_a_small_fleet_is_told_as_a_section() -> None:
    text = section(12, 3)
    assert text.startswith("## 12 cases on 3 runners, ")
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert len(rows) == 2 + len(lengths(12)) + 2 + 2
    assert "`perfgate merge`, 12 cases in" in text


def test_cases_of_one_length_split_evenly() -> None:
    found = split(np.full(64, 30.0), runners=64)
    assert (found.longest_min, found.ratio) == (4.5, 1.0)
    # What a plan cannot know makes the longest case's pairs the whole.
    assert found.afterwards >= 1.0
