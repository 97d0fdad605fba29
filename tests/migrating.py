"""Projects as docs/migrating.md finds them: sglang's, and one of github-action-benchmark."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.repositories import Repository
from tests.sglang_tree import H100, a_tree, scenario

BENCH = """\
import argparse, json, random

parser = argparse.ArgumentParser()
parser.add_argument("--output", required=True)
chance = random.Random()
times_ms = {"text encoding": 40.0, "denoising": 200.0, "decoding": 60.0}
found = [
    {"name": name, "value": ms * chance.gauss(1, 0.002), "unit": "ms", "range": "± 1"}
    for name, ms in times_ms.items()
]
with open(parser.parse_args().output, "w") as stream:
    json.dump(found, stream)
"""


def write_projects(folder: Path) -> None:
    """``sglang`` and ``my-project`` below the folder, clones with an upstream."""
    _sglang(folder)
    _my_project(folder)


def _sglang(folder: Path) -> None:
    origin = Repository(folder / "origins" / "sglang")
    # Edited by hand, so that the average is none of the steps beside it.
    edited = scenario(expected_avg_denoise_ms=450.0)
    scenarios = {**{name: scenario() for name in H100}, "flux_image_t2i": edited}
    a_tree(origin.path, **{"h100.json": json.dumps({"scenarios": scenarios}, indent=4)})
    for name in ("base.json", "new.json"):
        origin.file(name, json.dumps(_dump()))
    origin.commit("start")
    origin.clone(folder / "sglang")


def _my_project(folder: Path) -> None:
    origin = Repository(folder / "origins" / "my-project")
    origin.file(".gitignore", "perfgate-out/\nhistory/\ndashboard/\n/data.js\n")
    origin.commit("start", bench_py=BENCH)
    origin.git("switch", "--quiet", "--create", "gh-pages")
    origin.file("dev/bench/data.js", f"window.BENCHMARK_DATA = {json.dumps(_stored())}")
    origin.commit("runs")
    origin.git("switch", "--quiet", "main")
    origin.clone(folder / "my-project")


def _dump() -> dict[str, Any]:
    return {
        "total_duration_ms": 1000.0,
        "steps": [
            {"name": "DenoisingStage", "duration_ms": 800.0},
            {"name": "DecodingStage", "duration_ms": 150.0},
        ],
        "denoise_steps_ms": [{"step": 0, "duration_ms": 400.0}, {"step": 1, "duration_ms": 400.0}],
    }


def _stored() -> dict[str, Any]:
    runs = [
        {
            "commit": {"id": f"{day:040x}"},
            "date": 1_770_000_000_000 + day * 86_400_000,
            "tool": "customSmallerIsBetter",
            "benches": [{"name": "denoising", "value": 200.0 + day, "unit": "ms"}],
        }
        for day in range(12)
    ]
    return {"lastUpdate": 1, "repoUrl": "https://github.com/o/r", "entries": {"Benchmark": runs}}
