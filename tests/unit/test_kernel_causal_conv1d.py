"""causal_conv1d_update: its oracle on numbers worked out by hand, and variants that have no bug."""

from __future__ import annotations

import pytest
import torch

from perfgate.workloads.kernels.causal_conv1d.call import read, wants_silu
from perfgate.workloads.kernels.causal_conv1d.drawing import draw
from perfgate.workloads.kernels.causal_conv1d.kernels import CHANNELS_LAST, CIRCULAR, SLOTS
from perfgate.workloads.kernels.causal_conv1d.oracle import expect, memory_of
from perfgate.workloads.kernels.kernel import NotAvailable, Target
from tests.kernels import WrittenBytes, a_shape, found

KERNELS = {"circular": CIRCULAR, "slots": SLOTS, "channels-last": CHANNELS_LAST}
DIALECTS = tuple(KERNELS)


def one_channel(*, state, x, **more):
    """A call with one row on slot 1 of two, weights 1, 10, 100, no bias and no activation."""
    return {
        "x": torch.tensor([[x]]),
        "conv_state": torch.tensor([[[-1.0] * len(state)], [state]]),
        "weight": torch.tensor([[1.0, 10.0, 100.0]]),
        "bias": None,
        "activation": None,
        "conv_state_indices": torch.tensor([1], dtype=torch.int32),
        "pad_slot_id": -1,
        **more,
    }


def int32(*numbers):
    return torch.tensor(numbers, dtype=torch.int32)


def test_oracle__one_token_moves_the_history_on_by_one():
    expected = expect(one_channel(state=[1.0, 2.0], x=[3.0]), dialect="slots")
    assert expected.output.tolist() == [[[321.0]]]
    assert expected.state.tolist() == [[[-1.0, -1.0]], [[2.0, 3.0]]]


def test_oracle__columns_beyond_the_history_belong_to_nobody():
    expected = expect(one_channel(state=[1.0, 2.0, 9.0], x=[3.0]), dialect="slots")
    assert expected.output.tolist() == [[[321.0]]]
    assert expected.state[1].tolist() == [[2.0, 3.0, 9.0]]


def test_oracle__speculative_history_starts_at_the_accepted_token_and_slides_by_one():
    call = one_channel(state=[1.0, 2.0, 3.0], x=[4.0, 5.0], num_accepted_tokens=int32(2))
    expected = expect(call, dialect="slots")
    assert expected.output.tolist() == [[[432.0, 543.0]]]
    assert expected.state[1].tolist() == [[3.0, 4.0, 5.0]]


def test_oracle__a_ring_is_written_where_it_stands_and_read_around_its_end():
    call = one_channel(state=[1.0, 2.0, 3.0], x=[4.0], cache_seqlens=int32(7))
    expected = expect(call, dialect="circular")
    assert expected.output.tolist() == [[[400.0 + 10.0 + 3.0]]]
    assert expected.state[1].tolist() == [[1.0, 4.0, 3.0]]


def test_oracle__channels_last_is_the_same_call_turned():
    call = one_channel(state=[1.0, 2.0], x=[3.0])
    turned = {
        **call,
        "x": call["x"].transpose(1, 2),
        "conv_state": call["conv_state"].transpose(1, 2),
        "weight": call["weight"].t(),
    }
    expected = expect(turned, dialect="channels-last")
    assert expected.output.tolist() == [[[321.0]]]
    assert expected.state[1].tolist() == [[2.0], [3.0]]


def test_oracle__padding_has_no_output_and_changes_nothing():
    call = one_channel(state=[1.0, 2.0], x=[3.0], conv_state_indices=int32(7), pad_slot_id=7)
    expected = expect(call, dialect="slots")
    assert expected.output.shape == (0, 1, 1)
    assert torch.equal(memory_of(expected.state), memory_of(call["conv_state"]))


def test_oracle__silu_and_bias():
    call = one_channel(state=[0.0, 0.0], x=[0.0], bias=torch.tensor([2.0]), activation="silu")
    assert expect(call, dialect="slots").output.item() == pytest.approx(2 / (1 + 2.718281828**-2))


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("tokens", [1, 4])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
@pytest.mark.parametrize("variant", ["reference", "eager"])
def test_variants_of_torch_have_no_finding(dialect, tokens, dtype, variant):
    kernel = KERNELS[dialect]
    named = {one.name: one for one in (kernel.reference, *kernel.variants)}
    with WrittenBytes() as clock:
        said = found(kernel, named[variant], a_shape(dtype, B=3, D=37, L=tokens), clock=clock)
    assert said == {}


@pytest.mark.parametrize("width", [2, 3, 6])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_other_widths_have_no_finding(dialect, width):
    kernel = KERNELS[dialect]
    shape = a_shape(B=2, D=16, L=2, W=width)
    assert found(kernel, kernel.reference, shape) == {}
    assert found(kernel, kernel.variants[0], shape) == {}


def test_eager_takes_a_large_batch_in_parts():
    assert found(SLOTS, SLOTS.variants[0], a_shape(B=5, D=2**17, L=1)) == {}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_equal_seeds_draw_equal_arguments_and_others_do_not(dialect):
    shape = a_shape(B=3, D=16, L=2)
    first, again, other = (draw(shape, "cpu", seed, dialect=dialect) for seed in (1, 1, 2))
    for name, value in first.items():
        assert not isinstance(value, torch.Tensor) or torch.equal(value, again[name])
    assert not torch.equal(first["x"], other["x"])


def test_drawn_slots_are_no_slot_twice_and_never_that_of_padding():
    drawn = draw(a_shape(B=8, D=8, L=1, N=9), "cpu", 0, dialect="slots", pads=3, pad_slot_id=4)
    slots = drawn["conv_state_indices"].tolist()
    assert slots.count(4) == 3
    live = [slot for slot in slots if slot != 4]
    assert len(set(live)) == len(live) == 5


@pytest.mark.parametrize(
    ("layout", "strides"),
    [("contiguous", (48, 3, 1)), ("transposed", (48, 1, 16)), ("sliced", (80, 1, 16))],
)
def test_a_state_lies_in_memory_as_asked_for(layout, strides):
    drawn = draw(a_shape(B=2, D=16, L=1), "cpu", 0, dialect="slots", layout=layout)
    assert drawn["conv_state"].stride() == strides


def test_an_activation_that_nobody_spells_so_is_refused():
    with pytest.raises(ValueError, match="activation: 'gelu'"):
        wants_silu({"activation": "gelu"})


def test_a_row_without_an_index_uses_the_slot_of_its_number():
    drawn = draw(a_shape(B=3, D=8, L=1), "cpu", 0, dialect="circular")
    call = read({**drawn, "conv_state_indices": None}, "circular")
    assert call.slot_of_rows().tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("dialect", "rows", "tokens", "columns"),
    [("circular", 16, 1, 6), ("slots", 16, 1, 8), ("slots", 16, 4, 17), ("circular", 64, 4, 15)],
)
def test_moved_bytes__x_output_history_and_what_is_written(dialect, rows, tokens, columns):
    kernel = KERNELS[dialect]
    channels = 8192
    numbers = 4 * rows * (2 if dialect == "circular" or tokens > 1 else 1)
    expected = rows * channels * columns * 2 + 5 * channels * 2 + numbers
    assert kernel.moved_bytes(a_shape("bfloat16", B=rows, D=channels, L=tokens)) == expected


@pytest.mark.parametrize("kernel", KERNELS.values(), ids=DIALECTS)
def test_off_its_device_a_variant_says_where_it_runs(kernel):
    shape = a_shape(B=2, D=16, L=1)
    said = {}
    for variant in kernel.variants:
        if variant.name in {"eager", "compiled", "native"}:
            continue
        with pytest.raises(NotAvailable) as reason:
            variant.make(Target(device="cpu", shape=shape))
        said[variant.name] = str(reason.value)
    assert "triton" in said
    assert all("not on cpu" in words for words in said.values())
    native = next(variant for variant in kernel.variants if variant.name == "native")
    with pytest.raises(NotAvailable, match="runs on the CPU, not on cuda"):
        native.make(Target(device="cuda:0", shape=shape))
    with pytest.raises(NotAvailable, match="not float64"):
        native.make(Target(device="cpu", shape=a_shape("float64", B=2, D=16, L=1)))
