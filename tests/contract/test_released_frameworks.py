"""What perfgate says to sglang and vllm-omni, and reads from them, held against their releases.

The wheels' own sources say which options their parsers take and which fields their endpoints.
vLLM's part of vllm-omni's command line is in another package, too large to fetch for this:
``OF_VLLM`` names the options that are taken on trust.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from perfgate.backends import sglang, vllm_omni
from perfgate.backends.backend import SideContext
from perfgate.backends.driver.log_watch import LogWatch
from perfgate.backends.driver.spec import Spec
from perfgate.backends.openai_requests import PATHS
from perfgate.backends.registry import BACKENDS
from perfgate.records.results import FailureKind
from perfgate.suite import OF_VIDEOS, Case
from tests.released import Release, download

pytestmark = pytest.mark.network

SGLANG = "sglang==0.5.23"
VLLM_OMNI = "vllm-omni==0.30.0"
MG = "sglang/multimodal_gen"
OPENAI = f"{MG}/runtime/entrypoints/openai"
OMNI = "vllm_omni/entrypoints/openai"
SERVE_OPTIONS = (
    f"{MG}/runtime/server_args/server_args.py",
    f"{MG}/runtime/entrypoints/cli/serve.py",
)
GENERATE_OPTIONS = (
    *SERVE_OPTIONS,
    f"{MG}/runtime/entrypoints/cli/generate.py",
    f"{MG}/configs/sample/sampling_params.py",
)
OF_VLLM = {"--host", "--port", "--enforce-eager"}

# What was learnt from these releases, and where it stands:
#   sglang serve      takes port, and above it 1 for offline requests; torch.distributed and the
#                     scheduler are put at 5 and 55 above it by option; settles for other ports
#                     unless --strict-ports; warms up at the model's own size by default
#   sglang generate   takes the same options of the server, and a request's; --prompt, --seed and
#                     --image-path take several values, --fps and --num-frames whole numbers alone
#   /health           503 until the server's own warm-up is done
#   /v1/videos        JSON or a form to sglang, a form alone to vllm-omni; a job that is asked for
#   perf_dump_path    a field of all three endpoints of sglang, in forms as well
#   inference_time_s  in all of sglang's answers, in vllm-omni's of videos; of pictures its metrics
#                     tell stage_<n>_gen_ms, and seconds by stage where its profiler is on


@pytest.fixture(scope="module")
def sglang_release(tmp_path_factory) -> Release:
    return download(SGLANG, tmp_path_factory.mktemp("sglang"))


@pytest.fixture(scope="module")
def omni_release(tmp_path_factory) -> Release:
    return download(VLLM_OMNI, tmp_path_factory.mktemp("vllm-omni"))


def a_case(backend: str, task: str, **serve) -> Case:
    return Case.model_validate(
        {
            "id": "wan",
            "backend": backend,
            "model": "some/model",
            "task": task,
            "devices": 2,
            "request": {
                "prompt": "a fox -- in the rain",
                "negative_prompt": "--blurry",
                "image": "fox.png" if task.startswith("image") else None,
                "width": 832,
                "height": 480,
                **({"frames": 81, "fps": 16} if task.endswith("video") else {}),
                "steps": 50,
                "guidance": 5.0,
                "extra": {"true_cfg_scale": 4.0},
            },
            "serve": serve,
        }
    )


@pytest.fixture
def side(tmp_path) -> SideContext:
    (tmp_path / "fox.png").touch()
    return SideContext(path=tmp_path, python=Path("python3"), env={})


@pytest.mark.parametrize("compiled", [False, True])
def test_sglang_serve__takes_every_option(sglang_release, compiled):
    case = a_case("sglang", "text-to-video", compile=compiled)
    program, verb, *line = sglang.serve_command(case, scratch=Path("/scratch"))
    assert program in sglang_release.scripts()
    assert f"sglang/cli/{verb}.py" in sglang_release._archive.namelist()
    told = sglang_release.parser(SERVE_OPTIONS).parse_args(line)
    assert (told.model_path, told.backend, told.port) == ("some/model", "sglang", 30_000)
    assert (told.master_port, told.scheduler_port, told.strict_ports) == (30_005, 30_055, True)
    assert (told.enable_torch_compile, told.warmup_mode, told.num_gpus) == (compiled, "off", 2)


@pytest.mark.parametrize("task", PATHS)
def test_sglang_generate__takes_every_option(sglang_release, side, task):
    case = a_case("sglang", task, mode="one-shot")
    program, verb, *line = sglang.generate_command(case, side, scratch=Path("/scratch"))
    assert (program, verb) == ("sglang", "generate")
    dump = ["--perf-dump-path", "/scratch/0.json"]
    told = sglang_release.parser(GENERATE_OPTIONS).parse_args([*line, *dump])
    assert (told.backend, told.prompt, told.negative_prompt) == (
        "sglang",
        ["a fox -- in the rain"],
        "--blurry",
    )
    moves = (81, 16) if task.endswith("video") else (None, None)
    assert (told.seed, told.num_frames, told.fps, told.true_cfg_scale) == ([42], *moves, 4.0)
    assert (told.warmup_mode, told.save_output) == ("request", True)
    assert told.perf_dump_path == "/scratch/0.json"


def test_sglang__its_parser_would_have_said_so(sglang_release):
    """What is rebuilt here refuses what sglang refuses: the checks above can fail."""
    parser = sglang_release.parser(GENERATE_OPTIONS)
    for wrong in (["--backend=other"], ["--fps=16.5"], ["--warmup-mode", "on"], ["--no-such", "1"]):
        with pytest.raises((argparse.ArgumentError, SystemExit)):
            parser.parse_args(wrong)


@pytest.mark.parametrize(
    ("task", "file", "name"),
    [
        ("text-to-image", "protocol.py", "ImageGenerationsRequest"),
        ("image-edit", "image_api.py", "edits"),
        ("text-to-video", "protocol.py", "VideoGenerationsRequest"),
        ("image-to-video", "video_api.py", "create_video"),
    ],
)
def test_sglang__its_endpoints_take_every_field(sglang_release, side, task, file, name):
    sending = _sending("sglang", task, side)
    sent = {*sending.fields, sending.dump_field}
    sent |= set() if sending.image is None else {sending.image.field}
    assert sent - sglang_release.fields(f"{OPENAI}/{file}", name) <= {"true_cfg_scale"}
    router = sglang_release.text(f"{OPENAI}/{'video' if task in OF_VIDEOS else 'image'}_api.py")
    prefix = "/v1/videos" if task in OF_VIDEOS else "/v1/images"
    assert f'prefix="{prefix}"' in router
    assert f'@router.post("{sending.path.removeprefix(prefix)}"' in router


@pytest.mark.parametrize(
    ("task", "file", "name"),
    [
        ("text-to-image", f"{OMNI}/protocol/images.py", "ImageGenerationRequest"),
        ("image-edit", f"{OMNI}/api_server.py", "edit_images"),
        ("text-to-video", f"{OMNI}/video/generation/helpers.py", "_parse_video_form"),
        ("image-to-video", f"{OMNI}/video/generation/helpers.py", "_parse_video_form"),
    ],
)
def test_vllm_omni__its_endpoints_take_every_field(omni_release, side, task, file, name):
    sending = _sending("vllm-omni", task, side)
    sent = {*sending.fields} | (set() if sending.image is None else {sending.image.field})
    # Of a model's own: an extra of the case is sent as it stands.
    assert sent - omni_release.fields(file, name) <= {"true_cfg_scale"}
    assert f'"{sending.path}",' in omni_release.text(f"{OMNI}/api_server.py")


def test_vllm_omni__takes_every_option(omni_release):
    program, verb, model, *line = vllm_omni.serve_command(a_case("vllm-omni", "text-to-image"))
    assert program in omni_release.scripts()
    assert (verb, model) == ("serve", "some/model")
    own = [word for word in line if word.startswith("--") and word not in OF_VLLM]
    assert own == ["--omni"]
    parser = omni_release.parser(["vllm_omni/entrypoints/cli/serve.py"])
    assert parser.parse_args(own).omni is True
    # Their names are spoken of in the sources at least.
    assert "args.port" in omni_release.text(f"{OMNI}/api_server.py")
    assert "enforce_eager: bool" in omni_release.text("vllm_omni/diffusion/data.py")


def test_answers__hold_what_is_read_from_them(sglang_release, omni_release):
    told = {"inference_time_s", "peak_memory_mb"}
    for name in ("ImageResponse", "VideoResponse"):
        assert told <= sglang_release.fields(f"{OPENAI}/protocol.py", name)
    assert {"b64_json"} <= sglang_release.fields(f"{OPENAI}/protocol.py", "ImageResponseData")
    video = omni_release.fields(f"{OMNI}/protocol/videos.py", "VideoResponse")
    assert told | {"id", "status", "stage_durations"} <= video
    image = omni_release.fields(f"{OMNI}/protocol/images.py", "ImageGenerationResponse")
    assert {"data", "metrics"} <= image
    assert "_gen_ms" in omni_release.text("vllm_omni/entrypoints/omni_base.py")
    video_api = sglang_release.text(f"{OPENAI}/video_api.py")
    for status in ("queued", "completed", "failed"):
        assert f'"{status}"' in omni_release.text(f"{OMNI}/protocol/videos.py")
        assert f'"status": "{status}"' in video_api


def test_health__is_asked_where_they_tell_it(sglang_release, omni_release):
    server = sglang_release.text(f"{MG}/runtime/entrypoints/http_server.py")
    assert '@health_router.get("/health")' in server
    assert 'router.get("/models")' in sglang_release.text(f"{OPENAI}/common_api.py")
    for path in ("/health", "/v1/models"):
        assert f'@router.get("{path}")' in omni_release.text(f"{OMNI}/api_server.py")


def test_sglang__its_ports(sglang_release):
    server = sglang_release.text(SERVE_OPTIONS[0])
    assert f"return self.port + {sglang.BROKER}" in server


@pytest.mark.parametrize(
    ("file", "words"),
    [
        (f"{MG}/registry.py", "Falling back to diffusers backend"),
        (f"{MG}/registry.py", "Using diffusers backend for model"),
        (f"{MG}/runtime/pipelines/diffusers_pipeline.py", "Loaded diffusers pipeline"),
    ],
)
def test_sglang__its_own_words_for_another_pipeline(sglang_release, file, words):
    assert words in sglang_release.text(file)
    failure = LogWatch(native=True, compiled=False).line(words)
    assert failure is not None
    assert failure.kind is FailureKind.FALLBACK


def _sending(backend: str, task: str, side: SideContext):
    case = a_case(backend, task)
    made = BACKENDS[case.backend].invocation(case, side, report=Path("/scratch/report.json"))
    sending = Spec.model_validate_json(made.command[-1]).sending
    assert sending is not None
    return sending
