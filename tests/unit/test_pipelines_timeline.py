"""Stages and steps made of a pipeline's calls, by a clock that only moves where a test says so."""

from __future__ import annotations

import pytest

from perfgate.profile.recorder import StageRecorder
from perfgate.workloads.pipelines.timeline import DECODING, TEXT_ENCODING, Timeline
from tests.fakes.queued_device import Clock, QueuedDevice

NS_PER_MS = 1_000_000


class Request:
    """A request whose calls take as long as they are told; knows what the recorder made of it."""

    def __init__(self) -> None:
        self.now_ms = 0.0
        self.recorder = StageRecorder(clock_ns=lambda: round(self.now_ms * NS_PER_MS))
        self.timeline = Timeline(self.recorder)

    def passes(self, ms: float) -> None:
        self.now_ms += ms

    def stage(self, name: str, ms: float) -> None:
        with self.timeline.stage(name):
            self.passes(ms)

    def denoiser(self, ms: float) -> None:
        self.timeline.denoiser_called()
        self.passes(ms)

    def scheduler(self, ms: float = 0.0) -> None:
        self.passes(ms)
        self.timeline.scheduler_stepped()

    @property
    def stages(self) -> dict[str, float]:
        return {stage.name: stage.duration_ms for stage in self.recorder.stages}

    @property
    def nested(self) -> list[tuple[str, str, float]]:
        return [(one.within, one.name, one.duration_ms) for one in self.recorder.nested]


def test_timeline__a_step_is_from_the_end_of_the_one_before_to_the_schedulers():
    request = Request()
    with request.recorder.request():
        request.stage(TEXT_ENCODING, 10)
        request.passes(5)
        for _ in range(3):
            request.passes(1)
            request.denoiser(20)
            request.denoiser(20)
            request.scheduler(2)
        request.passes(7)
        request.stage(DECODING, 30)
    # What passes before the first call of a denoiser and after the last step is in no stage.
    assert request.recorder.steps_ms == (42, 43, 43)
    assert request.stages == {"TextEncodingStage": 10, "DenoisingStage": 128, "DecodingStage": 30}
    assert request.recorder.total_ms == 10 + 5 + 1 + 128 + 7 + 30


def test_timeline__the_last_step_ends_denoising_where_nothing_follows():
    request = Request()
    with request.recorder.request():
        request.denoiser(20)
        request.scheduler()
        request.passes(50)
        request.timeline.leave_denoising()
    assert request.stages == {"DenoisingStage": 20}


def test_timeline__a_second_scheduler_of_the_same_step_ends_no_step():
    request = Request()
    with request.recorder.request():
        for _ in range(2):
            request.denoiser(20)
            request.scheduler(2)
            request.scheduler(3)
        request.timeline.leave_denoising()
    assert request.recorder.steps_ms == (22, 25)
    assert request.stages == {"DenoisingStage": 47}


def test_timeline__denoising_that_is_interrupted_adds_up():
    request = Request()
    with request.recorder.request():
        request.denoiser(20)
        request.scheduler()
        request.passes(4)
        request.stage(TEXT_ENCODING, 10)
        request.passes(6)
        request.denoiser(20)
        request.scheduler()
        request.timeline.leave_denoising()
    assert request.recorder.steps_ms == (20, 20)
    assert request.stages == {"DenoisingStage": 40, "TextEncodingStage": 10}


def test_timeline__what_happens_within_a_step_is_part_of_it():
    request = Request()
    with request.recorder.request():
        request.denoiser(20)
        request.stage(DECODING, 5)
        request.scheduler(1)
        request.timeline.leave_denoising()
    assert request.recorder.steps_ms == (26,)
    assert request.stages == {"DenoisingStage": 26}
    assert request.nested == [("denoising_step_0", "DecodingStage", 5)]


def test_timeline__a_stage_within_itself_is_told_once():
    request = Request()
    with request.recorder.request(), request.timeline.stage(TEXT_ENCODING):
        request.passes(1)
        request.stage(TEXT_ENCODING, 5)
    assert request.stages == {"TextEncodingStage": 6}
    assert request.nested == []


def test_timeline__a_denoiser_that_a_stage_calls_begins_no_step():
    request = Request()
    with request.recorder.request(), request.timeline.stage(TEXT_ENCODING):
        request.denoiser(5)
        request.scheduler()
    assert request.timeline.steps == 0
    assert request.stages == {"TextEncodingStage": 5}


def test_timeline__a_call_after_the_last_step_is_seen():
    request = Request()
    with request.recorder.request():
        request.denoiser(20)
        request.scheduler()
        request.denoiser(20)
        request.timeline.leave_denoising()
        assert request.timeline.within_a_step
        # Left open on purpose: whoever asks for the request's end refuses it.
        request.scheduler()
        request.timeline.leave_denoising()


def test_timeline__what_an_exception_left_is_named():
    request = Request()

    def dies():
        with request.recorder.request():
            request.denoiser(20)
            raise ValueError("no memory")

    with pytest.raises(ValueError, match="no memory"):
        dies()
    assert request.recorder.incomplete == ("denoising_step_0", "DenoisingStage", "request")


@pytest.mark.parametrize(("sync", "waits"), [("stage", 12), ("events", 1)])
def test_timeline__on_a_device_a_step_holds_its_own_work(sync, waits):
    clock = Clock()
    device = QueuedDevice(clock)
    device.reading_takes_ms = 100
    recorder = StageRecorder(device=device, sync=sync, clock_ns=clock, capture_memory=True)
    timeline = Timeline(recorder)
    with recorder.request():
        for _ in range(3):
            timeline.denoiser_called()
            device.launch(20)
            timeline.scheduler_stepped()
            device.launch(5)
        with timeline.stage(DECODING):
            device.launch(30)
        timeline.leave_denoising()
    assert recorder.steps_ms == pytest.approx((20, 25, 25), abs=0.1)
    stages = {stage.name: stage.duration_ms for stage in recorder.stages}
    assert stages["DenoisingStage"] == pytest.approx(sum(recorder.steps_ms))
    assert stages["DecodingStage"] == pytest.approx(30, abs=0.1)
    assert recorder.stages_ms <= recorder.total_ms
    assert list(recorder.memory_checkpoints) == ["after_DenoisingStage", "after_DecodingStage"]
    assert device.waits == waits
