"""Real requests under the profiler: what is in the traces that are kept. No time is asserted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from perfgate import process
from perfgate.backends.backend import SideContext
from perfgate.backends.builtin import BuiltinBackend
from perfgate.backends.capturing import CapturingBackend
from perfgate.backends.diffusers import DiffusersBackend
from perfgate.backends.launch import LaunchPlace, launch
from perfgate.records import Side
from perfgate.suite import Case
from perfgate.verdict.trace_calls import Site
from perfgate.verdict.trace_reading import read_capture
from perfgate.workloads import tracing
from tests.repositories import environment

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
SMALL = {"steps": 2, "frames": 5, "height": 32, "width": 32}
PLACE = LaunchPlace(side=Side.HEAD, pair=0, order=1, started_at="2026-11-20", timeout_s=300)


def captured(tmp_path: Path, preset: str, path: Path = ROOT, **params: object):
    """A launch of a builtin pipeline that leaves a trace, and where."""
    case = Case(id="case", backend="builtin", preset=preset, params=params, requests=1, threads=1)
    made = launch(
        case,
        backend=CapturingBackend(BuiltinBackend(), trace=tmp_path / "trace.json"),
        context=SideContext(path=path, python=Path(sys.executable), env=environment()),
        place=PLACE,
        scratch=tmp_path,
        run=process.run,
    )
    return made, tmp_path / "trace.json"


def test_a_builtin_request__stages_steps_modules_and_operators(tmp_path: Path) -> None:
    made, trace = captured(tmp_path, "wan-tiny", **SMALL)
    assert made.ok, f"{made.failure}\n{made.log_tail}"
    assert len(made.reports) == 1
    capture = read_capture(trace.read_bytes())
    assert capture.steps == ("denoising_step_0", "denoising_step_1")
    assert {site.stage for site in capture.calls} >= {
        *("TextEncodingStage", "DenoisingStage", "DecodingStage")
    }
    transformer = ("step", "CrossTransformer")
    assert capture.count(Site("DenoisingStage", transformer)) == 2
    block = Site("DenoisingStage", (*transformer, "CrossBlock"))
    assert capture.count(block) == 20
    attention = Site(block.stage, (*block.path, "SelfAttention", "Linear", "aten::linear"))
    assert capture.count(attention) == 40
    (linear_shapes, *_) = capture.shapes(attention)
    assert "x96 float" in linear_shapes
    assert capture.peak_bytes["host"] > 0
    assert not any(name.startswith("profiler::") for site in capture.calls for name in site.path)


def test_calls_and_shapes_are_the_same_every_time(tmp_path: Path) -> None:
    first = read_capture(captured(tmp_path, "wan-tiny", **SMALL)[1].read_bytes())
    second = read_capture(captured(tmp_path, "wan-tiny", **SMALL)[1].read_bytes())
    assert {site: first.shapes(site) for site in first.calls} == {
        site: second.shapes(site) for site in second.calls
    }


def test_perfetto_reads_the_form_of_it(tmp_path: Path) -> None:
    document = json.loads(captured(tmp_path, "wan-tiny", **SMALL)[1].read_text())
    complete = [one for one in document["traceEvents"] if one.get("ph") == "X"]
    assert all({"name", "ts", "dur", "pid", "tid"} <= one.keys() for one in complete)
    assert sum(one["name"] == "perfgate:request" for one in complete) == 1


def test_a_tree_without_the_recorder_is_refused_in_words(tmp_path: Path) -> None:
    old = tmp_path / "old"
    (old / "perfgate" / "workloads" / "diffusion").mkdir(parents=True)
    (old / "perfgate" / "__init__.py").write_text("")
    made, trace = captured(tmp_path, "wan-tiny", path=old, **SMALL)
    assert made.failure == "the benchmark exited with 1"
    assert "this tree's perfgate is too old to be profiled" in made.log_tail
    assert "Traceback" not in made.log_tail
    assert not trace.exists()


def test_a_recorder_that_cannot_be_wrapped_is_refused(tmp_path: Path) -> None:
    class Recorder:
        def request(self) -> None: ...

    with pytest.raises(tracing.CannotTraceError, match="Recorder has no stage"):
        tracing.trace_requests(Recorder, tmp_path / "trace.json", measured=0)


def test_a_script_of_ones_own(tmp_path: Path) -> None:
    """The lines that docs/explain.md gives to benchmarks with perfgate's recorder."""
    script = tmp_path / "bench.py"
    script.write_text(
        "import os, torch\n"
        "from pathlib import Path\n"
        "from perfgate.profile.recorder import StageRecorder\n"
        "if trace := os.environ.get('PERFGATE_TRACE'):\n"
        "    from perfgate.workloads.tracing import trace_requests\n"
        "    trace_requests(StageRecorder, Path(trace), measured=1)\n"
        "for _ in range(3):\n"
        "    recorder = StageRecorder()\n"
        "    with recorder.request(), recorder.stage('DenoisingStage'):\n"
        "        for step in range(2):\n"
        "            with recorder.stage(f'denoising_step_{step}'):\n"
        "                torch.ones(8, 8) @ torch.ones(8, 8)\n"
        "    print(round(recorder.total_ms) >= 0, len(recorder.steps_ms))\n"
    )
    trace = tmp_path / "trace.json"
    done = subprocess.run(
        [sys.executable, "-P", str(script)],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PERFGATE_TRACE": str(trace)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "True 2\n" * 3, done.stderr
    capture = read_capture(trace.read_bytes())
    assert capture.count(Site("DenoisingStage", ("step", "aten::matmul"))) == 2


def test_a_diffusers_pipeline__stages_steps_and_modules(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "tests.tiny_pipelines", str(tmp_path), "flux"],
        cwd=ROOT,
        env=environment(HF_HUB_OFFLINE="1"),
        check=True,
        capture_output=True,
    )
    request = {"width": 32, "height": 32, "steps": 3, "prompt": "a paper boat"}
    case = Case.model_validate(
        {"id": "case", "backend": "diffusers", "threads": 1, "requests": 1, "model": "flux"}
        | {"task": "text-to-image", "request": request}
    )
    trace = tmp_path / "trace.json"
    made = launch(
        case,
        backend=CapturingBackend(DiffusersBackend(), trace=trace),
        context=SideContext(
            path=tmp_path, python=Path(sys.executable), env=environment(HF_HUB_OFFLINE="1")
        ),
        place=PLACE,
        scratch=tmp_path,
        run=process.run,
    )
    assert made.ok, f"{made.failure}\n{made.log_tail}"
    capture = read_capture(trace.read_bytes())
    assert len(capture.steps) == 3
    assert capture.count(Site("DenoisingStage", ("step", "FluxTransformer2DModel"))) == 3
    assert any(site.stage == "DecodingStage" for site in capture.calls)
