"""Launches of sglang, vllm-omni and other servers: the stand-in's real processes over real HTTP."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys

import pytest

from tests.fakes.framework_server import FALLBACK, png
from tests.frameworks import Frameworks, gated_suite
from tests.repositories import Repository

pytestmark = pytest.mark.slow

WHAT = {"text-to-image": {}, "image-edit": {"image": "fox.png"}, "text-to-video": {"frames": 9}}
WHAT["image-to-video"] = {"image": "fox.png", "frames": 9}
PATHS = {
    "text-to-image": "/v1/images/generations",
    "image-edit": "/v1/images/edits",
    "text-to-video": "/v1/videos",
    "image-to-video": "/v1/videos",
}


@pytest.fixture
def frameworks(tmp_path):
    made = Frameworks(tmp_path)
    (made.tree / "fox.png").write_bytes(png(1))
    yield made
    assert made.nothing_left(), made.left()


@pytest.mark.parametrize("task", WHAT)
@pytest.mark.parametrize("backend", ["sglang", "vllm-omni"])
def test_each_task_at_its_endpoint(frameworks, backend, task):
    made = frameworks.launch(frameworks.case(backend, task=task, request=WHAT[task]))
    assert made.failure is None, made.log_tail
    assert len(made.reports) == 2
    asked = frameworks.noted("requests")
    assert [one["path"] for one in asked] == [PATHS[task]] * 3
    fields = asked[0]["fields"]
    assert (fields["prompt"], str(fields["seed"]), fields["size"]) == ("a fox", "42", "64x48")
    sent = {key: value for key, value in fields.items() if isinstance(value, dict)}
    name = "image" if task == "image-edit" else "input_reference"
    file = {"file": "fox.png", "bytes": len(png(1))}
    assert sent == ({name: file} if "image" in WHAT[task] else {})
    if "frames" in WHAT[task]:
        assert str(fields["num_frames"]) == "9"


def test_sglang__the_dump_of_each_request_gives_its_stages(frameworks):
    made = frameworks.launch(frameworks.case())
    for report in made.reports:
        names = [stage.name for stage in report.stages]
        assert names == ["TextEncodingStage", "DenoisingStage", "DecodingStage"]
        assert len(report.steps_ms) == 4
        assert report.peak_memory_mb == 4096.0
        assert report.sync == "off"
        assert report.load_ms > 0
        # Both are kept, and a client waits for longer than the server works.
        assert report.total_duration_ms == report.extra["client_latency_ms"]
        assert report.total_duration_ms > report.extra["server_latency_ms"] > 0
    dumps = [one["fields"]["perf_dump_path"] for one in frameworks.noted("requests")]
    assert len(set(dumps)) == 3


def test_sglang__a_server_that_writes_no_dump_is_measured_all_the_same(frameworks):
    frameworks.behaves(dump="none")
    (report, _) = frameworks.launch(frameworks.case()).reports
    assert [stage.name for stage in report.stages] == ["RequestStage"]
    assert report.extra["missing_perf_dump"] is True


def test_sglang__a_damaged_dump_is_no_measurement(frameworks):
    frameworks.behaves(dump="half")
    failure = frameworks.launch(frameworks.case()).failure
    assert failure.startswith("report damaged: the performance dump is not whole JSON")


def test_one_shot__a_process_for_each_request(frameworks):
    made = frameworks.launch(frameworks.case(serve={"mode": "one-shot"}))
    assert made.failure is None, made.log_tail
    commands = [one["arguments"] for one in frameworks.noted("commands")]
    assert [one[:2] for one in commands] == [["generate", "--backend=sglang"]] * 2
    assert [one[-2] for one in commands] == ["--perf-dump-path"] * 2
    for report in made.reports:
        assert len(report.stages) == 3
        assert report.total_duration_ms == report.extra["server_latency_ms"]
        assert report.extra["process_ms"] > report.total_duration_ms


def test_vllm_omni__stages_where_its_profiler_tells_them(frameworks):
    frameworks.behaves(stages={"vae.decode": 0.004, "transformer.forward": 0.02})
    (report, _) = frameworks.launch(frameworks.case("vllm-omni")).reports
    stages = {stage.name: stage.duration_ms for stage in report.stages}
    assert stages == {"vae.decode": 4.0, "transformer.forward": 20.0}
    assert 0 < report.extra["server_latency_ms"] < report.total_duration_ms


def test_output__the_picture_is_looked_at_once_it_is_there(frameworks):
    first, _ = frameworks.launch(frameworks.case(request={"seed": 1})).reports
    again, _ = frameworks.launch(frameworks.case(request={"seed": 1})).reports
    other, _ = frameworks.launch(frameworks.case(request={"seed": 2})).reports
    assert first.output == again.output != other.output
    assert first.output.sha256 == hashlib.sha256(png(1)).hexdigest()
    assert first.output.stages[0].shape == (16, 16)


def test_video__its_polls_do_not_quantise_the_latency(frameworks):
    frameworks.behaves(request_ms=400)
    made = frameworks.launch(frameworks.case(task="text-to-video", request=WHAT["text-to-video"]))
    served_ms = [one["ms"] for one in frameworks.noted("served")][1:]
    for report, own_ms in zip(made.reports, served_ms, strict=True):
        assert own_ms <= report.total_duration_ms < own_ms * 1.25
        assert report.extra["polls"] > 20


SERVER = {
    "command": 'exec "$STAND_IN" serve --port "$PERFGATE_PORT"',
    "path": "/v1/images/generations",
    "body": {"text": "{prompt}!", "seed": "{seed}", "shape": {"w": "{width}"}, "image": "{image}"},
    "latency": "timing.ms",
}


def other_server(frameworks, **changed):
    case = frameworks.case(
        "server", request={"image": "fox.png"}, serve={**SERVER, **changed}, task="image-edit"
    )
    stand_in = frameworks.tree.parent / "bin" / "sglang"
    return case.model_copy(update={"env": {"STAND_IN": str(stand_in)}})


def test_another_server__by_configuration(frameworks):
    made = frameworks.launch(other_server(frameworks))
    assert made.failure is None, made.log_tail
    fields = frameworks.noted("requests")[0]["fields"]
    assert (fields["text"], fields["seed"], fields["shape"]) == ("a fox!", 42, {"w": 64})
    assert fields["image"].startswith("data:image/png;base64,iVBOR")
    (report, _) = made.reports
    assert 0 < report.extra["server_latency_ms"] < report.total_duration_ms


def test_another_server__its_latency_is_not_where_it_was_said_to_be(frameworks):
    failure = frameworks.launch(other_server(frameworks, latency="timing.seconds")).failure
    assert failure == "report damaged: the answer has no number at timing.seconds"


def test_another_server__whose_answer_is_the_picture_itself(frameworks):
    frameworks.behaves(body="picture")
    (report, _) = frameworks.launch(other_server(frameworks, latency=None)).reports
    assert report.output.sha256 == hashlib.sha256(png(3)).hexdigest()


def test_another_server__that_makes_jobs(frameworks):
    serve = {**SERVER, "path": "/v1/videos", "latency": None}
    made = frameworks.launch(other_server(frameworks, **serve))
    assert made.failure is None, made.log_tail
    assert made.reports[0].extra["polls"] > 0


def test_another_server__that_runs_already_goes_on_running(frameworks):
    env = frameworks.env | {"PERFGATE_PORT": str(frameworks.port)}
    server = subprocess.Popen(["vllm-omni", "serve"], env=env, stdout=subprocess.DEVNULL)
    try:
        address = f"http://127.0.0.1:{frameworks.port}"
        made = frameworks.launch(frameworks.case("server", serve={"address": address}))
        assert made.failure is None, made.log_tail
        assert made.reports[0].load_ms is None
        assert server.poll() is None
    finally:
        server.kill()
        server.wait()


def gated(frameworks, folder):
    repository = Repository(folder)
    (folder / "perfgate.yml").write_text(gated_suite(frameworks.port))
    for message in ("base", "head"):
        repository.git("add", ".")
        repository.git("commit", "--quiet", "--allow-empty", "-m", message)
    return subprocess.run(
        [sys.executable, "-m", "perfgate", "gate", "--base", "HEAD~1"],
        cwd=folder,
        env=frameworks.env,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_gate_with_a_framework(frameworks, tmp_path):
    done = gated(frameworks, tmp_path / "project")
    assert done.returncode in (0, 7), done.stderr
    record = json.loads((tmp_path / "project" / "perfgate-out" / "record.json").read_text())
    (case,) = record["cases"]
    (report, *_) = case["launches"][-1]["reports"]
    assert [stage["name"] for stage in report["stages"]][1] == "DenoisingStage"
    assert report["extra"]["framework"] == "sglang"


def test_a_gate_whose_framework_fell_back_says_so(frameworks, tmp_path):
    frameworks.behaves(at_start=[FALLBACK])
    done = gated(frameworks, tmp_path / "project")
    assert done.returncode == 4
    assert "not the native backend: " in done.stdout + done.stderr
