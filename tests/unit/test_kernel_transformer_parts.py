"""Attention and the modulated norm: no variant has a finding, and bugs of their kind are found."""

from __future__ import annotations

import pytest
import torch

from perfgate.workloads.kernels.adaln_norm import ADALN_NORM
from perfgate.workloads.kernels.attention import ATTENTION
from perfgate.workloads.kernels.kernel import NotAvailable, Target
from tests.kernels import a_shape, found

HEADS = {"B": 2, "H": 3, "T": 24, "S": 40, "C": 16}
TOKENS = {"B": 2, "T": 5, "D": 48}


def named(kernel, name):
    return next(one for one in (kernel.reference, *kernel.variants) if one.name == name)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("name", ["reference", "sdpa", "sdpa flash", "sdpa math"])
def test_attention__torchs_implementations_on_a_cpu_have_no_finding(name, dtype):
    assert found(ATTENTION, named(ATTENTION, name), a_shape(dtype, **HEADS)) == {}


@pytest.mark.parametrize("name", ["sdpa cudnn", "sdpa efficient"])
def test_attention__what_torch_has_not_here_is_not_available(name):
    target = Target(device="cpu", shape=a_shape(**HEADS))
    with pytest.raises(NotAvailable, match=f"torch has no {name.split()[1]} attention here"):
        named(ATTENTION, name).make(target)


def test_attention__scores_that_overflow_are_found():
    def naive(arguments):
        query, key, value = (arguments[name] for name in ("query", "key", "value"))
        powers = torch.exp(query @ key.transpose(-2, -1) / query.shape[-1] ** 0.5)
        return powers / powers.sum(-1, keepdim=True) @ value

    assert set(found(ATTENTION, naive, a_shape(**HEADS))) == {"large scores"}


def test_attention__a_scale_left_out_is_found():
    def unscaled(arguments):
        return torch.nn.functional.scaled_dot_product_attention(
            *(arguments[name] for name in ("query", "key", "value")), scale=1.0
        )

    assert "contiguous heads" in found(ATTENTION, unscaled, a_shape(**HEADS))


def test_attention__operations_are_two_products():
    shape = a_shape(B=1, H=1, T=2, S=3, C=64)
    assert ATTENTION.operations(shape) == 6 * (4 * 64 + 5)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
@pytest.mark.parametrize("name", ["reference", "eager"])
def test_adaln__variants_of_torch_have_no_finding(name, dtype):
    assert found(ADALN_NORM, named(ADALN_NORM, name), a_shape(dtype, **TOKENS)) == {}


@pytest.mark.parametrize(
    ("bug", "hazard"),
    [
        (lambda right: lambda given: right({**given, "eps": 1e-6}), "epsilon"),
        (
            lambda right: (
                lambda given: right({**given, "weight": torch.ones_like(given["weight"])})
            ),
            "contiguous tokens",
        ),
        (
            lambda right: (
                lambda given: right(
                    {**given, "shift": given["shift"][:1].expand_as(given["shift"])}
                )
            ),
            "contiguous tokens",
        ),
    ],
    ids=["epsilon of its own", "weight left out", "shift of the first batch"],
)
def test_adaln__bugs_are_found(bug, hazard):
    shape = a_shape(**TOKENS)
    right = ADALN_NORM.reference.make(Target(device="cpu", shape=shape))
    assert hazard in found(ADALN_NORM, bug(right), shape)


def test_adaln__squares_that_overflow_fp16_are_found():
    def in_half(given):
        x = given["x"]
        mean = x.square().mean(-1, keepdim=True)
        normed = x * torch.rsqrt(mean + given["eps"]) * given["weight"]
        return normed * (1 + given["scale"]) + given["shift"]

    assert "range of squares" in found(ADALN_NORM, in_half, a_shape("float16", **TOKENS))


def test_adaln__triton_is_not_available_on_a_cpu():
    with pytest.raises(NotAvailable, match="runs on CUDA and NPUs, not on cpu"):
        named(ADALN_NORM, "triton").make(Target(device="cpu", shape=a_shape(**TOKENS)))
