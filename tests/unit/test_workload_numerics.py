"""The arithmetic of the pipelines: schedule, guidance, rotary embedding, tokenizer."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise

import pytest
import torch

from perfgate.workloads.diffusion.layers import residual_gain, sinusoids
from perfgate.workloads.diffusion.rotary import grid_positions, rotary_table, rotate
from perfgate.workloads.diffusion.schedule import euler_step, guide, sigmas
from perfgate.workloads.diffusion.tokenizer import tokenize

AXES = (4, 6, 6)


def noise(*shape, seed=0, dtype=torch.float32):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


@pytest.mark.parametrize("steps", [1, 2, 8, 50])
@pytest.mark.parametrize("shift", [1.0, 3.0, 7.0])
def test_sigmas__fall_from_one_to_zero_by_the_formula(steps, shift):
    schedule = sigmas(steps, shift=shift)
    assert schedule[0] == 1.0
    assert schedule[-1] == 0.0
    assert bool((schedule.diff() < 0).all())
    uniform = [1 - index / steps for index in range(steps + 1)]
    expected = [shift * u / (1 + (shift - 1) * u) for u in uniform]
    assert schedule.tolist() == pytest.approx(expected, abs=1e-12)


def test_sigmas__a_shift_spends_more_steps_on_noise():
    assert sigmas(8, shift=3.0)[4] == pytest.approx(0.75)
    assert sigmas(8, shift=1.0)[4] == pytest.approx(0.5)


def test_euler__follows_a_straight_path_to_the_data_exactly():
    data, start = noise(3, 4, dtype=torch.float64), noise(3, 4, seed=1, dtype=torch.float64)
    x = start
    schedule = sigmas(7, shift=3.0).tolist()
    for sigma, sigma_next in pairwise(schedule):
        x = euler_step(x, start - data, sigma=sigma, sigma_next=sigma_next)
    torch.testing.assert_close(x, data, rtol=0, atol=1e-12)


def test_guide__at_one_is_the_conditional_prediction_and_at_zero_the_other():
    unconditional, conditional = noise(2, 8), noise(2, 8, seed=1)
    assert torch.equal(guide(unconditional, conditional, scale=1.0), conditional)
    assert torch.equal(guide(unconditional, conditional, scale=0.0), unconditional)


def test_guide__goes_on_along_the_difference():
    unconditional, conditional = noise(2, 8), noise(2, 8, seed=1)
    torch.testing.assert_close(
        guide(unconditional, conditional, scale=5.0),
        unconditional + 5.0 * (conditional - unconditional),
    )


def test_grid__counts_columns_fastest():
    positions = grid_positions(2, 1, 3)
    assert positions.tolist() == [[0, 0, 0], [0, 0, 1], [0, 0, 2], [1, 0, 0], [1, 0, 1], [1, 0, 2]]
    assert grid_positions(1, 1, 1).tolist() == [[0, 0, 0]]


@pytest.mark.parametrize("real", [False, True])
def test_rotary__keeps_the_norm_and_the_origin(real):
    x = noise(2, 3, 24, sum(AXES))
    turned = rotate(x, rotary_table(grid_positions(2, 3, 4), AXES, real=real))
    torch.testing.assert_close(turned.norm(dim=-1), x.norm(dim=-1))
    assert torch.equal(turned[:, :, 0], x[:, :, 0])
    assert not torch.allclose(turned[:, :, 1:], x[:, :, 1:])


def test_rotary__the_real_form_has_the_bits_of_the_complex_one():
    positions = grid_positions(3, 5, 7)
    tables = [rotary_table(positions, (16, 24, 24), real=real) for real in (False, True)]
    for x in (noise(2, 3, 105, 64), noise(2, 105, 3, 64).transpose(1, 2)):
        assert torch.equal(rotate(x, tables[0]), rotate(x, tables[1]))


def test_rotary__of_half_precision_stays_within_its_rounding():
    positions, x = grid_positions(3, 5, 7), noise(2, 3, 105, 64)
    table = rotary_table(positions, (16, 24, 24), real=True)
    turned = rotate(x.to(torch.bfloat16), table.to(torch.bfloat16))
    assert turned.dtype == torch.bfloat16
    torch.testing.assert_close(turned.to(torch.float32), rotate(x, table), rtol=0.02, atol=0.05)


@pytest.mark.parametrize("real", [False, True])
def test_rotary__a_score_depends_on_the_distance_only(real):
    query, key = noise(1, 1, 1, sum(AXES)), noise(1, 1, 1, sum(AXES), seed=1)

    def score(query_at, key_at):
        tables = (rotary_table(torch.tensor([at]), AXES, real=real) for at in (query_at, key_at))
        turned = [rotate(x, table) for x, table in zip((query, key), tables, strict=True)]
        return (turned[0] * turned[1]).sum()

    near = score((1, 2, 3), (2, 4, 6))
    torch.testing.assert_close(near, score((11, 22, 33), (12, 24, 36)), rtol=1e-4, atol=1e-5)
    assert not torch.isclose(near, score((1, 2, 3), (2, 4, 7)), rtol=1e-3)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_rotary__each_axis_turns_its_own_channels(axis):
    at = [0, 0, 0]
    at[axis] = 5
    turned = rotary_table(torch.tensor([at]), AXES, real=False)[0] != 1
    owners = torch.repeat_interleave(torch.arange(3), torch.tensor(AXES) // 2)
    assert torch.equal(turned, owners == axis)


def test_sinusoids__are_bounded_and_tell_times_apart():
    waves = sinusoids(torch.tensor([0.0, 1.0, 999.0]), 16)
    assert waves.shape == (3, 16)
    assert waves[0].tolist() == [1.0] * 8 + [0.0] * 8
    assert float(waves.abs().max()) <= 1.0
    assert float((waves[1] - waves[2]).abs().max()) > 0.1


def test_residual_gain__keeps_the_sum_over_blocks_of_order_one():
    assert 2 * 8 * residual_gain(8) ** 2 == pytest.approx(1.0)


def test_tokenize__pads_cuts_and_knows_no_case():
    ids = tokenize("A red  Panda", vocabulary=100, tokens=5)
    assert ids == tokenize("a RED panda", vocabulary=100, tokens=5)
    assert ids[3:] == [0, 0]
    assert all(1 <= token < 100 for token in ids[:3])
    assert len(tokenize("word " * 40, vocabulary=100, tokens=5)) == 5
    assert tokenize("", vocabulary=100, tokens=3) == [0, 0, 0]


def test_tokenize__is_the_same_under_another_hash_seed():
    script = (
        "from perfgate.workloads.diffusion.tokenizer import tokenize; "
        "print(tokenize('a red panda', vocabulary=4096, tokens=4))"
    )
    outputs = {
        subprocess.run(
            (sys.executable, "-c", script),
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert outputs == {f"{tokenize('a red panda', vocabulary=4096, tokens=4)}\n"}
