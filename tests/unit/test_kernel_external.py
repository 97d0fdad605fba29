"""Kernels of other packages: found, called as they spell it, or not available with the reason."""

from __future__ import annotations

import inspect
from types import SimpleNamespace

import pytest
import torch

from perfgate.workloads.kernels.causal_conv1d.drawing import draw
from perfgate.workloads.kernels.causal_conv1d.external import DAO, SGL_KERNEL_NPU, SGLANG, VLLM
from perfgate.workloads.kernels.causal_conv1d.kernels import KERNELS
from perfgate.workloads.kernels.kernel import NotAvailable, Target
from tests.kernels import a_shape

SHAPE = a_shape(B=2, D=8, L=3)
CUDA = Target(device="cuda:0", shape=SHAPE)
NPU = Target(device="npu:0", shape=SHAPE)


def package(**functions):
    """How a package is imported that has these functions."""
    return lambda _: SimpleNamespace(**functions)


def raising(error):
    def importing(_):
        raise error

    return importing


def reason(external, importing, target=CUDA):
    with pytest.raises(NotAvailable) as told:
        external.make(target, importing)
    return str(told.value)


def test_off_its_device_nothing_is_imported():
    untouched = raising(AssertionError("imported"))
    on_cpu = Target(device="cpu", shape=SHAPE)
    assert reason(DAO, untouched, on_cpu) == "runs on cuda, not on cpu"
    assert reason(SGL_KERNEL_NPU, untouched, CUDA) == "runs on npu, not on cuda"


@pytest.mark.parametrize(
    ("external", "name"),
    [(DAO, "causal_conv1d"), (VLLM, "vllm"), (SGLANG, "sglang")],
)
def test_a_package_that_is_not_installed_is_not_available(external, name):
    missing = raising(ModuleNotFoundError(f"No module named {name!r}", name=name))
    assert reason(external, missing) == f"{name} is not installed, or has no {external.module}"


def test_a_package_without_the_module_is_too_old_or_something_else():
    missing = raising(ModuleNotFoundError("no ops", name="vllm.model_executor.layers.mamba"))
    assert "vllm is not installed, or has no vllm.model_executor" in reason(VLLM, missing)


def test_a_package_that_misses_one_of_its_own_is_told_by_that():
    missing = raising(ModuleNotFoundError("No module named 'einops'", name="einops"))
    assert reason(DAO, missing) == ("causal_conv1d cannot be imported: No module named 'einops'")


@pytest.mark.parametrize(
    "error", [ImportError("undefined symbol"), OSError("libcudart.so.12"), RuntimeError("no CANN")]
)
def test_a_package_that_breaks_when_imported_is_no_error_of_ours(error):
    assert reason(DAO, raising(error)) == f"causal_conv1d cannot be imported: {error}"


def test_a_package_without_the_function_is_too_old():
    assert reason(SGL_KERNEL_NPU, package(causal_conv1d_update=print), NPU) == (
        "sgl_kernel_npu is too old: it has no causal_conv1d_update_v2"
    )


def test_a_function_without_a_parameter_is_too_old():
    def causal_conv1d_update(x, conv_state, weight, bias=None, activation=None):
        raise AssertionError("called")

    importing = package(causal_conv1d_update=causal_conv1d_update)
    assert reason(DAO, importing) == (
        "causal_conv1d is too old: causal_conv1d_update has no cache_seqlens, conv_state_indices"
    )
    assert reason(VLLM, importing) == (
        "vllm is too old: causal_conv1d_update has no conv_state_indices, pad_slot_id, "
        "num_accepted_tokens or num_accept_tokens"
    )


def test_a_function_that_cannot_be_asked_is_not_called_in_the_dark():
    importing = package(causal_conv1d_update=dict.fromkeys)
    assert reason(DAO, importing).startswith("causal_conv1d")


@pytest.mark.parametrize("name", ["num_accepted_tokens", "num_accept_tokens"])
def test_accepted_tokens_go_by_the_name_that_the_function_has(name):
    received = {}
    parameters = ["x", "conv_state", "weight", "bias", "activation", "conv_state_indices", name]

    def causal_conv1d_update(**given):
        received.update(given)
        return given["x"]

    causal_conv1d_update.__signature__ = inspect.Signature(
        inspect.Parameter(parameter, inspect.Parameter.KEYWORD_ONLY)
        for parameter in (*parameters, "pad_slot_id")
    )
    function = VLLM.make(CUDA, package(causal_conv1d_update=causal_conv1d_update))
    arguments = draw(SHAPE, "cpu", 0, dialect="slots")
    function({**arguments, "activation": True})
    assert torch.equal(received[name], arguments["num_accepted_tokens"])
    assert received["activation"] == "silu"
    assert received["conv_state"] is arguments["conv_state"]


def test_each_dialect_knows_its_packages():
    names = {kernel.name: {variant.name for variant in kernel.variants} - OWN for kernel in KERNELS}
    assert names == {
        "causal_conv1d_update.circular": {"causal_conv1d"},
        "causal_conv1d_update.slots": {"vllm", "sglang"},
        "causal_conv1d_update.channels_last": {"sgl_kernel_npu"},
    }


OWN = {"eager", "compiled", "native", "triton"}
