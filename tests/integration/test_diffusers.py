"""Real diffusers pipelines as real launches: what is timed, and what each failure is called.

The models are a few thousand random numbers, made without a network. No time is asserted: only
which stages and steps there are, and that they add up.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import venv
from pathlib import Path

import pytest
from PIL import Image

from perfgate import process
from perfgate.backends.backend import SideContext
from perfgate.backends.diffusers import DiffusersBackend
from perfgate.backends.failures import kind_of
from perfgate.backends.launch import LaunchPlace, launch
from perfgate.records import Side
from perfgate.records.results import FailureKind
from perfgate.suite import Case
from tests.fakes.npu import build as npu
from tests.repositories import environment

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PLACE = LaunchPlace(side=Side.HEAD, pair=0, order=3, started_at="2026-11-20", timeout_s=300)
PICTURE = {"width": 32, "height": 32, "steps": 3, "prompt": "a paper boat"}
VIDEO = {**PICTURE, "frames": 5, "fps": 16}
EDIT = {"image": "picture.png", "extra": {"max_area": 1024, "_auto_resize": False}}
REQUESTS = {
    "flux": ("text-to-image", PICTURE),
    "flux-edit": ("image-edit", {**PICTURE, **EDIT}),
    "unet": ("text-to-image", {**PICTURE, "guidance": 7.5, "negative_prompt": "blurry"}),
    "wan": ("text-to-video", VIDEO),
    "wan-dual": ("text-to-video", VIDEO),
}
STAGES = {
    "InputValidationStage",
    "TextEncodingStage",
    "LatentPreparationStage",
    "TimestepPreparationStage",
    "DenoisingStage",
    "DecodingStage",
}


@pytest.fixture(scope="session")
def tree(tmp_path_factory):
    """A tree with a folder of each model, and a picture."""
    folder = tmp_path_factory.mktemp("tree")
    subprocess.run(
        [sys.executable, "-m", "tests.tiny_pipelines", folder, *REQUESTS],
        cwd=ROOT,
        env=environment(HF_HUB_OFFLINE="1"),
        check=True,
        capture_output=True,
    )
    Image.linear_gradient("L").convert("RGB").resize((32, 32)).save(folder / "picture.png")
    return folder


@pytest.fixture(scope="session")
def launched(tree, tmp_path_factory):
    """Launches a model of the tree as a process, by itself or under the command ``before``."""

    def launched(
        model, python=sys.executable, before=(), env=None, device="cpu", request=None, **more
    ):
        task, usual = REQUESTS.get(model, REQUESTS["flux"])
        case = Case.model_validate(
            {"id": "case", "backend": "diffusers", "threads": 1, "requests": 1, "model": model}
            | {"task": task, "request": {**usual, **(request or {})}, **more}
        )
        scratch = tmp_path_factory.mktemp("scratch")
        hub = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(scratch / "hub"), **(env or {})}
        made = launch(
            case,
            backend=DiffusersBackend(),
            context=SideContext(
                path=tree, python=Path(python), env=environment(**hub), device=device
            ),
            place=PLACE,
            scratch=scratch,
            run=lambda command, **where: process.run((*before, *command), **where),
        )
        assert not list(scratch.glob("*report*"))
        return made

    return launched


@pytest.fixture(scope="session")
def usual(launched):
    """The usual launch of a model, made once; it has to succeed."""
    made = {}

    def usual(model):
        if model not in made:
            made[model] = launched(model, requests=2)
        assert made[model].ok, f"{made[model].failure}\n{made[model].log_tail}"
        return made[model]

    return usual


@pytest.mark.parametrize("model", REQUESTS)
def test_launch__every_stage_and_every_step_that_was_asked_for(usual, model):
    reports = usual(model).reports
    assert len(reports) == 2
    for report in reports:
        by_name = {stage.name: stage.duration_ms for stage in report.stages}
        assert by_name.keys() == STAGES
        assert len(report.steps_ms) == 3
        assert sum(report.steps_ms) <= by_name["DenoisingStage"] * (1 + 1e-9)
        assert sum(by_name.values()) <= report.total_duration_ms
        assert report.sync == "stage"
        assert report.load_ms > 0
        assert report.extra["warm_up_ms"] > 0
        assert report.peak_memory_mb > 50, "torch alone takes more"
        assert report.memory_checkpoints.keys() == {f"after_{name}" for name in STAGES}


@pytest.mark.parametrize("model", REQUESTS)
def test_launch__the_same_request_computes_the_same(usual, model):
    first, second = (report.output for report in usual(model).reports)
    assert first == second
    names = [stage.name for stage in first.stages]
    assert names == ["text embedding", "latents after the last step", "output"]
    assert "torch" in first.build
    assert first.dtype == "float32"


def test_launch__the_seed_decides_the_output_in_every_process(usual, launched):
    hashes = [launched("flux", request={"seed": s}).reports[0].output.sha256 for s in (42, 43)]
    assert hashes[0] == usual("flux").reports[0].output.sha256
    assert hashes[1] != hashes[0]


def test_launch__tells_what_ran(usual):
    made = usual("wan-dual")
    import diffusers  # noqa: PLC0415 - its version alone

    told = {
        "framework": "diffusers",
        "framework_version": diffusers.__version__,
        "pipeline": "WanPipeline",
        "denoisers": ["transformer", "transformer_2"],
        "not_sent": ["fps"],
        "compiled": False,
        "device": "cpu",
        "threads": 1,
    }
    assert {name: made.reports[0].extra[name] for name in told} == told
    assert made.imported == {"diffusers": diffusers.__file__}


def test_launch__the_encoding_of_a_picture_is_told_within_its_stage(usual):
    (found,) = usual("flux-edit").reports[0].extra["nested"]
    assert (found["within"], found["name"]) == ("LatentPreparationStage", "ImageVAEEncodingStage")


@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler")
def test_compile__nearly_the_same_output_by_compiled_code(usual, launched):
    made = launched("flux", serve={"compile": True})
    assert made.ok, f"{made.failure}\n{made.log_tail}"
    (compiled,), (eager, _) = made.reports, usual("flux").reports
    assert compiled.extra["compiled"] is True
    assert compiled.extra["compile_ms"] > compiled.total_duration_ms
    assert compiled.output.build == f"{eager.output.build}, compiled"
    assert len(compiled.steps_ms) == 3
    for one, other in zip(eager.output.stages, compiled.output.stages, strict=True):
        assert one.norm == pytest.approx(other.norm, rel=1e-2)


@pytest.mark.parametrize(
    ("env", "failure"),
    [
        ({"TORCHDYNAMO_DISABLE": "1"}, "not compiled: torch.compile made no graph: "),
        ({"CXX": "/nowhere/g++"}, "not compiled: InductorError: "),
    ],
)
def test_compile__that_did_not_happen_is_a_failure(launched, env, failure):
    made = launched("flux", serve={"compile": True, "env": env})
    assert made.failure.startswith(failure), f"{made.failure}\n{made.log_tail}"


@pytest.mark.parametrize(
    ("model", "request_", "failure"),
    [
        (
            "flux",
            {"extra": {"num_frames": 5}},
            "request refused: FluxPipeline takes no num_frames. It takes",
        ),
        (
            "unet",  # whose call takes anything, and drops it
            {"extra": {"callback_steps": 3}},
            "request refused: StableDiffusionPipeline takes no callback_steps. It takes",
        ),
        (
            "wan",
            {"height": 17},
            "request refused: WanPipeline checked its inputs: ValueError: `height` and `width`",
        ),
        ("flux", {"extra": {"sigmas": []}}, "failed: no denoising step was seen in FluxPipeline: "),
        (
            "wan",
            {"guidance": 1e38},
            "failed: the latents after the last step of the request is no result: it holds a value",
        ),
        ("../absent", {}, "failed: there is no folder ../absent in {tree}"),
        (
            "nobody/flux",
            {},
            (
                "failed: there is no folder nobody/flux in {tree}, nor such a model on the hub: "
                "HF_HUB_OFFLINE is set and it is not in the cache"
            ),
        ),
        ("empty", {}, "failed: empty cannot be loaded on cpu: OSError: "),
    ],
)
def test_failure__a_request_or_model_that_is_wrong(launched, tree, model, request_, failure):
    (tree / "empty").mkdir(exist_ok=True)
    made = launched(model, request=request_)
    assert made.failure.startswith(failure.format(tree=tree)), f"{made.failure}\n{made.log_tail}"
    assert made.reports == ()


def test_failure__without_torch(launched, tmp_path):
    """Also proves that all before torch needs the standard library alone."""
    venv.create(tmp_path / "bare", symlinks=True)
    made = launched("flux", python=tmp_path / "bare/bin/python3")
    assert made.failure.startswith("framework missing: torch is not installed in "), made.log_tail
    assert made.failure.endswith("add it to frameworks.diffusers.setup, or to setup")


def test_failure__without_diffusers(launched, tmp_path):
    venv.create(tmp_path / "bare", symlinks=True)
    (site,) = (tmp_path / "bare/lib").glob("python3*/site-packages")
    (site / "torch.py").write_text("")
    made = launched("flux", python=tmp_path / "bare/bin/python3")
    assert made.failure.startswith("framework missing: diffusers is not installed in ")
    assert "frameworks.diffusers.setup" in made.failure


def test_failure__out_of_memory_names_the_stage(launched):
    # More than any machine's address space, so that it is refused at once.
    made = launched("wan", request={"extra": {"num_videos_per_prompt": 10**11}})
    assert made.failure.startswith("out of memory: cpu ("), made.failure
    assert " in TextEncodingStage: " in made.failure


def test_failure__a_pipeline_that_raises_names_the_stage(launched, tree):
    broken = tree / "broken"
    shutil.copytree(tree / "flux", broken)
    config = broken / "tokenizer/tokenizer_config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "model_max_length": 99}))
    made = launched("broken")
    assert made.failure.startswith("crashed: TextEncodingStage: "), made.failure
    assert "Traceback" in made.log_tail


@pytest.mark.skipif(shutil.which("prlimit") is None, reason="the limit is set by prlimit")
def test_failure__a_process_that_dies_without_a_word(launched):
    made = launched("wan", before=("prlimit", "--cpu=1"))
    assert made.failure.startswith("the benchmark was killed by SIG"), made.failure
    assert kind_of(made.failure) is FailureKind.CRASHED


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (
            {"timeout": {"load": "1ms"}},
            "importing torch and diffusers took longer than timeout.load of 0.001 s",
        ),
        (
            {"timeout": {"request": "1ms"}},
            "warming up took longer than timeout.request of 0.001 s",
        ),
        (
            {"timeout": {"compile": "10ms"}, "serve": {"compile": True}},
            "compiling took longer than timeout.compile of 0.01 s",
        ),
    ],
)
def test_failure__too_slow(launched, more, said):
    assert launched("flux", **more).failure == f"timed out: {said}"


def test_failure__a_hub_that_never_answers(launched):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        made = launched(
            "nobody/wan",
            env={"HF_HUB_OFFLINE": "0", "HF_ENDPOINT": address, "NO_PROXY": "*"},
            timeout={"download": "500ms"},
        )
    assert made.failure == (
        "timed out: downloading nobody/wan took longer than timeout.download of 0.5 s"
    )


@pytest.fixture(scope="module")
def of_npu(tmp_path_factory):
    """What a process sees in which torch has a stand-in for an NPU."""
    if npu.COMPILER is None:
        pytest.skip("the stand-in NPU needs a C++ compiler")
    seen = npu.environment(tmp_path_factory.mktemp("npu"))
    return {name: value for name, value in seen.items() if os.environ.get(name) != value}


@pytest.mark.parametrize(
    ("args", "sync", "dtype"),
    [
        ("", "events", "bfloat16"),
        ("--offload model", "events", "bfloat16"),
        ("--sync stage --dtype float32", "stage", "float32"),
    ],
)
def test_npu__times_are_the_devices_and_memory_is_its_own(launched, of_npu, args, sync, dtype):
    made = launched("flux", env=of_npu, device="npu", serve={"args": args})
    assert made.ok, f"{made.failure}\n{made.log_tail}"
    (report,) = made.reports
    by_name = {stage.name: stage.duration_ms for stage in report.stages}
    assert by_name.keys() == STAGES
    assert len(report.steps_ms) == 3
    assert sum(by_name.values()) <= report.total_duration_ms
    assert report.sync == sync
    assert report.output.dtype == dtype
    assert report.extra["device_name"] == "Ascend910B3"
    assert report.peak_memory_mb < 50, "the device's, not the process's"


def test_npu__out_of_memory_names_the_device(launched, of_npu):
    small = {**of_npu, "FAKE_NPU_MEMORY_MB": "4"}
    made = launched("flux", env=small, device="npu", serve={"args": "--dtype float32"})
    assert made.failure.startswith("out of memory: npu:0 (Ascend910B3) in "), made.failure


def test_npu__that_is_not_there(launched):
    made = launched("flux", device="npu")
    assert made.failure.startswith("device not fit: no npu device: "), made.failure
