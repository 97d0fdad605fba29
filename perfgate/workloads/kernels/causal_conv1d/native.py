"""causal_conv1d_update in C++ on a CPU: one pass over rows and state, compiled on first use."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from perfgate.workloads.kernels.causal_conv1d.call import ACTIVATIONS, Dialect, accepted_tokens
from perfgate.workloads.kernels.causal_conv1d.rows import PreparedWeights
from perfgate.workloads.kernels.kernel import Arguments, Function, NotAvailable, Target
from perfgate.workloads.kernels.native import built

_SOURCE = Path(__file__).with_name("native.cpp")
_DTYPES = ("float32", "bfloat16", "float16")
_ANY_NEGATIVE = None


def make(target: Target, *, dialect: Dialect) -> Function:
    """Raises NotAvailable off the CPU, for other types, and where it cannot be compiled."""
    if target.device != "cpu":
        raise NotAvailable(f"runs on the CPU, not on {target.device}")
    if target.shape.dtype not in _DTYPES:
        raise NotAvailable(f"knows {', '.join(_DTYPES)}, not {target.shape.dtype}")
    update = built(_SOURCE).update
    weights, last, circular = PreparedWeights(dialect), *_flags(dialect)

    def function(arguments: Arguments) -> Tensor:
        output: Tensor = update(
            arguments["x"],
            arguments["conv_state"],
            weights.of(arguments),
            arguments["bias"],
            ACTIVATIONS[arguments["activation"]],
            arguments["conv_state_indices"],
            _ANY_NEGATIVE if circular else arguments["pad_slot_id"],
            arguments["cache_seqlens"] if circular else accepted_tokens(arguments),
            circular,
            last,
        )
        return output

    return function


def _flags(dialect: Dialect) -> tuple[bool, bool]:
    return dialect == "channels-last", dialect == "circular"
