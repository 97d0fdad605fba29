"""sglang's comparison_configs.json, read as it is in each of its formats."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfgate.app.compete.contest import USUAL_REPEATS, Contest, Entry, compiled
from perfgate.app.compete.sglang_config import parse_config
from perfgate.errors import ConfigurationError
from perfgate.records.results import FailureKind
from perfgate.suite import Request

REAL = Path(__file__).parents[3] / "shared/data/sglang-nightly/config_20260325.json"
IMAGE = "https://example.org/cat.png"


def a_case(case_id: str = "wan", serve_args: str = "", **rest: Any) -> dict[str, Any]:
    return {
        "id": case_id,
        "model": "Wan-AI/Wan2.2",
        "task": "text-to-video",
        "prompt": "A cat.",
        "width": 1280,
        "height": 720,
        "num_frames": 81,
        "num_gpus": 4,
        "frameworks": {"sglang": {"serve_args": serve_args, "extra_env": {}}},
        **rest,
    }


def read(*cases: dict[str, Any], **top: Any) -> Contest:
    document = {"_comment": "x", "test_image_url": IMAGE, "cases": list(cases), **top}
    return parse_config(json.dumps(document), source="configs.json")


def only(contest: Contest) -> Entry:
    (entry,) = contest.entries
    return entry


def request_of(entry: Entry) -> Request:
    assert entry.case.request is not None
    return entry.case.request


class TestCases:
    def test_a_case_as_perfgate_runs_it(self) -> None:
        asked = a_case(num_inference_steps=50, guidance_scale=5.0, seed=7, negative_prompt="blurry")
        entry = only(read(asked))
        case = entry.case
        assert (case.backend, case.model, case.task, case.devices) == (
            *("sglang", "Wan-AI/Wan2.2", "text-to-video", 4),
        )
        assert request_of(entry).model_dump(exclude_none=True) == {
            "prompt": "A cat.",
            "negative_prompt": "blurry",
            "width": 1280,
            "height": 720,
            "frames": 81,
            "steps": 50,
            "guidance": 5.0,
            "seed": 7,
            "extra": {},
        }
        assert (case.requests, case.timeout.load, case.timeout.request) == (1, 2400, 1200)

    def test_a_reference_image_is_the_files_own(self) -> None:
        entry = only(read(a_case(task="text-image-to-video", reference_image=True)))
        assert (entry.case.task, request_of(entry).image) == ("image-to-video", IMAGE)

    def test_tasks_keep_the_name_that_they_were_read_by(self) -> None:
        found = read(a_case(task="text-image-to-video", reference_image=True))
        assert found.tasks == {"wan": "text-image-to-video"}

    def test_extra_fields_go_to_sglang__null_takes_a_field_away(self) -> None:
        extra = {"num_frames": None, "fps": None, "flow_shift": 12.0, "target": {"short_edge": 768}}
        both = {"sglang": {"serve_args": ""}, "vllm-omni": {"serve_args": "--omni-arg 1"}}
        first, second = read(a_case(fps=24, sglang_request_extra=extra, frameworks=both)).entries
        assert request_of(first).extra == {"flow_shift": 12.0, "target": {"short_edge": 768}}
        assert (request_of(first).frames, request_of(first).fps) == (None, None)
        assert request_of(second).extra == {}
        assert (request_of(second).frames, request_of(second).fps) == (81, 24)
        assert second.case.serve.args == ("--omni-arg", "1")

    def test_what_is_set_for_a_framework_reaches_it(self) -> None:
        framework = {"serve_args": "--tp-size 2", "extra_env": {"SGLANG_X": "1"}}
        serve = only(read(a_case(frameworks={"sglang": framework}))).case.serve
        assert (serve.args, serve.env) == (("--tp-size", "2"), {"SGLANG_X": "1"})

    @pytest.mark.parametrize(
        ("written", "repeats"), [({}, USUAL_REPEATS), ({"measurement_repeats": 3}, 3)]
    )
    def test_repeats(self, written: dict[str, int], repeats: int) -> None:
        assert read(a_case(), **written).repeats == repeats


class TestCompile:
    @pytest.mark.parametrize(
        ("args", "left", "on"),
        [
            ("--enable-torch-compile --tp-size 2", ("--tp-size", "2"), True),
            ("--tp-size 2 --enable-torch-compile true", ("--tp-size", "2"), True),
            ("--enable-torch-compile false", (), False),
            ("--enable-torch-compile=False --x", ("--x",), False),
            ("--x", ("--x",), False),
        ],
    )
    def test_the_switch_becomes_the_cases_own(
        self, args: str, left: tuple[str, ...], on: bool
    ) -> None:
        serve = only(read(a_case(serve_args=args))).case.serve
        assert (serve.args, serve.compile) == (left, on)

    def test_both_can_be_asked_for(self) -> None:
        found = compiled(read(a_case(serve_args="--enable-torch-compile")), "both")
        assert [entry.cell for entry in found.entries] == ["sglang", "sglang-compiled"]


class TestWarmUp:
    def test_a_server_that_warms_itself_up_is_told_the_shape(self) -> None:
        serve = only(read(a_case(serve_args="--warmup-mode server"))).case.serve
        assert serve.args[2:] == ("--warmup-resolutions", "1280x720", "--warmup-num-frames", "81")

    def test_what_is_written_stays(self) -> None:
        args = "--warmup-mode=server --warmup-resolutions 64x64 --warmup-num-frames=5"
        assert only(read(a_case(serve_args=args))).case.serve.args == tuple(args.split())

    def test_no_other_way_of_warming_up_is_told(self) -> None:
        assert only(read(a_case(serve_args="--warmup"))).case.serve.args == ("--warmup",)


class TestOtherFrameworks:
    def test_one_that_perfgate_cannot_run_is_a_failed_cell_and_stops_nothing(self) -> None:
        frameworks = {"sglang": {}, "comfyui": {"serve_args": "--fast", "comfy_root": "${ROOT}"}}
        found = read(a_case(comfyui_workflow="x.json", frameworks=frameworks))
        (cell,) = found.impossible
        assert (cell.case, cell.framework) == ("wan", "comfyui")
        assert cell.failures[0].kind is FailureKind.MISSING
        assert only(found).framework == "sglang"


class TestRefused:
    @pytest.mark.parametrize(
        ("document", "told"),
        [
            ("[]", "Input should be an object"),
            ("{", "Invalid JSON"),
            ('{"cases": []}', "cases: Tuple should have at least 1 item"),
            ('{"cases": [{"id": "a b"}]}', "cases[0].id: String should match pattern"),
        ],
    )
    def test_what_is_no_configuration(self, document: str, told: str) -> None:
        with pytest.raises(ConfigurationError) as refused:
            parse_config(document, source="configs.json")
        assert refused.value.problem.startswith("configs.json is not a comparison configuration")
        assert told in refused.value.problem

    def test_every_problem_is_told_at_once(self) -> None:
        with pytest.raises(ConfigurationError) as refused:
            read(
                a_case("one", task="text-to-audio"),
                a_case("two", serve_args="--x '"),
                a_case("two"),
                a_case("three", width=0),
                a_case("four", reference_image=True, task="image-edit"),
                test_image_url=None,
            )
        for told in (
            "cases[0]: task: 'text-to-audio' is none of",
            "cases[1]: No closing quotation",
            "cases[2].id: 'two': cases[1] has this id too",
            "cases[3]: width: ",
            "cases[4]: reference_image: the file has no test_image_url",
        ):
            assert told in refused.value.problem

    def test_a_file_that_is_too_large(self) -> None:
        with pytest.raises(ConfigurationError, match="larger than"):
            parse_config(" " * 1_000_001, source="configs.json")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
_KEYS = [*a_case(), "reference_image", "fps", "seed", "sglang_request_extra", "task"]


@given(st.dictionaries(st.sampled_from(_KEYS), _JSON, max_size=4), _JSON)
def test_whatever_stands_in_it__is_read_or_refused(changed: dict[str, Any], repeats: Any) -> None:
    with contextlib.suppress(ConfigurationError):
        found = read({**a_case(), **changed}, measurement_repeats=repeats)
        assert found.repeats >= 1
        assert all(len(entry.case.workload_hash()) == 16 for entry in found.entries)


@pytest.mark.skipif(not REAL.exists(), reason=f"sglang's real configuration is not at {REAL}")
def test_the_configuration_of_2026_03_25() -> None:
    found = parse_config(REAL.read_text(encoding="utf-8"), source=REAL.name)
    assert len(found.entries) == 8
    assert {entry.cell for entry in found.entries} == {"sglang-compiled"}
    assert (found.impossible, found.repeats) == ((), USUAL_REPEATS)
    assert {entry.case.devices for entry in found.entries} == {1, 4}
