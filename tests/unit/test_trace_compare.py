"""What head's captures do otherwise: changed calls first, then shapes and times, noise hidden."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from perfgate.records.explained import MOST_ROWS, ExplainedRow
from perfgate.verdict.trace_calls import Capture
from perfgate.verdict.trace_compare import Comparison, compare_captures
from tests.traces import Call, a_capture, module, op, stage, steps

DENOISING, DECODING = "DenoisingStage", "DecodingStage"
Request = Callable[[random.Random], Sequence[Call]]


def captures(request: Request, *, count: int = 7, seed: int = 0) -> list[Capture]:
    chance = random.Random(seed)
    return [a_capture(*request(chance)) for _ in range(count)]


def compared(base: Request, head: Request, *, count: int = 7) -> Comparison:
    return compare_captures(
        captures(base, count=count, seed=1), captures(head, count=count, seed=2)
    )


def about(us: float, chance: random.Random, *, noise: float = 0.05) -> float:
    """A time with the noise of a machine on which others work too."""
    return us * (1.0 + abs(chance.gauss(0.0, noise)))


def block(chance: random.Random, *more: Call, linear: float = 500.0) -> Call:
    inner = op("addmm", about(linear, chance), shapes=[[640, 96]])
    return module("Block", op("linear", 2.0, inner), op("add", about(80.0, chance)), *more)


def usual(chance: random.Random) -> list[Call]:
    return [
        stage(DENOISING, *steps(4, block(chance), block(chance))),
        stage(DECODING, op("conv3d", about(4000.0, chance), shapes=[[1, 64, 3, 8, 8]])),
    ]


def names(found: Comparison) -> list[str]:
    return [row.path[-1] if row.path else row.stage for row in found.rows]


def first(found: Comparison) -> ExplainedRow:
    return found.rows[0]


class TestCalls:
    def test_an_operator_more_in_every_block(self) -> None:
        def head(chance: random.Random) -> list[Call]:
            clone = op("clone", 3.0, op("copy_", 30.0))
            return [stage(DENOISING, *steps(4, *[block(chance, clone)] * 2)), *usual(chance)[1:]]

        row = first(compared(usual, head))
        assert (row.kind, row.stage, row.path) == (
            "calls",
            DENOISING,
            ("step", "Block", "aten::clone"),
        )
        assert (row.calls_base, row.calls_head) == (0, 8)
        assert row.steps == "every step"
        assert row.includes == 1  # the copy that the clone makes
        assert row.more_calls_ms > 0.2
        assert row.slower_calls_ms == 0.0

    def test_a_module_called_twice_is_one_row_with_all_that_it_calls(self) -> None:
        def head(chance: random.Random) -> list[Call]:
            return [
                stage(DENOISING, *steps(4, *(block(chance) for _ in range(4)))),
                *usual(chance)[1:],
            ]

        found = compared(usual, head)
        assert names(found) == ["Block"]
        row = first(found)
        assert (row.calls_base, row.calls_head, row.what) == (8, 16, "range")
        assert row.includes == 3

    def test_a_call_in_some_steps_names_them(self) -> None:
        def head(chance: random.Random) -> list[Call]:
            request = usual(chance)
            late = [
                Call(step.name, step.us, [*step.calls, op("clone")]) if index > 1 else step
                for index, step in enumerate(request[0].calls)
            ]
            return [stage(DENOISING, *late), *request[1:]]

        assert first(compared(usual, head)).steps == "2 steps, denoising_step_2 to denoising_step_3"

    def test_one_operator_in_place_of_another_names_what_costs_more(self) -> None:
        def fused(chance: random.Random) -> list[Call]:
            return [stage(DENOISING, *steps(4, op("gelu", about(100.0, chance))))]

        def lost(chance: random.Random) -> list[Call]:
            return [stage(DENOISING, *steps(4, op("tanh", about(90.0, chance)), op("mul", 60.0)))]

        found = compared(fused, lost)
        assert names(found) == ["aten::tanh", "aten::mul", "aten::gelu"]
        assert found.rows[-1].more_calls_ms < 0

    def test_calls_come_before_times_however_large_these_are(self) -> None:
        def head(chance: random.Random) -> list[Call]:
            slow = [stage(DENOISING, *steps(4, *[block(chance, linear=900.0)] * 2))]
            return [*slow, stage(DECODING, *usual(chance)[1].calls, op("item", 0.1))]

        found = compared(usual, head)
        assert [row.kind for row in found.rows] == ["calls", "time"]
        assert names(found) == ["aten::item", "aten::addmm"]

    def test_counts_that_differ_within_a_side_prove_nothing(self) -> None:
        def head(chance: random.Random) -> list[Call]:
            more = [op("empty", 0.1)] * chance.randrange(1, 4)
            return [*usual(chance), stage("Warm", *more)]

        assert "aten::empty" not in names(compared(usual, head))

    def test_a_stage_that_is_new_is_one_row(self) -> None:
        def head(chance: random.Random) -> list[Call]:
            return [*usual(chance), stage("UpscalingStage", op("conv2d", 700.0), us=10.0)]

        found = compared(usual, head)
        assert names(found) == ["UpscalingStage"]
        assert first(found).path == ()


class TestShapes:
    def test_other_shapes_are_one_row_a_stage_named_by_the_first_that_saw_them(self) -> None:
        def text(tokens: int) -> Request:
            def request(chance: random.Random) -> list[Call]:
                calls = [
                    op("embedding", 20.0, shapes=[[1, tokens]]),
                    op("linear", about(4.0 * tokens, chance), shapes=[[1, tokens, 256]]),
                ]
                return [stage("TextEncodingStage", *calls), *usual(chance)]

            return request

        found = compared(text(64), text(128))
        assert [row.kind for row in found.rows] == ["shapes"]
        row = first(found)
        assert (row.stage, row.path) == ("TextEncodingStage", ("aten::embedding",))
        assert (row.shapes_base, row.shapes_head) == ("1x64 float", "1x128 float")
        assert row.includes == 1
        assert row.slower_calls_ms > 0.1


class TestTimes:
    def test_a_slower_operator_with_its_deviation(self) -> None:
        def head(chance: random.Random) -> list[Call]:
            return [
                stage(DENOISING, *steps(4, *[block(chance, linear=800.0)] * 2)),
                *usual(chance)[1:],
            ]

        found = compared(usual, head)
        assert names(found) == ["aten::addmm"]
        row = first(found)
        assert (row.kind, row.calls_head, row.steps) == ("time", 8, "every step")
        assert row.deviation_ms is not None
        assert row.delta_ms > 3 * row.deviation_ms

    def test_time_that_python_takes_in_a_step(self) -> None:
        def head(chance: random.Random) -> list[Call]:
            return [
                stage(DENOISING, *steps(4, block(chance), block(chance), us=700.0)),
                *usual(chance)[1:],
            ]

        row = first(compared(usual, head))
        assert (row.kind, row.what, row.path) == ("time", "range", ("step",))

    def test_one_slow_step_is_named(self) -> None:
        def head(chance: random.Random) -> list[Call]:
            request = usual(chance)
            slow = [
                Call(step.name, 3000.0 if index == 2 else step.us, step.calls)
                for index, step in enumerate(request[0].calls)
            ]
            return [stage(DENOISING, *slow), *request[1:]]

        assert first(compared(usual, head)).steps == "denoising_step_2"

    def test_no_change_shows_no_row__in_forty_comparisons(self) -> None:
        def noisy(chance: random.Random) -> list[Call]:
            whole = about(1.0, chance, noise=0.25)
            calls = [
                op(f"op{index}", about(100.0 * (1 + index % 7), chance, noise=0.15) * whole)
                for index in range(30)
            ]
            return [stage(DENOISING, *steps(2, *calls))]

        rows = [
            len(compare_captures(captures(noisy, seed=seed), captures(noisy, seed=seed + 500)).rows)
            for seed in range(40)
        ]
        assert sum(count > 0 for count in rows) <= 1


def test_the_split_adds_up_to_the_whole_change() -> None:
    def steady(chance: random.Random) -> list[Call]:
        return [stage(DENOISING, *steps(4, op("mm", 100.0), us=10.0))]

    def head(chance: random.Random) -> list[Call]:
        return [stage(DENOISING, *steps(4, op("mm", 150.0), op("mm", 150.0), us=10.0))]

    split = compared(steady, head).split
    assert abs(split.more_calls_us - 4 * 100.0) < 1e-6
    assert abs(split.slower_calls_us - (8 * 50.0 + 4 * 0.5)) < 1e-6  # and a gap after each call


def test_kernels_are_what_counts_on_a_device() -> None:
    def on_device(us: float) -> Request:
        def request(chance: random.Random) -> list[Call]:
            return [stage(DENOISING, *steps(4, Call("aten::mm", 5.0, kernel_us=about(us, chance))))]

        return request

    found = compared(on_device(900.0), on_device(1400.0))
    assert names(found) == ["sgemm"]
    assert first(found).what == "kernel"
    assert found.split.slower_calls_us > 1500.0


def test_rows_are_bounded() -> None:
    def head(chance: random.Random) -> list[Call]:
        return [*usual(chance), stage(DECODING, *(op(f"new{index}") for index in range(80)))]

    found = compared(usual, head, count=5)
    assert len(found.rows) == MOST_ROWS
    assert found.rows_left_out > 0
