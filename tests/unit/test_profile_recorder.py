"""The stage recorder counts every span once and tells what did not end."""

from __future__ import annotations

import pytest

from perfgate.profile.recorder import StageRecorder, StageTiming


class Clock:
    """A clock that stands still until it is told to go on."""

    def __init__(self):
        self.now_ns = 1_000

    def __call__(self):
        return self.now_ns

    def pass_ms(self, duration_ms):
        self.now_ns += int(duration_ms * 1e6)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def recorder(clock):
    return StageRecorder(clock_ns=clock)


def test_stages__keep_their_order_and_exact_durations(recorder, clock):
    with recorder.request():
        with recorder.stage("TextEncodingStage"):
            clock.pass_ms(20.5)
        clock.pass_ms(1)
        with recorder.stage("DecodingStage"):
            clock.pass_ms(3)
    assert recorder.stages == (
        StageTiming("TextEncodingStage", 20.5, 1),
        StageTiming("DecodingStage", 3.0, 1),
    )
    assert recorder.total_ms == 24.5
    assert recorder.stages_ms == 23.5


def test_stages__the_same_name_twice_adds_up_and_keeps_count(recorder, clock):
    for duration_ms in (2, 5):
        with recorder.stage("DenoisingStage"):
            clock.pass_ms(duration_ms)
    assert recorder.stages == (StageTiming("DenoisingStage", 7.0, 2),)


@pytest.mark.parametrize(
    ("name", "options"),
    [("denoising_step_0", {}), ("ltx2_stage1_step_0", {"record_as_step": True})],
)
def test_steps__by_prefix_or_by_request(recorder, clock, name, options):
    with recorder.stage("DenoisingStage"):
        with recorder.stage(name, **options):
            clock.pass_ms(4)
        with recorder.stage(name, **options):
            clock.pass_ms(6)
    assert recorder.steps_ms == (4.0, 6.0)
    assert recorder.stages == (StageTiming("DenoisingStage", 10.0, 1),)
    assert recorder.nested == ()


def test_nested__is_kept_apart_so_that_sums_count_no_time_twice(recorder, clock):
    with recorder.request(), recorder.stage("outer"):
        clock.pass_ms(1)
        with recorder.stage("inner"):
            clock.pass_ms(2)
            with recorder.stage("outer"):
                clock.pass_ms(4)
    assert recorder.stages == (StageTiming("outer", 7.0, 1),)
    assert recorder.nested == (
        StageTiming("outer", 4.0, 1, within="inner"),
        StageTiming("inner", 6.0, 1, within="outer"),
    )
    assert recorder.stages_ms == recorder.total_ms == 7.0


def test_nested__a_step_inside_a_step_is_no_second_step(recorder, clock):
    with recorder.stage("denoising_step_0"):
        with recorder.stage("denoising_step_0_high", record_as_step=True):
            clock.pass_ms(3)
        with recorder.stage("attention"):
            clock.pass_ms(1)
    assert recorder.steps_ms == (4.0,)
    assert {timing.name: timing.within for timing in recorder.nested} == {
        "denoising_step_0_high": "denoising_step_0",
        "attention": "denoising_step_0",
    }
    assert recorder.stages == ()


def test_exception__marks_every_open_span_and_propagates(recorder, clock):
    def serve():
        with recorder.request():
            with recorder.stage("TextEncodingStage"):
                clock.pass_ms(1)
            with recorder.stage("DenoisingStage"):
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        serve()
    assert recorder.incomplete == ("DenoisingStage", "request")
    assert [stage.name for stage in recorder.stages] == ["TextEncodingStage"]
    assert recorder.total_ms is None


def test_synchronise__runs_before_both_clock_readings():
    events = []

    def clock_ns():
        events.append("clock")
        return len(events)

    recorder = StageRecorder(synchronise=lambda: events.append("wait"), clock_ns=clock_ns)
    with recorder.stage("DenoisingStage"):
        events.append("work")
    assert events == ["wait", "clock", "work", "wait", "clock"]


def test_synchronise__does_not_hide_the_exception_of_a_lost_device():
    waits = iter([None])

    def synchronise():
        if next(waits, "lost") == "lost":
            raise OSError("device lost")

    recorder = StageRecorder(synchronise=synchronise)
    with pytest.raises(ValueError, match="bad shape"), recorder.stage("DenoisingStage"):
        raise ValueError("bad shape")


def test_misuse__is_an_error(recorder):
    with pytest.raises(ValueError, match="needs a name"):
        recorder.stage("")
    with recorder.stage("a"), pytest.raises(RuntimeError, match="around every stage"):
        recorder.request().__enter__()
    outer, inner = recorder.stage("outer"), recorder.stage("inner")
    outer.__enter__()
    inner.__enter__()
    with pytest.raises(RuntimeError, match="'outer' ended while another"):
        outer.__exit__(None, None, None)


def test_total__is_none_until_the_request_ended(recorder):
    assert recorder.total_ms is None
    with recorder.request():
        assert recorder.total_ms is None
    assert recorder.total_ms == 0.0
    with pytest.raises(RuntimeError, match="opened once"), recorder.request():
        pass
