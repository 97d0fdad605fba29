"""Bugs that causal_conv1d_update has really had, planted: each is found, under its own name."""

from __future__ import annotations

from functools import cache

import pytest
import torch

from perfgate.workloads.kernels.causal_conv1d.kernels import CHANNELS_LAST, CIRCULAR, SLOTS
from perfgate.workloads.kernels.kernel import Target
from tests.kernels import WrittenBytes, a_shape, a_variant, found

KERNELS = {"circular": CIRCULAR, "slots": SLOTS, "channels-last": CHANNELS_LAST}
DIALECTS = tuple(KERNELS)


def contiguous_state(right):
    """Works on a copy where the state is not contiguous: the update is lost, the output right."""
    return lambda arguments: right(
        {**arguments, "conv_state": arguments["conv_state"].contiguous()}
    )


def hard_coded_pad(right):
    return lambda arguments: right({**arguments, "pad_slot_id": -1})


def padding_is_the_last_slot(right):
    """Indexes with a pad id of -1 as Python does."""

    def function(arguments):
        slots = arguments["conv_state_indices"].clone()
        slots[slots == arguments.get("pad_slot_id", -1)] = len(arguments["conv_state"]) - 1
        return right({**arguments, "conv_state_indices": slots, "pad_slot_id": -(2**31)})

    return function


def ignored_bias(right):
    return lambda arguments: right({**arguments, "bias": None})


def whole_pool_copy(right):
    """Right, and as slow as the pool is large."""

    def function(arguments):
        state = arguments["conv_state"]
        copy = state.clone()
        output = right({**arguments, "conv_state": copy})
        state.copy_(copy)
        return output

    return function


def wider_pool_copy(right):
    """The same, but only where the slots are not adjacent: as torch does with views that it writes.

    A state whose slots are adjacent is written in place.
    """
    copying = whole_pool_copy(right)

    def function(arguments):
        state = arguments["conv_state"]
        adjacent = state.stride(0) == state[0].numel()
        return (right if adjacent else copying)(arguments)

    return function


def half_history(right):
    """Computes from a history that was in fp16 on the way, and moves the state as it should."""

    def function(arguments):
        slots, state = arguments["conv_state_indices"], arguments["conv_state"]
        padded = slots == arguments["pad_slot_id"] if "pad_slot_id" in arguments else slots < 0
        rows = torch.arange(len(slots), dtype=torch.int32).masked_fill(padded, -1)
        rounded = state[slots.clamp(0, len(state) - 1).long()].half().to(state.dtype)
        right(dict(arguments))
        return right(
            {
                **arguments,
                "conv_state": rounded,
                "conv_state_indices": rows,
                **({"pad_slot_id": -1} if "pad_slot_id" in arguments else {}),
            }
        )

    return function


def clears_slack(right):
    """Takes all columns of a slot for its own."""

    def function(arguments):
        output = right(arguments)
        arguments["conv_state"][arguments["conv_state_indices"].long(), ..., -1] = 0
        return output

    return function


def clears_the_next_slot(right):
    def function(arguments):
        output = right(arguments)
        slots = set(arguments["conv_state_indices"].tolist())
        state = arguments["conv_state"]
        state[next(slot for slot in range(len(state)) if slot not in slots)] = 0
        return output

    return function


def spells_only(word):
    """Knows one spelling of the activation, and takes any other for none."""

    def bug(right):
        def function(arguments):
            said = word if arguments["activation"] == word else None
            return right({**arguments, "activation": said})

        return function

    return bug


def knows_one_count(right):
    """Reads the accepted tokens under one name alone."""

    def function(arguments):
        known = {**arguments}
        known.pop("num_accept_tokens", None)
        return right(known)

    return function


def state_first(right):
    """Reads the history after it has written the state."""

    def function(arguments):
        right({**arguments, "x": arguments["x"].clone()})
        return right({**arguments, "conv_state": arguments["conv_state"].clone()})

    return function


CAUGHT = [
    *((dialect, contiguous_state, {"sliced state", "five calls"}) for dialect in DIALECTS),
    ("slots", contiguous_state, {"transposed state"}),
    ("circular", contiguous_state, {"transposed state"}),
    ("channels-last", contiguous_state, {"transposed state"}),
    ("slots", hard_coded_pad, {"pad slot id"}),
    ("channels-last", hard_coded_pad, {"pad slot id"}),
    ("slots", padding_is_the_last_slot, {"pad slot id"}),
    ("channels-last", padding_is_the_last_slot, {"pad slot id"}),
    *((dialect, ignored_bias, {"bias", "reference"}) for dialect in DIALECTS),
    *((dialect, whole_pool_copy, {"whole-pool copy"}) for dialect in DIALECTS),
    *((dialect, wider_pool_copy, {"whole-pool copy"}) for dialect in DIALECTS),
    *((dialect, half_history, {"history range"}) for dialect in ("circular", "slots")),
    ("slots", clears_slack, {"unselected slots"}),
    *((dialect, clears_the_next_slot, {"unselected slots"}) for dialect in DIALECTS),
    *((dialect, spells_only("silu"), {"argument dialects"}) for dialect in DIALECTS),
    *(
        (dialect, state_first, {"five calls", "reference"})
        for dialect in ("slots", "channels-last")
    ),
]


@pytest.mark.parametrize(
    ("dialect", "bug", "hazards"),
    CAUGHT,
    ids=[f"{dialect} {bug.__name__} {min(hazards)}" for dialect, bug, hazards in CAUGHT],
)
def test_a_planted_bug_is_found(dialect, bug, hazards):
    said = found_in(dialect, bug)
    assert hazards <= set(said), said


@pytest.mark.parametrize("dialect", ["slots", "channels-last"])
def test_another_name_of_the_accepted_tokens_that_is_not_read_is_found(dialect):
    assert set(found_in(dialect, knows_one_count, tokens=3)) == {"argument dialects"}


@pytest.mark.parametrize(
    ("dialect", "bug", "hazard"),
    [
        ("slots", hard_coded_pad, "pad slot id"),
        ("slots", whole_pool_copy, "whole-pool copy"),
        ("slots", spells_only("silu"), "argument dialects"),
    ],
    ids=["hard-coded pad", "whole-pool copy", "one spelling"],
)
def test_a_bug_that_hides_from_all_other_hazards_is_found_by_its_own(dialect, bug, hazard):
    assert set(found_in(dialect, bug)) == {hazard}


def test_a_lost_update_hides_where_the_state_is_contiguous():
    assert "contiguous state" not in found_in("slots", contiguous_state)


def test_a_history_in_fp16_hides_in_bf16_but_for_its_range():
    said = found_in("slots", half_history, dtype="bfloat16")
    assert set(said) == {"history range"}


def test_x_that_the_output_overwrites_must_be_declared():
    def onto_x(right):
        return lambda arguments: arguments["x"].copy_(right(arguments))

    assert set(found_in("slots", onto_x)) == {"declared mutation"}
    right = SLOTS.reference.make(Target(device="cpu", shape=a_shape(B=3, D=24, L=1)))
    declared = a_variant(onto_x(right), mutates=frozenset({"x"}))
    with WrittenBytes() as clock:
        assert found(SLOTS, declared, a_shape(B=3, D=24, L=1), clock=clock) == {}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_pool_is_copied_or_not_whatever_the_time_of_day(dialect):
    said = found_in(dialect, whole_pool_copy)["whole-pool copy"]
    assert said.startswith("takes ")
    assert "times as long with" in said


def test_a_slot_that_is_wrong_is_named():
    said = found_in("slots", clears_the_next_slot)["unselected slots"]
    assert said.startswith("the state of slot ")


@cache
def found_in(dialect, bug, *, tokens=1, dtype="float32"):
    kernel = KERNELS[dialect]
    shape = a_shape(dtype, B=3, D=24, L=tokens)
    right = kernel.reference.make(Target(device="cpu", shape=shape))
    with WrittenBytes() as clock:
        return found(kernel, a_variant(bug(right)), shape, clock=clock)
