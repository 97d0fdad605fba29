"""The dump is sglang's, with one key more, and nobody reads half of it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from perfgate.profile.dump import request_dump, write_dump
from perfgate.profile.memory import peak_resident_mib
from perfgate.profile.recorder import NO_RECORDER, StageRecorder
from tests.fakes.queued_device import Clock, QueuedDevice

ROOT = Path(__file__).parents[2]


def a_recorder(*names, tick_ns=1_000_000, **options):
    """Every reading of its clock is one tick later than the one before."""
    readings = iter(range(0, 10_000 * tick_ns, tick_ns))
    recorder = StageRecorder(clock_ns=lambda: next(readings), **options)
    with recorder.request():
        for name in names:
            with recorder.stage(name):
                pass
    return recorder


def a_dump(recorder, **changes):
    given = {"request_id": "r-0", "timestamp": "2026-01-02T03:04:05+00:00", "tag": "test"}
    return request_dump(recorder, **{**given, **changes})


def test_dump__has_every_key_of_sglang_and_one_more():
    dump = a_dump(
        a_recorder("TextEncodingStage", "denoising_step_0", "DecodingStage"),
        commit_hash="c" * 40,
        meta={"prompt": "a panda", "model": "wan-tiny"},
        perfgate={"load_ms": 12.5},
    )
    assert dump == {
        "timestamp": "2026-01-02T03:04:05+00:00",
        "request_id": "r-0",
        "commit_hash": "c" * 40,
        "tag": "test",
        "total_duration_ms": 7.0,
        "steps": [
            {"name": "TextEncodingStage", "duration_ms": 1.0},
            {"name": "DecodingStage", "duration_ms": 1.0},
        ],
        "denoise_steps_ms": [{"step": 0, "duration_ms": 1.0}],
        "memory_checkpoints": {},
        "meta": {"prompt": "a panda", "model": "wan-tiny"},
        "perfgate": {"load_ms": 12.5, "version": 1, "sync": "stage"},
    }


def test_dump__tells_memory_and_which_mode_made_the_times():
    device = QueuedDevice(Clock())
    device.launch(3, allocates_mb=1.5)
    dump = a_dump(a_recorder("DecodingStage", device=device, sync="off", capture_memory=True))
    assert dump["memory_checkpoints"] == {
        "after_DecodingStage": {"allocated_mb": 1.5, "peak_allocated_mb": 1.5}
    }
    assert dump["perfgate"]["sync"] == "off"


def test_dump__tells_repeats_and_nesting_beside_sglangs_rows():
    recorder = a_recorder("DecodingStage", "DecodingStage")
    assert a_dump(recorder)["perfgate"]["stage_counts"] == {"DecodingStage": 2}
    with recorder.stage("outer"), recorder.stage("inner"):
        pass
    assert a_dump(recorder)["perfgate"]["nested"] == [
        {"name": "inner", "within": "outer", "duration_ms": 1.0, "count": 1}
    ]
    assert a_dump(recorder)["commit_hash"] == "N/A"


def test_dump__of_a_request_that_never_began_is_refused():
    with pytest.raises(ValueError, match=r"request\(\) was never opened"):
        a_dump(StageRecorder())
    with NO_RECORDER.request(), pytest.raises(ValueError, match="r-0 was not recorded"):
        a_dump(NO_RECORDER)


def test_dump__of_a_request_that_failed_says_where_and_keeps_what_ended():
    def fail(recorder):
        with recorder.request():
            with recorder.stage("TextEncodingStage"):
                pass
            with recorder.stage("DenoisingStage"):
                with recorder.stage("denoising_step_0"):
                    pass
                with recorder.stage("denoising_step_1"):
                    raise KeyError

    recorder = StageRecorder()
    with pytest.raises(KeyError):
        fail(recorder)
    dump = a_dump(recorder)
    assert dump["perfgate"]["incomplete"] == ["denoising_step_1", "DenoisingStage", "request"]
    assert dump["total_duration_ms"] is None
    assert [stage["name"] for stage in dump["steps"]] == ["TextEncodingStage"]
    assert [step["step"] for step in dump["denoise_steps_ms"]] == [0]


@pytest.mark.parametrize("document", [{"a": 1.25}, [{"a": 1}, {"a": 2}]])
def test_write__replaces_the_file_as_a_whole(tmp_path, document):
    path = tmp_path / "report.json"
    path.write_text("before")
    write_dump(path, document)
    assert json.loads(path.read_text()) == document
    assert [file.name for file in tmp_path.iterdir()] == ["report.json"]


def test_write__leaves_nothing_behind_when_it_fails(tmp_path):
    path = tmp_path / "report.json"
    path.mkdir()
    with pytest.raises(IsADirectoryError):
        write_dump(path, {})
    assert [file.name for file in tmp_path.iterdir()] == ["report.json"]


def test_write__refuses_what_is_not_json(tmp_path):
    with pytest.raises(ValueError, match="Out of range"):
        write_dump(tmp_path / "report.json", {"a": float("nan")})
    assert list(tmp_path.iterdir()) == []


def test_peak_memory__prefers_the_kernels_own_high_water_mark(tmp_path):
    status = tmp_path / "status"
    status.write_text("VmPeak:\t  999999 kB\nVmHWM:\t    2048 kB\nVmRSS:\t 1024 kB\n")
    assert peak_resident_mib(status) == 2.0
    assert peak_resident_mib(tmp_path / "absent") > 1.0
    status.write_text("no such line\n")
    assert peak_resident_mib(status) > 1.0


def test_standard_library_alone__is_what_a_measured_project_needs(tmp_path):
    """``-S`` hides every installed package, ``-I`` the environment and the working folder."""
    script = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from pathlib import Path
from perfgate.profile.devices.cpu import CpuDevice
from perfgate.profile.dump import read_dump, request_dump, write_dump
from perfgate.profile.recorder import StageRecorder
recorder = StageRecorder(device=CpuDevice(), sync="events", capture_memory=True)
with recorder.request(), recorder.stage("DenoisingStage"):
    pass
write_dump(Path({str(tmp_path / "r.json")!r}),
           request_dump(recorder, request_id="0", timestamp="t", tag="g"))
assert read_dump(Path({str(tmp_path / "r.json")!r})).stages[0].name == "DenoisingStage"
foreign = sorted(name for name in sys.modules
                 if name.partition(".")[0] not in sys.stdlib_module_names | {{"perfgate"}}
                 and name != "__main__")
assert not foreign, foreign
"""
    command = (sys.executable, "-I", "-S", "-W", "error", "-c", script)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "r.json").read_text())["steps"][0]["name"] == "DenoisingStage"
