"""Weights and history as the faster variants want them: channels last, weights in fp32."""

from __future__ import annotations

from torch import Tensor

from perfgate.workloads.kernels.causal_conv1d.call import Dialect
from perfgate.workloads.kernels.kernel import Arguments


class PreparedWeights:
    """Weights turned once, as a model does that is loaded, not once a call.

    Keeps each weight that it was given, so that no other can get its identity, and turns it again
    if it was changed since.
    """

    def __init__(self, dialect: Dialect) -> None:
        self._last = dialect == "channels-last"
        self._known: dict[int, tuple[Tensor, int, Tensor]] = {}

    def of(self, arguments: Arguments) -> Tensor:
        """(W, D) fp32, contiguous."""
        weight: Tensor = arguments["weight"]  # type: ignore[assignment]
        known = self._known.get(id(weight))
        if known is not None and known[1] == weight._version:  # noqa: SLF001 - torch documents it
            return known[2]
        turned = (weight if self._last else weight.t()).float().contiguous()
        self._known[id(weight)] = (weight, weight._version, turned)  # noqa: SLF001
        return turned


def columns_of_history(
    steps: Tensor, *, accepted: Tensor | None, lengths: Tensor | None, ring: int
) -> Tensor:
    """(B, W - 1) columns of the state in which each row's history lies; ``steps`` is 0 to W - 2.

    One of ``accepted`` and ``lengths`` is given: without them it lies in the first columns.
    """
    if lengths is not None:
        return (lengths.unsqueeze(1) - len(steps) + steps) % ring
    assert accepted is not None  # noqa: S101 - what the caller promises
    return accepted.unsqueeze(1) - 1 + steps
