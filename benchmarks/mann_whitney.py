"""Compares two google-benchmark files as its ``tools/compare.py`` does: Mann-Whitney's U on times.

    python -m benchmarks.mann_whitney BASE HEAD

For every benchmark with repetitions on both sides: the change of the median of either time, and
the two-sided p value, which is what "significant" means there. Written to be measured beside
``perfgate compare``; nothing of perfgate is imported.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path
from statistics import median

from scipy.stats import mannwhitneyu  # type: ignore[import-untyped]

LEVEL = 0.05
TIMES = ("real_time", "cpu_time")


def main(base: str, head: str) -> int:
    """Print a line a benchmark."""
    before, after = _repetitions(base), _repetitions(head)
    for name in before.keys() & after.keys():
        told = []
        for one, other in zip(before[name], after[name], strict=True):
            change = median(other) / median(one) - 1.0
            p_value = float(mannwhitneyu(one, other, alternative="two-sided").pvalue)
            told.append(f"{change:+.4f} p={p_value:.4f}{' *' if p_value < LEVEL else ''}")
        print(f"{name:60} {'   '.join(told)}")
    return 0


def _repetitions(path: str) -> dict[str, tuple[list[float], ...]]:
    document = json.loads(Path(path).read_text(encoding="utf-8"))
    found: dict[str, tuple[list[float], ...]] = defaultdict(lambda: tuple([] for _ in TIMES))
    for row in document["benchmarks"]:
        for values, key in zip(found[row["name"]], TIMES, strict=True):
            values.append(row[key])
    return found


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
