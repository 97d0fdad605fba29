"""The stage recorder counts every span once, times the right thing, and tells what did not end."""

from __future__ import annotations

import pytest

from perfgate.profile.recorder import NO_RECORDER, StageRecorder, StageTiming
from tests.fakes.queued_device import Clock, QueuedDevice


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def recorder(clock):
    return StageRecorder(clock_ns=clock)


@pytest.fixture
def device(clock):
    return QueuedDevice(clock)


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


def test_exception__that_was_caught_leaves_a_mark_all_the_same(recorder, clock):
    with recorder.request():
        with pytest.raises(MemoryError), recorder.stage("DecodingStage"):
            raise MemoryError
        with recorder.stage("DecodingStage"):
            clock.pass_ms(5)
    assert recorder.incomplete == ("DecodingStage",)
    assert recorder.stages == (StageTiming("DecodingStage", 5.0, 1),)
    assert recorder.total_ms == 5.0


def test_exception__marks_what_was_left_open_inside(recorder):
    def fail():
        with recorder.stage("DenoisingStage"):
            recorder.stage("denoising_step_0").__enter__()
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert recorder.incomplete == ("denoising_step_0", "DenoisingStage")
    with recorder.request():
        pass
    assert recorder.total_ms == 0.0


def serve(recorder, device, *, steps=3):
    """2 ms of text, then steps of 10 ms, then 5 ms of decoding, all through the queue."""
    with recorder.request():
        with recorder.stage("TextEncodingStage"):
            device.launch(2, allocates_mb=100)
        with recorder.stage("DenoisingStage"):
            for index in range(steps):
                with recorder.stage(f"denoising_step_{index}"):
                    device.launch(10)
        with recorder.stage("DecodingStage"):
            device.launch(5, allocates_mb=30)


def served(device, sync, **options):
    recorder = StageRecorder(device=device, sync=sync, clock_ns=device.clock, **options)
    serve(recorder, device)
    return recorder


def stages_of(recorder):
    return {stage.name: stage.duration_ms for stage in recorder.stages}


def test_sync_off__records_what_enqueueing_took(device):
    recorder = served(device, "off")
    assert recorder.steps_ms == pytest.approx([0.01] * 3)
    assert stages_of(recorder)["DecodingStage"] == pytest.approx(0.01)
    assert recorder.total_ms == pytest.approx(0.05)
    assert device.waits == 0
    assert recorder.sync == "off"


@pytest.mark.parametrize("sync", ["stage", "events"])
def test_sync__records_the_work_of_each_span(device, sync):
    recorder = served(device, sync)
    assert recorder.steps_ms == pytest.approx([10] * 3)
    assert stages_of(recorder) == pytest.approx(
        {"TextEncodingStage": 2, "DenoisingStage": 30, "DecodingStage": 5}
    )
    assert recorder.total_ms == pytest.approx(37)
    assert recorder.sync == sync


def test_sync_stage__waits_at_entry_and_exit_of_every_span(device):
    served(device, "stage")
    assert device.waits == 2 * (1 + 3 + 3)


def test_sync_stage__counts_no_earlier_work(device):
    recorder = StageRecorder(device=device, clock_ns=device.clock)
    device.launch(50)
    with recorder.stage("DecodingStage"):
        device.launch(5)
    assert stages_of(recorder) == pytest.approx({"DecodingStage": 5})


def test_sync_events__waits_once_a_request_however_often_it_is_read(device):
    recorder = served(device, "events")
    assert device.waits == 1
    assert recorder.stages
    assert recorder.steps_ms
    assert recorder.total_ms
    assert device.waits == 1


def test_sync_events__counts_no_earlier_work(device):
    recorder = StageRecorder(device=device, sync="events", clock_ns=device.clock)
    device.launch(50)
    with recorder.stage("DecodingStage"):
        device.launch(5)
    assert stages_of(recorder) == pytest.approx({"DecodingStage": 5})


def test_sync_events__without_a_request_waits_when_it_is_read(device):
    recorder = StageRecorder(device=device, sync="events", clock_ns=device.clock)
    for _ in range(2):
        with recorder.stage("denoising_step_0"):
            device.launch(10)
    assert device.waits == 0
    assert recorder.steps_ms == pytest.approx([10, 10])
    assert device.waits == 1


def test_steps__of_a_second_loop_whose_indices_restart_are_all_recorded(device):
    recorder = StageRecorder(device=device, clock_ns=device.clock)
    with recorder.request(), recorder.stage("DenoisingStage"):
        for loop_ms in (7, 4):
            for index in range(2):
                with recorder.stage(f"denoising_step_{index}"):
                    device.launch(loop_ms)
    assert recorder.steps_ms == pytest.approx([7, 7, 4, 4])


def test_steps__a_name_that_only_contains_the_prefix_is_a_stage(recorder, clock):
    with recorder.stage("ltx2_denoising_step_0"):
        clock.pass_ms(4)
    assert recorder.steps_ms == ()
    assert recorder.stages == (StageTiming("ltx2_denoising_step_0", 4.0, 1),)


def test_lost_device__does_not_hide_what_ended_the_request(device):
    recorder = StageRecorder(device=device, clock_ns=device.clock)
    with pytest.raises(ValueError, match="bad shape"), recorder.stage("DenoisingStage"):
        device.lose(ValueError("bad shape"))
    assert recorder.incomplete == ("DenoisingStage",)


def test_lost_device__is_told_where_it_surfaced(device):
    recorder = StageRecorder(device=device, clock_ns=device.clock)
    with (
        pytest.raises(RuntimeError, match="device lost"),
        recorder.request(),
        recorder.stage("DenoisingStage"),
    ):
        device.lose()
    assert recorder.incomplete == ("DenoisingStage", "request")


def test_lost_device__leaves_no_stage_open(device):
    recorder = StageRecorder(device=device, clock_ns=device.clock)
    with pytest.raises(RuntimeError, match="device lost"), recorder.stage("DenoisingStage"):
        device.lose()
    assert recorder.incomplete == ("DenoisingStage",)
    recorder.request()  # is refused while a stage is open


def test_lost_device__tells_no_events_but_leaves_the_first_exception(device):
    recorder = StageRecorder(device=device, sync="events", clock_ns=device.clock)

    def fail():
        with recorder.request():
            with recorder.stage("TextEncodingStage"):
                device.launch(2)
            with recorder.stage("DenoisingStage"):
                device.lose(ValueError("bad shape"))

    with pytest.raises(ValueError, match="bad shape"):
        fail()
    assert recorder.incomplete == ("DenoisingStage", "request")
    assert recorder.stages == ()


def test_lost_device__at_the_end_of_the_request_is_an_error_and_no_figure(device):
    recorder = StageRecorder(device=device, sync="events", clock_ns=device.clock)
    with (
        pytest.raises(RuntimeError, match="device lost"),
        recorder.request(),
        recorder.stage("DenoisingStage"),
    ):
        device.lose()
    assert recorder.incomplete == ("request",)
    assert recorder.stages == ()
    assert recorder.total_ms is None


def test_events__are_kept_when_an_exception_leaves_the_device_alive(device):
    recorder = StageRecorder(device=device, sync="events", clock_ns=device.clock)

    def fail():
        with recorder.request():
            with recorder.stage("TextEncodingStage"):
                device.launch(2)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert stages_of(recorder) == pytest.approx({"TextEncodingStage": 2})


def test_memory__after_each_outermost_stage_with_peaks_of_this_request(device):
    device.peak_allocated_mb = 999.0
    recorder = served(device, "stage", capture_memory=True)
    assert recorder.memory_checkpoints == {
        "after_TextEncodingStage": {"allocated_mb": 100.0, "peak_allocated_mb": 100.0},
        "after_DenoisingStage": {"allocated_mb": 100.0, "peak_allocated_mb": 100.0},
        "after_DecodingStage": {"allocated_mb": 130.0, "peak_allocated_mb": 130.0},
    }


@pytest.mark.parametrize(("sync", "total_ms"), [("stage", 37), ("off", 0.05)])
def test_memory__is_read_outside_of_what_is_timed(device, sync, total_ms):
    device.reading_takes_ms = 8
    recorder = served(device, sync, capture_memory=True)
    assert recorder.total_ms == pytest.approx(total_ms)
    assert recorder.stages_ms <= recorder.total_ms


def test_memory__is_not_read_inside_a_stage_nor_after_one_that_failed(device):
    recorder = StageRecorder(device=device, clock_ns=device.clock, capture_memory=True)
    with recorder.stage("outer"), recorder.stage("inner"):
        pass
    with recorder.stage("step", record_as_step=True):
        pass
    with pytest.raises(KeyError), recorder.stage("failed"):
        raise KeyError
    assert list(recorder.memory_checkpoints) == ["after_outer"]


@pytest.mark.parametrize("options", [{"sync": "events"}, {"capture_memory": True}])
def test_without_a_device__what_needs_one_is_refused(options):
    with pytest.raises(ValueError, match="needs a device"):
        StageRecorder(**options)


def test_switched_off__keeps_nothing_and_lets_exceptions_through():
    with NO_RECORDER.request(), NO_RECORDER.stage("a"), NO_RECORDER.stage("b", record_as_step=True):
        pass
    with pytest.raises(KeyError), NO_RECORDER.stage("DenoisingStage"):
        raise KeyError
    assert NO_RECORDER.stages == NO_RECORDER.steps_ms == NO_RECORDER.incomplete == ()
    assert NO_RECORDER.total_ms is None
    assert NO_RECORDER.sync == "off"


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
