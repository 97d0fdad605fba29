"""Implementations of causal_conv1d_update in other packages, found when a variant is made.

None is a dependency. A package that is missing, too old, broken or for another device is why a
variant is not available, never an error of an import.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module, metadata
from types import ModuleType

from torch import Tensor

from perfgate.workloads.kernels.causal_conv1d.call import (
    ACCEPTED,
    accepted_tokens,
    wants_silu,
)
from perfgate.workloads.kernels.kernel import Arguments, Function, NotAvailable, Target, Variant

Import = Callable[[str], ModuleType]


@dataclass(frozen=True, kw_only=True, slots=True)
class External:
    """A function of somebody else's: where it is, where it runs, and how it names things."""

    package: str
    """What pip calls it."""
    module: str
    function: str
    device: str
    needs: tuple[str, ...]
    """Parameters without which it cannot be called in this dialect."""
    counts_accepted: bool = False
    """Whether it needs a parameter for accepted tokens, under either name."""
    mutates: frozenset[str] = frozenset()

    def variant(self) -> Variant:
        """As a variant of the kernel whose dialect it speaks."""
        return Variant(
            name=self.package, make=self.make, dialect=self.function, mutates=self.mutates
        )

    def make(self, target: Target, importing: Import = import_module) -> Function:
        """Raises NotAvailable; ``importing`` is how modules are imported."""
        kind = target.device.split(":")[0]
        if kind != self.device:
            raise NotAvailable(f"runs on {self.device}, not on {kind}")
        found = self._found(importing)
        known = self._parameters(found)
        accepted = next((name for name in ACCEPTED if name in known), None)
        missing = [name for name in self.needs if name not in known]
        if self.counts_accepted and accepted is None:
            missing.append(" or ".join(ACCEPTED))
        if missing:
            raise NotAvailable(
                f"{self._told()} is too old: {self.function} has no {', '.join(missing)}"
            )

        def function(arguments: Arguments) -> Tensor:
            output: Tensor = found(**self._spelled(arguments, accepted))
            return output

        return function

    def _found(self, importing: Import) -> Callable[..., Tensor]:
        try:
            module = importing(self.module)
        except ModuleNotFoundError as error:
            if error.name is not None and not self.module.startswith(error.name):
                raise NotAvailable(f"{self._told()} cannot be imported: {error}") from error
            raise NotAvailable(
                f"{self.package} is not installed, or has no {self.module}"
            ) from error
        except Exception as error:
            raise NotAvailable(f"{self._told()} cannot be imported: {error}") from error
        found = getattr(module, self.function, None)
        if not callable(found):
            raise NotAvailable(f"{self._told()} is too old: it has no {self.function}")
        known: Callable[..., Tensor] = found
        return known

    def _parameters(self, found: Callable[..., Tensor]) -> Mapping[str, inspect.Parameter]:
        try:
            return inspect.signature(found).parameters
        except (TypeError, ValueError) as error:
            raise NotAvailable(f"{self._told()}: cannot tell what it takes: {error}") from error

    def _spelled(self, arguments: Arguments, accepted: str | None) -> Arguments:
        """The same arguments under the names that it knows."""
        spelled = {name: value for name, value in arguments.items() if name not in ACCEPTED}
        spelled["activation"] = "silu" if wants_silu(arguments) else None
        numbers = accepted_tokens(arguments)
        if accepted is not None and numbers is not None:
            spelled[accepted] = numbers
        return spelled

    def _told(self) -> str:
        try:
            return f"{self.package} {metadata.version(self.package)}"
        except metadata.PackageNotFoundError:
            return self.package


DAO = External(
    package="causal_conv1d",
    module="causal_conv1d",
    function="causal_conv1d_update",
    device="cuda",
    needs=("cache_seqlens", "conv_state_indices"),
)

VLLM = External(
    package="vllm",
    module="vllm.model_executor.layers.mamba.ops.causal_conv1d",
    function="causal_conv1d_update",
    device="cuda",
    needs=("conv_state_indices", "pad_slot_id"),
    counts_accepted=True,
    mutates=frozenset({"x"}),  # releases before its output became a tensor of its own
)

SGLANG = External(
    package="sglang",
    module="sglang.srt.layers.attention.mamba.causal_conv1d_triton",
    function="causal_conv1d_update",
    device="cuda",
    needs=("conv_state_indices", "pad_slot_id"),
    counts_accepted=True,
    mutates=frozenset({"x"}),
)

SGL_KERNEL_NPU = External(
    package="sgl_kernel_npu",
    module="sgl_kernel_npu.mamba.causal_conv1d",
    function="causal_conv1d_update_v2",
    device="npu",
    needs=("conv_state_indices", "pad_slot_id"),
    counts_accepted=True,
)
