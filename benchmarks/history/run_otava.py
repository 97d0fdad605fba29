"""Runs apache-otava over series, inside its own environment: nothing of perfgate is imported.

python run_otava.py TASK.json ANSWER.json
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from otava.analysis import compute_change_points  # type: ignore[import-not-found]


def main(task: str, answer: str) -> None:
    """Defaults everywhere: windows of 50 points, p below 0.001, any magnitude."""
    given = json.loads(Path(task).read_text(encoding="utf-8"))
    found = [
        [int(one.index) for one in compute_change_points(list(each))[0]] for each in given["all"]
    ]
    long = list(given["long"])
    whole, appended = [], []
    for _ in range(given["rounds"]):
        began = time.perf_counter()
        compute_change_points(list(long))
        whole.append(time.perf_counter() - began)
        _, weak = compute_change_points(long[:-1])
        began = time.perf_counter()
        compute_change_points(long, new_data=1, old_weak_cp=weak)
        appended.append(time.perf_counter() - began)
    told = {"found": found, "whole_s": min(whole), "appended_s": min(appended)}
    Path(answer).write_text(json.dumps(told), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
