"""What a preset's denoising loop asks of a device, and what `make gpu` makes of launches."""

from __future__ import annotations

import math

import pytest

from benchmarks.gpu import noise_table, pair_differences
from benchmarks.rates import Rates, Work, denoising_work
from perfgate.workloads.diffusion.params import resolve
from tests.factories import a_case_record, a_record


@pytest.mark.parametrize(
    ("preset", "params", "matrix", "attention"),
    [
        # Wan 2.1 T2V 1.3B at 81 frames of 480 x 832: 82 and 198 + 3.1 TFLOP, twice for guidance.
        ("wan-1.3b", {"frames": 81, "steps": 1}, 164.0, 402.2),
        # FLUX.1 at 1024 x 1024: 59 and 15 TFLOP.
        ("flux-like", {"steps": 1}, 59.0, 15.0),
    ],
)
def test_denoising_work__is_that_of_the_real_model(preset, params, matrix, attention) -> None:
    work = denoising_work(resolve(preset, params))
    assert work.matrix == pytest.approx(matrix, rel=0.02)
    assert work.attention == pytest.approx(attention, rel=0.02)


def test_denoising_work__grows_with_the_steps() -> None:
    once, often = (denoising_work(resolve("wan-tiny", {"steps": steps})) for steps in (1, 8))
    assert often.matrix == pytest.approx(8 * once.matrix)
    assert often.attention == pytest.approx(8 * once.attention)


def test_ideal_ms__adds_what_each_rate_needs() -> None:
    rates = Rates(dtype="bfloat16", matrix=500.0, attention=250.0)
    assert Work(matrix=1.0, attention=1.0).ideal_ms(rates) == pytest.approx(2.0 + 4.0)


def test_pair_differences__are_logarithms_of_head_over_base() -> None:
    case = a_case_record(base=[1000, 1000], head=[1020, 990])
    differences = pair_differences(case)["end-to-end"]
    assert differences == pytest.approx([math.log(1.02), math.log(0.99)])


def test_noise_table__tells_each_metric_of_each_case() -> None:
    record = a_record([a_case_record(base=[1000, 1010], head=[1020, 990])])
    rows = noise_table(record)
    assert any("end-to-end" in row and "1005 ms" in row and "| 4 |" in row for row in rows)
