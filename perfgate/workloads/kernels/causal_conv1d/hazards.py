"""How implementations of causal_conv1d_update have been wrong, each as a hazard to look for.

A state update lost in a contiguous copy shows only where the state is not contiguous; a pad id of
-1 only where the caller's is another; a bias left out only where there is one; a write into other
slots only where those are watched. Outputs of padded rows are never looked at: implementations
zero them, skip them, or leave whatever the memory held.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor

from perfgate.workloads.kernels.causal_conv1d.call import ACCEPTED, Dialect
from perfgate.workloads.kernels.causal_conv1d.drawing import Layout, Sizes, draw, pool_of
from perfgate.workloads.kernels.causal_conv1d.oracle import Expected, expect, memory_of
from perfgate.workloads.kernels.hazards import difference
from perfgate.workloads.kernels.kernel import (
    Arguments,
    Function,
    Hazard,
    Probe,
    Shape,
    Tolerance,
)

_CALLS_IN_A_CHAIN = 5
_LEAST_PADDED_BATCH = 4
_PADDED = 2
_LARGEST_INT32 = 2**31 - 1

_POOL_BYTES = {"cpu": 32 * 2**20}
_POOL_BYTES_OF_A_DEVICE = 2**30
"""Copying it takes many times as long as a call of a few rows that leaves it alone."""
_LARGER_POOL = 8
_ROUNDS = 15
_COPIES_ABOVE = 2.0
"""Without a copy the ratio is one: on a busy CPU, three variants of 2048 and 8192 channels and 1 to
64 rows gave 0.7 to 1.3, and 5.7 to 130 with one."""

_LARGE, _SMALL = 1e5, 1e-7
"""Beyond fp16's largest number, and among its subnormals; bf16 and fp32 hold both."""
_RANGED_CHANNELS = 8

_POISON = {2: 0x7FC1, 4: 0x7FC00BAD}
"""Bit patterns of NaN by size in bytes, in bf16 (and fp16) and fp32."""

_Wrong = str | None


def hazards_of(dialect: Dialect) -> tuple[Hazard, ...]:
    """All that a dialect's variants are checked for beside what every kernel is."""
    of = _Hazards(dialect)
    layouts: tuple[Layout, ...] = ("contiguous", "transposed", "sliced")
    looks: dict[str, Callable[[Function, Probe], _Wrong]] = {
        **{f"{layout} state": of.state(layout) for layout in layouts},
        "five calls": of.chain,
        "pad slot id": of.pad_slot_id,
        "bias": of.bias,
        "unselected slots": of.unselected,
        "history range": of.history_range,
        "argument dialects": of.spellings,
        "whole-pool copy": of.whole_pool,
    }
    return tuple(Hazard(name=name, look=look) for name, look in looks.items())


class _Hazards:
    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect

    def state(self, layout: Layout) -> Callable[[Function, Probe], _Wrong]:
        """State and output after one call, bit for bit, where the state lies in that layout."""

        def look(function: Function, probe: Probe) -> _Wrong:
            return self._call(function, self._draw(probe, layout=layout), probe.tolerance)

        return look

    def chain(self, function: Function, probe: Probe) -> _Wrong:
        """Outputs of calls that each go on from the state that the last one left."""
        arguments = self._draw(probe, layout="sliced")
        theirs = arguments
        for number in range(1, _CALLS_IN_A_CHAIN + 1):
            expected = expect(theirs, dialect=self.dialect)
            output = self._live_output(function, arguments, expected)
            wrong = difference(output, expected.output, probe.tolerance)
            if wrong:
                return f"the output of call {number} {wrong}"
            following = self._following(arguments, probe, step=number)
            arguments = {**following, "conv_state": arguments["conv_state"]}
            theirs = {**following, "conv_state": expected.state}
        return None

    def pad_slot_id(self, function: Function, probe: Probe) -> _Wrong:
        """Padding by the id that the caller says, or by any negative one where none is said.

        An id that an implementation overlooks makes it write to that slot, so that on a device,
        where such a write would end the process, it is one of the pool.
        """
        sizes = dict(probe.target.shape.sizes)
        rows = sizes["B"] = max(sizes["B"], _LEAST_PADDED_BATCH)
        slots = sizes.setdefault("N", 2 * rows + 3)
        source = random.Random(probe.seed)  # noqa: S311 - no secret
        ids = [-7, -1000] if self.dialect == "circular" else [source.randrange(slots)]
        if probe.target.device == "cpu" and self.dialect != "circular":
            ids += [-7, source.choice((slots + 1000, _LARGEST_INT32))]
        for pad in (*ids, -1):
            arguments = self._draw(probe, sizes=sizes, pads=_PADDED, pad_slot_id=pad)
            wrong = self._call(function, arguments, probe.tolerance)
            if wrong:
                return f"{wrong} (rows of padding have slot {pad})"
        return None

    def bias(self, function: Function, probe: Probe) -> _Wrong:
        """A bias that no rounding hides, and none."""
        arguments = self._draw(probe)
        bias = _tensor(arguments, "bias")
        for told, given in (("a large bias", bias * 10), ("no bias", None)):
            again = {**self._draw(probe), "bias": given, "activation": None}
            wrong = self._call(function, again, probe.tolerance)
            if wrong:
                return f"{wrong} ({told})"
        return None

    def unselected(self, function: Function, probe: Probe) -> _Wrong:
        """Slots of no row and columns of nobody hold NaN, which must stay and never be read."""
        arguments = self._draw(probe, layout="sliced")
        slots = _tensor(arguments, "conv_state_indices").long()
        sizes = Sizes.of(probe.target.shape, self.dialect)
        state = self._channels_first(_tensor(arguments, "conv_state"))
        chosen = state[slots].clone()
        raw = _memory(state)
        raw.fill_(_POISON[state.element_size()])
        slack = state[slots]
        used = state.shape[2] if self.dialect == "circular" else sizes.columns
        slack[:, :, :used] = chosen[:, :, :used]
        state[slots] = slack
        return self._call(function, arguments, probe.tolerance)

    def history_range(self, function: Function, probe: Probe) -> _Wrong:
        """Values that the state's type holds and fp16, once chosen for history, does not."""
        if probe.target.shape.dtype == "float16":
            return None
        for scale in (_LARGE, _SMALL):
            arguments = self._draw(probe)
            state = self._channels_first(_tensor(arguments, "conv_state"))
            state[:, :_RANGED_CHANNELS] *= scale
            x = self._x(arguments)
            x[:, :_RANGED_CHANNELS] *= scale
            _tensor(arguments, "bias")[:_RANGED_CHANNELS] = 0
            small = Tolerance(
                relative=probe.tolerance.relative, absolute=probe.tolerance.absolute * scale
            )
            expected = expect(arguments, dialect=self.dialect)
            output = self._live_output(function, arguments, expected)[:, :_RANGED_CHANNELS]
            wrong = difference(output, expected.output[:, :_RANGED_CHANNELS], small)
            if wrong:
                return f"the output {wrong} (state scaled by {scale:g})"
        return None

    def spellings(self, function: Function, probe: Probe) -> _Wrong:
        """The same call as callers of other projects write it."""
        for spelled in ("swish", True, None, False):
            arguments = self._draw(probe)
            plain = {**arguments, "activation": "silu" if spelled else None}
            expected = expect(plain, dialect=self.dialect)
            wrong = self._judge(
                function, {**arguments, "activation": spelled}, expected, probe.tolerance
            )
            if wrong:
                return f"{wrong} (activation={spelled!r})"
        for again, told in self._respelled(probe):
            expected = expect(self._draw(probe), dialect=self.dialect)
            wrong = self._judge(function, again, expected, probe.tolerance)
            if wrong:
                return f"{wrong} ({told})"
        return None

    def whole_pool(self, function: Function, probe: Probe) -> _Wrong:
        """Time must not grow with the slots that a call leaves alone."""
        arguments = self._draw(probe)
        small = probe.target.shape.sizes["B"] + 1
        slot_bytes = _tensor(arguments, "conv_state")[0].nbytes
        pool_bytes = _POOL_BYTES.get(probe.target.device, _POOL_BYTES_OF_A_DEVICE)
        large = max(_LARGER_POOL * small, pool_bytes // slot_bytes)
        arguments["conv_state_indices"] = torch.arange(
            1, small, device=probe.target.device, dtype=torch.int32
        )
        for slack, told in ((0, ""), (1, ", whose columns are part of a wider pool")):
            few, many = self._took(function, arguments, probe, slots=(small, large), slack=slack)
            if many > _COPIES_ABOVE * max(few, 1):
                longer = f"{many / max(few, 1):.1f} times as long"
                return f"takes {longer} with {large} slots as with {small}{told}"
        return None

    def _took(
        self,
        function: Function,
        arguments: Arguments,
        probe: Probe,
        *,
        slots: tuple[int, int],
        slack: int,
    ) -> tuple[int, int]:
        """The fastest call on a pool of each size, in turns, in the clock's nanoseconds."""
        pools = [pool_of(arguments, each, dialect=self.dialect, slack=slack) for each in slots]
        cases = [{**arguments, "conv_state": pool} for pool in pools]
        taken: tuple[list[int], list[int]] = ([], [])
        for _ in range(1 + _ROUNDS):
            for times, case in zip(taken, cases, strict=True):
                began = probe.clock()
                function(case)
                times.append(probe.clock() - began)
        few, many = (min(times[1:]) for times in taken)
        return few, many

    def _respelled(self, probe: Probe) -> list[tuple[Arguments, str]]:
        arguments = self._draw(probe)
        spelled: list[tuple[Arguments, str]] = []
        name, other = ACCEPTED
        if name in arguments:
            renamed = self._draw(probe)
            renamed[other] = renamed.pop(name)
            spelled.append((renamed, other))
        if _tensor(arguments, "x").dim() == 2:
            one = {**arguments, "x": self._x(arguments).clone()}
            if self.dialect == "channels-last":
                one["x"] = _tensor(one, "x").transpose(1, 2)
            spelled.append((one, "x with one token has three dimensions"))
        return spelled

    def _call(self, function: Function, arguments: Arguments, tolerance: Tolerance) -> _Wrong:
        expected = expect(arguments, dialect=self.dialect)
        return self._judge(function, arguments, expected, tolerance)

    def _judge(
        self, function: Function, arguments: Arguments, expected: Expected, tolerance: Tolerance
    ) -> _Wrong:
        output = self._live_output(function, arguments, expected)
        state = _tensor(arguments, "conv_state")
        if not torch.equal(memory_of(state), memory_of(expected.state)):
            return self._where(state, expected)
        wrong = difference(output, expected.output, tolerance)
        return f"the output {wrong}" if wrong else None

    def _where(self, state: Tensor, expected: Expected) -> str:
        """In which slots the state is wrong; what lies around a slice counts as no slot."""
        mine, theirs = (_bytes_of_slots(there) for there in (state, expected.state))
        wrong = (mine != theirs).any(1).nonzero()
        slots = wrong.squeeze(1).tolist()
        if not slots:
            return "memory around the state is overwritten"
        return f"the state of slot {slots[0]} is wrong, as in {len(slots)} of {len(state)} slots"

    def _live_output(self, function: Function, arguments: Arguments, expected: Expected) -> Tensor:
        """(live rows, D, L) of what the function returns, on the CPU."""
        return self._output(function(arguments), arguments).cpu()[expected.live]

    def _following(self, arguments: Arguments, probe: Probe, *, step: int) -> Arguments:
        """The next call of the same sequences: new tokens, the same slots and weights."""
        drawn = self._draw(probe, step=step)
        following = {**arguments, "x": drawn["x"]}
        if "num_accepted_tokens" in drawn:
            following["num_accepted_tokens"] = drawn["num_accepted_tokens"]
        if "cache_seqlens" in drawn:
            tokens = self._x(drawn).shape[2]
            following["cache_seqlens"] = _tensor(arguments, "cache_seqlens") + tokens
        return following

    def _draw(
        self,
        probe: Probe,
        *,
        layout: Layout | None = None,
        sizes: dict[str, int] | None = None,
        step: int = 0,
        pads: int = 0,
        pad_slot_id: int = -1,
    ) -> Arguments:
        shape = probe.target.shape
        if sizes is not None:
            shape = Shape(sizes=sizes, dtype=shape.dtype)
        return draw(
            shape,
            probe.target.device,
            probe.seed + step,
            dialect=self.dialect,
            layout=layout,
            pads=pads,
            pad_slot_id=pad_slot_id,
        )

    def _channels_first(self, tensor: Tensor) -> Tensor:
        return tensor.transpose(1, 2) if self.dialect == "channels-last" else tensor

    def _x(self, arguments: Arguments) -> Tensor:
        """(B, D, L) view of x."""
        return self._output(_tensor(arguments, "x"), arguments)

    def _output(self, output: Tensor, arguments: Arguments) -> Tensor:
        """(B, D, L) view of an output in x's shape."""
        x = _tensor(arguments, "x")
        if output.shape != x.shape:
            raise ValueError(f"the output has shape {tuple(output.shape)}, not {tuple(x.shape)}")
        return output.unsqueeze(2) if output.dim() == 2 else self._channels_first(output)


def _memory(state: Tensor) -> Tensor:
    """All the memory that a state is a view of, as whole numbers of its size."""
    numbers = {2: torch.int16, 4: torch.int32}[state.element_size()]
    whole = torch.empty(0, dtype=numbers, device=state.device)
    return whole.set_(state.untyped_storage())


def _bytes_of_slots(state: Tensor) -> Tensor:
    """(N, bytes) on the CPU."""
    return state.cpu().contiguous().view(torch.uint8).flatten(1)


def _tensor(arguments: Arguments, name: str) -> Tensor:
    return cast("Tensor", arguments[name])
