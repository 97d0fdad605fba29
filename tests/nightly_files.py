"""Makes files in the formats of sglang's nightly comparison for tests, with names of our own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.result_files import START

MODEL, TASK = "org/tiny-flux", "text-to-image"


def a_result(case: str = "flux_tiny", latency_s: float | None = 6.7, **rest: Any) -> dict[str, Any]:
    """One case as older files have it; ``rest`` are what newer ones add."""
    found = {"case_id": case, "framework": "sglang", "model": MODEL, "task": TASK}
    return {**found, "latency_s": latency_s, "error": None, **rest}


def a_newer_result(case: str = "flux_tiny", **rest: Any) -> dict[str, Any]:
    """One case with three requests and what the server said of them."""
    told = {
        "latency_samples_s": [6.8, 6.7, 6.6],
        "measurement_count": 3,
        "server_latency_s": 6.5,
        "server_latency_samples_s": [6.6, 6.5, 6.4],
        "server_stage_medians_ms": {"TextEncodingStage": 20.5, "DenoisingStage": 6300.25},
        "median_denoise_step_ms": 125.5,
    }
    return a_result(case, 6.7, **{**told, **rest})


def a_night(*results: Any, day: float = 0, run: str = "1000", **rest: Any) -> dict[str, Any]:
    """A file's document; night 0 is START."""
    return {
        "timestamp": (START + timedelta(days=day)).isoformat(),
        "commit_sha": f"{int(day):040x}",
        "run_id": run,
        "results": list(results or (a_result(),)),
        **rest,
    }


def a_config(*, steps: int = 50, case: str = "flux_tiny", **rest: Any) -> dict[str, Any]:
    """A comparison_configs.json with one case."""
    return {
        "test_image_url": "https://example.org/cat.png",
        "cases": [
            {
                "id": case,
                "model": MODEL,
                "task": TASK,
                "prompt": "a city",
                "num_inference_steps": steps,
                "seed": 42,
                "frameworks": {
                    "sglang": {"serve_args": "--warmup", "extra_env": {}},
                    "vllm-omni": {"serve_args": "", "extra_env": {}},
                },
                **rest,
            }
        ],
    }


def write(folder: Path, name: str, document: Mapping[str, Any] | str | bytes) -> Path:
    """A file of that document, or of that very content."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    if isinstance(document, bytes):
        path.write_bytes(document)
    else:
        path.write_text(document if isinstance(document, str) else json.dumps(document))
    return path
