"""causal_conv1d_update as kernels of the suite: one a dialect, for their calls differ in meaning.

All move a history of W - 1 columns a row through a pool of states; ``call.py`` says how each does.
"""

from __future__ import annotations

from functools import partial
from types import ModuleType

from perfgate.workloads.kernels.causal_conv1d import compiled, eager, native, reference, triton
from perfgate.workloads.kernels.causal_conv1d.call import Dialect
from perfgate.workloads.kernels.causal_conv1d.drawing import Sizes, draw
from perfgate.workloads.kernels.causal_conv1d.external import (
    DAO,
    SGL_KERNEL_NPU,
    SGLANG,
    VLLM,
    External,
)
from perfgate.workloads.kernels.causal_conv1d.hazards import hazards_of
from perfgate.workloads.kernels.kernel import Kernel, Shape, Variant
from perfgate.workloads.kernels.sizes import bytes_of

_CHANNELS = (2048, 4096, 8192)
_ROWS = (1, 16, 64)
_INDEX_BYTES = 4
_SILU_OPERATIONS = 5
"""Negation, exponential, addition, division, product: by count, not by cost."""

_OWN: dict[str, ModuleType] = {
    "eager": eager,
    "compiled": compiled,
    "native": native,
    "triton": triton,
}


_SHAPES = (
    *(Shape(sizes={"B": rows, "D": channels, "L": 1}) for channels in _CHANNELS for rows in _ROWS),
    Shape(sizes={"B": 16, "D": 4096, "L": 4}),
)


def _kernel(name: str, dialect: Dialect, *, external: tuple[External, ...]) -> Kernel:
    own = (
        Variant(name=variant, make=partial(module.make, dialect=dialect))
        for variant, module in _OWN.items()
    )
    overwritten = {"x"} if dialect == "channels-last" else set()
    return Kernel(
        name=name,
        reference=Variant(name="reference", make=partial(reference.make, dialect=dialect)),
        variants=(*own, *(implementation.variant() for implementation in external)),
        shapes=_SHAPES,
        inputs=partial(draw, dialect=dialect),
        moved_bytes=partial(_moved_bytes, dialect=dialect),
        operations=partial(_operations, dialect=dialect),
        bound="copy",
        held_bytes=partial(_held_bytes, dialect=dialect),
        state=frozenset({"conv_state", *overwritten}),
        hazards=hazards_of(dialect),
    )


def _moved_bytes(shape: Shape, *, dialect: Dialect) -> int:
    """x and output, history read, columns written; weights, bias and a row's numbers once.

    A shift by one writes W - 1 columns, speculative decoding W - 2 + L, a ring L.
    """
    sizes = Sizes.of(shape, dialect)
    history = sizes.taps - 1
    speculative = sizes.tokens > 1 and dialect != "circular"
    written = history - 1 + sizes.tokens if speculative else history
    if dialect == "circular":
        written = sizes.tokens
    columns = 2 * sizes.tokens + history + written
    rows = sizes.rows * sizes.channels * columns * bytes_of(shape.dtype)
    return (
        rows
        + (sizes.taps + 1) * sizes.channels * bytes_of(shape.dtype)
        + (_INDEX_BYTES * sizes.rows * (2 if speculative or dialect == "circular" else 1))
    )


def _operations(shape: Shape, *, dialect: Dialect) -> int:
    sizes = Sizes.of(shape, dialect)
    return sizes.rows * sizes.channels * sizes.tokens * (2 * sizes.taps + _SILU_OPERATIONS)


def _held_bytes(shape: Shape, *, dialect: Dialect) -> int:
    """With the pool that it is drawn from, which lies beside it for a moment."""
    sizes = Sizes.of(shape, dialect)
    pool = 2 * (sizes.slots + 2) * (sizes.columns + 2) + 2 * sizes.rows * sizes.tokens
    return (pool + sizes.taps + 1) * sizes.channels * bytes_of(shape.dtype)


CIRCULAR = _kernel("causal_conv1d_update.circular", "circular", external=(DAO,))
SLOTS = _kernel("causal_conv1d_update.slots", "slots", external=(VLLM, SGLANG))
CHANNELS_LAST = _kernel(
    "causal_conv1d_update.channels_last", "channels-last", external=(SGL_KERNEL_NPU,)
)
KERNELS = (CIRCULAR, SLOTS, CHANNELS_LAST)
