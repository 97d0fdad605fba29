"""A small repository that keeps diffusion tests the way sglang does: made up, in its formats."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.repositories import environment

SERVER = "python/sglang/multimodal_gen/test/server"
COMPARISON = "scripts/ci/utils/diffusion/comparison_configs.json"

MODELS = """\
SMALL_MODEL = "acme/small"
OTHER_MODEL = (
    "acme/other"
)
"""
CONFIGS = '''\
from dataclasses import dataclass, field, replace
from heavy.machinery import platform_of_this_host


@dataclass
class DiffusionServerArgs:
    """What a server is started with."""

    model_path: str
    modality: str | None = None
    num_gpus: int = 1
    tp_size: int | None = None
    ulysses_degree: int | None = None
    ring_degree: int | None = None
    cfg_parallel: bool | None = None
    lora_path: str | None = None
    dit_layerwise_offload: bool = False
    dit_offload_prefetch_size: int | None = None
    enable_cache_dit: bool = False
    text_encoder_cpu_offload: bool = False
    extras: list[str] = field(default_factory=lambda: [])
    env_vars: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class DiffusionSamplingParams:
    output_size: str = ""
    prompt: str | None = None
    image_path: str | None = None
    seconds: int = 1
    num_frames: int | None = None
    fps: int | None = None
    direct_url_test: bool = False
    output_format: str | None = None
    num_outputs_per_prompt: int = 1
    realtime_num_chunks: int | None = None
    extras: dict = field(default_factory=dict)


@dataclass(frozen=True)
class DiffusionTestCase:
    id: str
    server_args: DiffusionServerArgs
    sampling_params: DiffusionSamplingParams | None = None
    run_perf_check: bool = True
    perf_repeat_requests: int = 1
    run_consistency_check: bool = True
    run_lora_dynamic_load_check: bool = False
    pin_consistency_quality: bool = True


T2I_sampling_params = DiffusionSamplingParams(prompt="a red car", output_size="512x256")
TI2I_sampling_params = DiffusionSamplingParams(
    prompt="paint it blue", image_path="https://example.org/car.png"
)
T2V_sampling_params = DiffusionSamplingParams(prompt="a car drives by")
TI2V_sampling_params = replace(
    T2V_sampling_params, image_path="https://example.org/car.png", seconds=2
)
'''
CASES = '''\
import os

from sglang.multimodal_gen.test.names import OTHER_MODEL, SMALL_MODEL
from sglang.multimodal_gen.test.server.testcase_configs import (
    DiffusionSamplingParams,
    DiffusionServerArgs,
    DiffusionTestCase,
    T2I_sampling_params,
    T2V_sampling_params,
    platform_of_this_host,
)


def on_two(cases, num_gpus=2):
    """Every case on as many devices."""
    return [
        replace(case, server_args=replace(case.server_args, num_gpus=num_gpus)) for case in cases
    ]


def downloaded(name):
    from hub import snapshot
    return snapshot(name)


ONE_GPU_CASES: list[DiffusionTestCase] = [
    DiffusionTestCase("small_t2i", DiffusionServerArgs(model_path=SMALL_MODEL)),
    DiffusionTestCase(
        "small_fast",
        DiffusionServerArgs(model_path=SMALL_MODEL, extras=["--use-fsdp-inference"]),
        run_consistency_check=False,
    ),
    DiffusionTestCase("edit_ti2i", DiffusionServerArgs(model_path=f"{SMALL_MODEL}-edit")),
    DiffusionTestCase(
        "clip_t2v",
        DiffusionServerArgs(
            model_path=OTHER_MODEL,
            enable_cache_dit=True,
            dit_layerwise_offload=True,
            extras=["--warmup-mode request", "--enable-torch-compile", "true"],
            env_vars={"A_SWITCH": "1"},
        ),
        replace(
            T2V_sampling_params,
            output_size="832x480",
            num_frames=9,
            fps=16,
            extras={"num_inference_steps": 8, "guidance_scale": 6.0, "seed": 7, "flow_shift": 5.0},
        ),
        perf_repeat_requests=3,
    ),
    DiffusionTestCase(
        "fetched_t2i", DiffusionServerArgs(model_path=downloaded("acme/elsewhere"))
    ),
    DiffusionTestCase("nameless", DiffusionServerArgs(model_path="acme/nobody-knows")),
    DiffusionTestCase("without_figures_t2i", DiffusionServerArgs(model_path=SMALL_MODEL)),
]
if not platform_of_this_host.is_hip():
    ONE_GPU_CASES += [
        DiffusionTestCase(
            "fallback_t2i",
            DiffusionServerArgs(model_path=SMALL_MODEL, extras=["--backend", "diffusers"]),
        )
    ]
TWO_GPU_CASES = on_two([
    DiffusionTestCase(
        "clip_ti2v_2gpu",
        DiffusionServerArgs(model_path=OTHER_MODEL, tp_size=2),
    )
])
'''


def scenario(**more: Any) -> dict[str, Any]:
    return {
        "stages_ms": {"DenoisingStage": 800.0, "DecodingStage": 150.0},
        "denoise_step_ms": {"0": 400.0, "1": 400.0},
        "expected_e2e_ms": 1000.0,
        "expected_avg_denoise_ms": 400.0,
        "expected_median_denoise_ms": 400.0,
        **more,
    }


H100 = (
    *("small_t2i", "small_fast", "edit_ti2i", "clip_t2v", "clip_ti2v_2gpu"),
    *("fetched_t2i", "nameless", "fallback_t2i", "long_gone_t2i"),
)
FILES = {
    f"{SERVER}/perf_baselines/h100.json": H100,
    f"{SERVER}/perf_baselines/5090.json": ("small_t2i",),
    f"{SERVER}/ascend/perf_baselines_npu.json": ("small_t2i_npu",),
    f"{SERVER}/musa/perf_baselines_musa.json": ("small_t2i_musa",),
}
NPU_CASES = """\
import os

from sglang.multimodal_gen.test.server.testcase_configs import (
    DiffusionServerArgs,
    DiffusionTestCase,
    T2I_sampling_params,
)

WEIGHTS = "/root/models/"


def kept(name: str):
    return os.path.join(WEIGHTS, name)


ONE_NPU_CASES = [
    DiffusionTestCase(
        "small_t2i_npu",
        DiffusionServerArgs(model_path=kept("acme/small"), extras=["--warmup-mode", "request"]),
        T2I_sampling_params,
        run_consistency_check=False,
    ),
]
"""


def a_compared_case(case_id: str, **more: Any) -> dict[str, Any]:
    return {
        "id": case_id,
        "model": "acme/small",
        "task": "text-to-image",
        "prompt": "A cat.",
        "width": 1024,
        "height": 1024,
        "num_gpus": 2,
        "frameworks": {
            "sglang": {"serve_args": "--tp-size 2 --enable-torch-compile", "extra_env": {"B": "1"}}
        },
        **more,
    }


def a_tree(root: Path, **changed: str | None) -> Path:
    """A repository with all of it; ``changed`` has other texts by names of files, None for none."""
    texts: dict[str, str | None] = {
        "python/pyproject.toml": '[project]\nname = "sglang"\n',
        "python/sglang/multimodal_gen/test/names.py": MODELS,
        f"{SERVER}/testcase_configs.py": CONFIGS,
        f"{SERVER}/gpu_cases.py": CASES,
        f"{SERVER}/ascend/testcase_configs_npu.py": NPU_CASES,
        COMPARISON: json.dumps({"cases": [a_compared_case("compared_t2i")]}),
    }
    for path, names in FILES.items():
        texts[path] = json.dumps({"scenarios": {name: scenario() for name in names}})
    by_name = {Path(path).name: path for path in texts}
    for name, text in changed.items():
        texts[by_name.get(name, name)] = text
    for path, text in texts.items():
        if text is not None:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text, encoding="utf-8")
    subprocess.run(["git", "init", "-q"], cwd=root, env=environment(), check=True)
    return root
