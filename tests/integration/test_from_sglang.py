"""A repository that keeps sglang's files becomes a suite; what has no place in one is listed."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path
from textwrap import dedent

import pytest

from perfgate.app.starting.draft import Draft
from perfgate.app.starting.from_sglang import from_sglang
from perfgate.app.starting.suite_text import suite_text
from perfgate.backends.sglang import serve_command
from perfgate.errors import ConfigurationError
from perfgate.sides.git import Git
from perfgate.suite import Case, Suite, parse_suite
from tests.frameworks import Frameworks
from tests.released import Release, download
from tests.repositories import environment
from tests.sglang_tree import COMPARISON, SERVER, a_compared_case, a_tree

SHARED = Path(__file__).parents[3] / "shared/data"
SERVE_OPTIONS = (
    "sglang/multimodal_gen/runtime/server_args/server_args.py",
    "sglang/multimodal_gen/runtime/entrypoints/cli/serve.py",
)


def draft_of(root: Path) -> Draft:
    return from_sglang(Git(root=root, environ=environment()))


def suite_of(draft: Draft) -> Suite:
    text = suite_text(draft, on_device=True, repository="OWNER/perfgate")
    return parse_suite(text, source="perfgate.yml")


@pytest.fixture(scope="module")
def draft(tmp_path_factory: pytest.TempPathFactory) -> Draft:
    return draft_of(a_tree(tmp_path_factory.mktemp("a tree")))


@pytest.fixture(scope="module")
def cases(draft: Draft) -> dict[str, Case]:
    return {case.id: case for case in suite_of(draft).cases}


def why(draft: Draft, name: str) -> str:
    (found,) = (one.why for one in draft.unmapped if one.where.endswith(name))
    return found


def test_baselines__files_by_hardware_key(draft: Draft) -> None:
    sglang = suite_of(draft).sglang
    assert sglang is not None
    assert sglang.file_of("nvidia-h100-80gb-hbm3-x2") == f"{SERVER}/perf_baselines/h100.json"
    assert sglang.file_of("nvidia-geforce-rtx-5090-x1") == f"{SERVER}/perf_baselines/5090.json"
    assert sglang.file_of("ascend-910b-x8") == f"{SERVER}/ascend/perf_baselines_npu.json"
    assert sglang.file_of("cpu-epyc-x8") is None


def test_sides__each_installs_its_own_tree(draft: Draft) -> None:
    suite = suite_of(draft)
    assert suite.setup == 'pip install -e "python[diffusion]"'
    assert suite.imports == ("sglang",)


def test_cases__those_with_figures_and_those_compared(cases: dict[str, Case]) -> None:
    assert list(cases) == [
        *("small_t2i", "small_fast", "edit_ti2i", "clip_t2v", "clip_ti2v_2gpu"),
        *("small_t2i_npu", "compared_t2i"),
    ]


def test_case__with_the_request_that_its_name_tells(cases: dict[str, Case]) -> None:
    case = cases["small_t2i"]
    assert (case.backend, case.model, case.task) == ("sglang", "acme/small", "text-to-image")
    assert case.request is not None
    assert (case.request.prompt, case.request.width, case.request.height) == ("a red car", 512, 256)
    assert case.request.extra == {"quality": "exact"}
    assert (case.devices, case.requests, case.runs_on) == (1, 1, ("1-gpu-h100",))


def test_case__with_the_request_of_its_model(cases: dict[str, Case]) -> None:
    case = cases["small_fast"]
    assert case.task == "text-to-image"
    assert case.serve.args == ("--use-fsdp-inference",)
    assert case.request is not None
    assert case.request.extra == {}, "sglang pins the quality only where it compares outputs"


def test_case__with_a_picture(cases: dict[str, Case]) -> None:
    case = cases["edit_ti2i"]
    assert (case.model, case.task) == ("acme/small-edit", "image-edit")
    assert case.request is not None
    assert case.request.image == "https://example.org/car.png"


def test_case__with_everything_that_it_says(cases: dict[str, Case]) -> None:
    case = cases["clip_t2v"]
    assert case.task == "text-to-video"
    assert case.serve.args == ("--dit-layerwise-offload", "true", "--warmup-mode", "request")
    assert case.serve.compile
    assert case.serve.env == {"SGLANG_CACHE_DIT_ENABLED": "true", "A_SWITCH": "1"}
    request = case.request
    assert request is not None
    assert (request.steps, request.guidance, request.seed, request.frames) == (8, 6.0, 7, 9)
    assert request.fps is None, "sglang's client sends no rate for a video of text alone"
    assert request.extra == {"seconds": 1, "flow_shift": 5.0, "quality": "exact"}
    assert (case.requests, case.timeout.request) == (2, 1200)


def test_case__on_several_devices(cases: dict[str, Case]) -> None:
    case = cases["clip_ti2v_2gpu"]
    assert (case.task, case.devices, case.runs_on) == ("image-to-video", 2, ("2-gpu-h100",))
    assert case.serve.args == ("--tp-size", "2")
    assert case.request is not None
    assert case.request.extra["seconds"] == 2


def test_case__of_an_npu(cases: dict[str, Case]) -> None:
    case = cases["small_t2i_npu"]
    assert (case.model, case.runs_on) == ("/root/models/acme/small", ("linux-aarch64-a3-2",))


def test_case__of_the_nightly_comparison(cases: dict[str, Case]) -> None:
    case = cases["compared_t2i"]
    assert case.when.events == ("schedule", "workflow_dispatch")
    assert case.runs_on == ("4-gpu-h100",)
    assert (case.devices, case.serve.args, case.serve.compile) == (2, ("--tp-size", "2"), True)
    assert (case.timeout.load, case.timeout.request) == (2400, 1200)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("fetched_t2i", "`downloaded('acme/elsewhere')` is only known when it runs"),
        ("nameless", "nothing that is read tells what that model makes of what"),
        ("fallback_t2i", "serve.args sets --backend, which perfgate sets itself"),
        ("long_gone_t2i", "no test case of that name can be read"),
        ("without_figures_t2i", "no baseline file that is used has figures of it"),
        ("perf_baselines_musa.json", "perfgate measures on CPUs, NVIDIA GPUs and Ascend NPUs"),
    ],
)
def test_unmapped__with_the_reason(draft: Draft, name: str, reason: str) -> None:
    assert reason in why(draft, name)


def test_unmapped__nothing_else(draft: Draft) -> None:
    assert len(draft.unmapped) == 6
    assert "6 left out" in draft.notes[0]
    assert draft.notes[0].startswith("6 scenarios and 1 of the nightly comparison became cases")


def test_comparison__several_frameworks_are_one_case(tmp_path: Path) -> None:
    both = a_compared_case("both_t2i")
    both["frameworks"] |= {"vllm-omni": {"serve_args": "--ulysses 2"}, "comfyui": {}}
    apart = a_compared_case("apart_t2i", sglang_request_extra={"flow_shift": 3.0})
    apart["frameworks"] |= {"vllm-omni": {}}
    text = json.dumps({"cases": [both, apart, a_compared_case("small_t2i")]})
    draft = draft_of(a_tree(tmp_path, **{COMPARISON: text}))
    cases = {case.id: case for case in suite_of(draft).cases}
    assert list(cases["both_t2i"].frameworks) == ["vllm-omni"]
    assert not cases["apart_t2i"].frameworks
    told = {
        (one.where.removeprefix(f"{COMPARISON}: "), one.what): one.why for one in draft.unmapped
    }
    assert "not comfyui" in told["both_t2i", "comfyui"]
    assert "a case has one request" in told["apart_t2i", "vllm-omni"]
    assert "another case has its name" in told["small_t2i", "the case"]


def test_older_layout__one_file_for_all(tmp_path: Path) -> None:
    root = a_tree(tmp_path)
    folder = root / SERVER / "perf_baselines"
    (folder / "h100.json").rename(folder.with_suffix(".json"))
    shutil.rmtree(folder)
    suite = suite_of(draft_of(root))
    assert suite.sglang is not None
    assert suite.sglang.file_of("nvidia-h100-80gb-hbm3-x1") == f"{SERVER}/perf_baselines.json"
    assert len(suite.cases) == 7


def test_a_comparison_alone_keeps_launches_of_its_own(tmp_path: Path) -> None:
    root = a_tree(tmp_path)
    shutil.rmtree(root / SERVER)
    suite = suite_of(draft_of(root))
    assert suite.baselines == "baselines/"
    assert [case.id for case in suite.cases] == ["compared_t2i"]


def test_damaged_files_are_told_and_the_rest_is_mapped(tmp_path: Path) -> None:
    damaged = {"5090.json": '{"scenarios": {"a": {"expected_e2e_ms": -1}}}'}
    draft = draft_of(
        a_tree(
            tmp_path,
            **damaged,
            **{COMPARISON: "{", f"{SERVER}/bad.py": "x = (\nDiffusionTestCase("},
        )
    )
    assert "scenarios.a.expected_e2e_ms: -1" in why(draft, "5090.json")
    assert "not a comparison configuration" in why(draft, "comparison_configs.json")
    assert "was never closed" in why(draft, "bad.py")
    assert len(suite_of(draft).cases) == 6


def test_cases_that_are_written_in_another_way_are_told_and_the_rest_is_mapped(
    tmp_path: Path,
) -> None:
    own = """
        class DiffusionServerArgs:
            model_path: str
            extras: list = None
            env_vars: dict = None
            num_gpus: int = 1
            modality: str = None

        class DiffusionTestCase:
            id: str
            server_args: object
            sampling_params: object = None

        x = [1]
        ODD = [
            DiffusionTestCase("odd_1_t2i", DiffusionServerArgs("m", extras=read_from_somewhere())),
            DiffusionTestCase("odd_2_t2i", DiffusionServerArgs("m", extras=5)),
            DiffusionTestCase("odd_3_t2i", DiffusionServerArgs("m", extras=["it's"])),
            DiffusionTestCase("odd_4_t2i", DiffusionServerArgs("m", num_gpus="all")),
            DiffusionTestCase("odd_5_t2i", DiffusionServerArgs(["m"], env_vars="A=1")),
            DiffusionTestCase("odd_6", DiffusionServerArgs(["m"])),
            DiffusionTestCase("odd_7_t2i", DiffusionServerArgs("m", extras=DEEP)),
            DiffusionTestCase(DEEP, DiffusionServerArgs("m")),
            DiffusionTestCase(named_by("somebody"), DiffusionServerArgs("m")),
        ]
    """
    deep = "DEEP = [1]\n" + "DEEP = [DEEP, DEEP]\n" * 5000
    names = ["odd_6", *(f"odd_{number}_t2i" for number in (1, 2, 3, 4, 5, 7))]
    scenario = {"stages_ms": {}, "denoise_step_ms": {}, "expected_e2e_ms": 1.0}
    scenario |= {"expected_avg_denoise_ms": 1.0, "expected_median_denoise_ms": 1.0}
    figures = json.dumps({"scenarios": dict.fromkeys(names, scenario)})
    root = a_tree(tmp_path, **{f"{SERVER}/odd.py": deep + dedent(own)})
    (root / SERVER / "perf_baselines/b200.json").write_text(figures)
    draft = draft_of(root)
    told = {one.where.rpartition(": ")[2]: one.why for one in draft.unmapped}
    assert {name for name in names if name in told} == {*names}
    assert "only known when it runs" in told["odd_1_t2i"]
    assert "not written as sglang's" in told["odd_2_t2i"]
    assert "more than is read" in told["odd_7_t2i"]
    nameless = [one.why for one in draft.unmapped if one.where.endswith("odd.py")]
    assert nameless[0] == "its name is no text"
    assert "only known when it runs" in nameless[1]
    assert len(suite_of(draft).cases) >= 6


@pytest.mark.parametrize("leads_to", ["/dev/zero", "pipe", "/etc/hostname", "nowhere"])
def test_links_out_of_the_repository_are_not_followed(tmp_path: Path, leads_to: str) -> None:
    root = a_tree(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    for path in (f"{SERVER}/odd.py", f"{SERVER}/perf_baselines/b200.json"):
        (root / path).symlink_to(leads_to if leads_to != "pipe" else tmp_path / "pipe")
    draft = draft_of(root)
    assert "b200.json cannot be read" in why(draft, "b200.json")
    assert len(suite_of(draft).cases) >= 6


def test_no_file_of_sglangs__is_refused(tmp_path: Path) -> None:
    Git(root=tmp_path, environ=environment())("init", "-q")
    with pytest.raises(ConfigurationError, match="no baseline file and no comparison"):
        draft_of(tmp_path)


def test_baselines_without_test_cases__are_refused(tmp_path: Path) -> None:
    root = a_tree(tmp_path, **{COMPARISON: None})
    (root / SERVER / "gpu_cases.py").unlink()
    shutil.rmtree(root / SERVER / "ascend")
    with pytest.raises(ConfigurationError, match="no case can be made") as refused:
        draft_of(root)
    assert "small_t2i: no test case of that name can be read" in refused.value.problem


def test_real_baselines_and_comparison__beside_made_up_test_cases(tmp_path: Path) -> None:
    if not SHARED.is_dir():
        pytest.skip("the real files are not beside this checkout")
    texts = {
        "h100.json": (SHARED / "sglang-baselines/h100.json").read_text(encoding="utf-8"),
        "perf_baselines_npu.json": (SHARED / "sglang-baselines/npu.json").read_text(
            encoding="utf-8"
        ),
        COMPARISON: (SHARED / "sglang-nightly/config_20260325.json").read_text(encoding="utf-8"),
    }
    draft = draft_of(a_tree(tmp_path, **texts))
    suite = suite_of(draft)
    assert suite.sglang is not None
    assert len(suite.cases) == 9, "8 compared; the 5090's made-up scenario"
    missing = [one for one in draft.unmapped if one.why.startswith("no test case of that name")]
    assert len(missing) == 84 + 13


def written(release: Release, root: Path) -> Path:
    """A repository with a release's diffusion tests."""
    for name in release.names():
        if name.startswith("sglang/multimodal_gen/test/") and name.endswith((".py", ".json")):
            (root / "python" / name).parent.mkdir(parents=True, exist_ok=True)
            (root / "python" / name).write_text(release.text(name), encoding="utf-8")
    Git(root=root, environ=environment())("init", "-q")
    return root


@pytest.mark.network
@pytest.mark.slow
def test_release__most_scenarios_become_cases(tmp_path: Path) -> None:
    release = download("sglang==0.5.23", tmp_path)
    draft = draft_of(written(release, tmp_path / "a tree"))
    cases = {case.id: case for case in suite_of(draft).cases}
    assert len(cases) == 89
    assert cases["wan2_2_t2v_14b_w8a8_2npu"].serve.args == (
        *("--tp-size", "1", "--ulysses-degree", "2", "--warmup-mode", "request"),
    )
    assert {one.what for one in draft.unmapped} == {
        *("improvement_reporting", "10 scenarios", "6 scenarios", "the scenario", "the test case"),
    }
    # Paths of components and keys of their settings become options when sglang runs.
    made_when_it_runs = re.compile(r"--[a-z]+-(weights-)?path|--[a-z]+-config\.[a-z-]+")
    parser = release.parser(SERVE_OPTIONS)
    for case in cases.values():
        _, _, *line = serve_command(case, scratch=tmp_path)
        unknown = parser.parse_known_args(line)[1]
        options = [word.partition("=")[0] for word in unknown if word.startswith("--")]
        assert all(map(made_when_it_runs.fullmatch, options)), (case.id, unknown)


@pytest.mark.network
@pytest.mark.slow
def test_release__with_one_file_for_all(tmp_path: Path) -> None:
    draft = draft_of(written(download("sglang==0.5.9", tmp_path), tmp_path / "a tree"))
    assert len(suite_of(draft).cases) == 35
    assert [one.what for one in draft.unmapped] == ["improvement_reporting", "the scenario"]


@pytest.mark.slow
def test_cases__are_what_a_server_is_started_with_and_asked(
    cases: dict[str, Case], tmp_path: Path
) -> None:
    frameworks = Frameworks(tmp_path)
    for case in cases.values():
        serve = case.serve.model_copy(update={"port": frameworks.port})
        made = frameworks.launch(case.model_copy(update={"serve": serve}))
        assert made.failure is None, (case.id, made.log_tail)
        assert len(made.reports) == case.requests
    asked = [one["fields"] for one in frameworks.noted("requests")]
    clip = next(one for one in asked if "flow_shift" in one)
    assert {key: clip[key] for key in ("size", "num_frames", "seconds", "quality", "seed")} == {
        "size": "832x480",
        "num_frames": 9,
        "seconds": 1,
        "quality": "exact",
        "seed": 7,
    }
