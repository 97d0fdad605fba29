"""Which line starts a framework and which request it is asked, from a case alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from perfgate.backends import server, sglang, vllm_omni
from perfgate.backends.backend import CannotServeError, SideContext
from perfgate.backends.driven import invocation, refuse_own_options
from perfgate.backends.driver.spec import PYTHONPATH_OF_FRAMEWORK, Spec
from perfgate.backends.registry import BACKENDS
from perfgate.errors import ConfigurationError
from perfgate.suite import Case

SCRATCH = Path("/scratch/report.files")
REQUEST = {
    "prompt": "a fox",
    "negative_prompt": "rain",
    "width": 1280,
    "height": 720,
    "steps": 50,
    "guidance": 5.0,
    "extra": {"true_cfg_scale": 4.0},
}
OF_VIDEOS = {"frames": 81, "fps": 16}


def a_case(backend="sglang", task="text-to-video", **more) -> Case:
    moves = OF_VIDEOS if task.endswith("video") else {}
    return Case.model_validate(
        {
            "id": "wan",
            "backend": backend,
            "model": "some/model",
            "task": task,
            "request": {**REQUEST, **moves, **more.pop("request", {})},
            **more,
        }
    )


def a_side(tree: Path, **env: str) -> SideContext:
    return SideContext(path=tree, python=Path("/side/bin/python3"), env={"PATH": "/bin", **env})


def spec_of(case: Case, tree: Path) -> Spec:
    made = BACKENDS[case.backend].invocation(case, a_side(tree), report=tree / "report.json")
    return Spec.model_validate_json(made.command[-1])


def test_sglang__the_servers_line():
    case = a_case(devices=4, serve={"args": "--ulysses-degree 2 --cfg-parallel-size=2"})
    assert list(sglang.serve_command(case, scratch=SCRATCH)) == [
        *("sglang", "serve", "--model-path", "some/model", "--backend=sglang"),
        *("--host", "127.0.0.1", "--port", "30000"),
        *("--master-port", "30005", "--scheduler-port", "30055", "--strict-ports", "true"),
        *("--output-path", "/scratch/report.files/outputs"),
        *("--input-save-path", "/scratch/report.files/inputs"),
        *("--warmup-mode", "off", "--enable-torch-compile", "false", "--num-gpus", "4"),
        *("--ulysses-degree", "2", "--cfg-parallel-size=2"),
    ]


def test_sglang__the_line_of_one_shot(tmp_path):
    case = a_case(serve={"mode": "one-shot", "compile": True})
    line = list(sglang.generate_command(case, a_side(tmp_path), scratch=SCRATCH))
    assert line == [
        *("sglang", "generate", "--backend=sglang", "--model-path", "some/model"),
        *("--prompt=a fox", "--negative-prompt=rain", "--width=1280", "--height=720"),
        *("--num-frames=81", "--fps=16", "--num-inference-steps=50", "--guidance-scale=5.0"),
        *("--seed=42", "--true-cfg-scale=4.0"),
        *("--save-output", "--output-path", "/scratch/report.files/outputs"),
        *("--warmup-mode", "request", "--enable-torch-compile", "true"),
    ]


def test_sglang__what_the_case_says_of_the_warm_up_and_of_devices_holds():
    args = "--warmup-mode server --warmup-resolutions 64x64 --num_gpus=2"
    line = list(sglang.serve_command(a_case(devices=2, serve={"args": args}), scratch=SCRATCH))
    assert line.count("--warmup-mode") == 1
    assert "--num-gpus" not in line


@pytest.mark.parametrize(("compiled", "word"), [(True, "true"), (False, "false")])
def test_sglang__compiling_is_always_said(tmp_path, compiled, word):
    case = a_case(serve={"compile": compiled})
    line = list(sglang.serve_command(case, scratch=SCRATCH))
    assert line[line.index("--enable-torch-compile") + 1] == word
    assert spec_of(case, tmp_path).compiled is compiled


@pytest.mark.parametrize("args", ["--backend diffusers", "--backend=auto", "--port 4"])
def test_sglang__what_perfgate_sets_is_not_set_twice(args):
    with pytest.raises(ConfigurationError, match=r"wan: serve.args sets --(backend|port), which"):
        sglang.SglangBackend().check(a_case(serve={"args": args}))


@pytest.mark.parametrize(
    ("backend", "option"),
    [("sglang", "--enable-torch-compile"), ("vllm-omni", "--enforce-eager")],
)
def test_whether_it_compiles_is_a_parameter_of_the_case(backend, option):
    with pytest.raises(ConfigurationError, match=rf"serve\.args sets {option}.*\n.*serve\.compile"):
        BACKENDS[backend].check(a_case(backend, serve={"args": option}))


def test_own_options__spelt_with_underscores():
    with pytest.raises(ConfigurationError, match="--master-port"):
        refuse_own_options(a_case(serve={"args": "--master_port=1"}), sglang.OWN_OPTIONS)


def test_sglang__frames_a_second_are_whole():
    with pytest.raises(ConfigurationError, match=r"fps is 23.976, and sglang takes whole"):
        sglang.SglangBackend().check(a_case(request={"fps": 23.976}))


def test_sglang__all_ports_that_it_takes_are_checked(tmp_path):
    spec = spec_of(a_case(serve={"port": 31000}), tmp_path)
    assert spec.ports == (31000, 31001, 31005, 31055)
    assert (spec.address, spec.health) == ("http://127.0.0.1:31000", ("/health", "/v1/models"))
    assert spec.native
    assert spec.sending.dump_field == "perf_dump_path"


def test_sglang__stages_that_are_waited_for_are_told_as_such(tmp_path):
    env = {"SGLANG_DIFFUSION_SYNC_STAGE_PROFILING": "1"}
    assert spec_of(a_case(), tmp_path).sync == "off"
    assert spec_of(a_case(env=env), tmp_path).sync == "stage"


def test_vllm_omni__several_devices_need_a_way_to_use_them():
    check = vllm_omni.VllmOmniBackend().check
    with pytest.raises(ConfigurationError, match="not told how to use its 4 devices"):
        check(a_case("vllm-omni", devices=4))
    check(a_case("vllm-omni", devices=4, serve={"args": "--ulysses-degree 4"}))
    check(a_case("vllm-omni"))


def test_vllm_omni__the_servers_line():
    eager = a_case("vllm-omni", serve={"args": "--tensor-parallel-size 2"})
    line = ["vllm-omni", "serve", "some/model", "--omni", "--host", "127.0.0.1", "--port", "30000"]
    more = ["--tensor-parallel-size", "2"]
    assert list(vllm_omni.serve_command(eager)) == [*line, "--enforce-eager", *more]
    compiled = a_case("vllm-omni", serve={"args": more, "compile": True})
    assert list(vllm_omni.serve_command(compiled)) == [*line, *more]


@pytest.mark.parametrize(
    ("backend", "task", "path", "encoding"),
    [
        ("sglang", "text-to-image", "/v1/images/generations", "json"),
        ("sglang", "image-edit", "/v1/images/edits", "form"),
        ("sglang", "text-to-video", "/v1/videos", "json"),
        ("sglang", "image-to-video", "/v1/videos", "form"),
        ("vllm-omni", "text-to-video", "/v1/videos", "form"),
    ],
)
def test_requests__the_endpoint_of_each_task(tmp_path, backend, task, path, encoding):
    (tmp_path / "fox.png").touch()
    image = {"image": "fox.png"} if task.startswith("image") else {}
    sending = spec_of(a_case(backend, task, request=image), tmp_path).sending
    assert (sending.path, sending.encoding) == (path, encoding)
    assert sending.expects == ("job" if task.endswith("video") else "picture")
    assert sending.fields["size"] == "1280x720"
    assert sending.fields["true_cfg_scale"] == 4.0
    assert ("num_frames" in sending.fields) is task.endswith("video")


@pytest.mark.parametrize(
    ("backend", "task", "field"),
    [
        ("sglang", "image-edit", {"url": "https://example.org/fox.png"}),
        ("sglang", "image-to-video", {"reference_url": "https://example.org/fox.png"}),
        (
            "vllm-omni",
            "image-to-video",
            {"image_reference": '{"image_url": "https://example.org/fox.png"}'},
        ),
    ],
)
def test_requests__an_image_at_an_address_is_fetched_by_the_server(tmp_path, backend, task, field):
    request = {"image": "https://example.org/fox.png"}
    sending = spec_of(a_case(backend, task, request=request), tmp_path).sending
    assert sending.image is None
    assert field.items() <= sending.fields.items()


def test_requests__an_image_that_is_not_there(tmp_path):
    with pytest.raises(ConfigurationError, match=r"request.image fox.png is no file in"):
        spec_of(a_case(task="image-edit", request={"image": "fox.png"}), tmp_path)


BODY = {"a": "{prompt}", "b": ["{seed}", {"c": "{frames} frames of {model}"}], "d": 3, "e": "{x y}"}


def test_template__a_value_alone_keeps_its_type():
    values = server.values_of(a_case().request, "some/model")
    assert server.filled(BODY, values) == {
        "a": "a fox",
        "b": [42, {"c": "81 frames of some/model"}],
        "d": 3,
        "e": "{x y}",
    }


def test_template__a_prompt_is_never_filled_again():
    values = server.values_of(a_case(request={"prompt": "{seed}"}).request, None)
    assert server.filled({"a": "{prompt}", "b": "{model}"}, values) == {"a": "{seed}", "b": None}


def test_template__an_unknown_place_is_told():
    case = a_case("server", serve={"command": "serve", "body": {"text": ["{colour}"]}})
    with pytest.raises(ConfigurationError, match=r"serve\.body names colour, which no request has"):
        server.ServerBackend().check(case)


def test_another_server__at_an_address_starts_nothing(tmp_path):
    spec = spec_of(a_case("server", serve={"address": "http://10.0.0.1:9/"}), tmp_path)
    assert (spec.command, spec.ports, spec.address) == ((), (), "http://10.0.0.1:9/")


def test_environment__the_suites_reaches_the_framework_and_pythonpath_only_it(tmp_path):
    case = a_case(env={"A": 1, "B": 1, "PYTHONPATH": "/theirs"}, serve={"env": {"B": 2}})
    made = invocation(spec_of(case, tmp_path), case, a_side(tmp_path, A="0"))
    assert (made.env["A"], made.env["B"]) == ("1", "2")
    assert made.env[PYTHONPATH_OF_FRAMEWORK] == "/theirs"
    assert "/theirs" not in made.env["PYTHONPATH"]


@pytest.mark.parametrize("name", ["sglang", "vllm-omni", "server"])
def test_no_framework_stays_between_launches(name, tmp_path):
    with pytest.raises(CannotServeError, match="launch: fresh"):
        BACKENDS[name].server(
            a_case(name, serve={"address": "http://a"} if name == "server" else {}),
            a_side(tmp_path),
        )
