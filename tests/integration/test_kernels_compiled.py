"""Variants that torch compiles: no finding, and no way back to eager in a sweep of many shapes."""

from __future__ import annotations

import pytest
import torch

from perfgate.workloads.kernels.adaln_norm import ADALN_NORM
from perfgate.workloads.kernels.attention import ATTENTION
from perfgate.workloads.kernels.causal_conv1d.kernels import CHANNELS_LAST, CIRCULAR, SLOTS
from perfgate.workloads.kernels.compiling import compiled_alone
from perfgate.workloads.kernels.native import Toolchain
from tests.kernels import a_shape, found

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning"),  # of torch's own compiler
    pytest.mark.skipif(Toolchain.of_this_machine().compiler is None, reason="needs a C++ compiler"),
]


def compiled(kernel):
    return next(variant for variant in kernel.variants if variant.name == "compiled")


@pytest.mark.parametrize(
    ("kernel", "tokens", "dtype"),
    [
        (SLOTS, 1, "float32"),
        (SLOTS, 1, "bfloat16"),
        (SLOTS, 3, "float32"),
        (CIRCULAR, 1, "float32"),
        (CHANNELS_LAST, 1, "float32"),
    ],
    ids=["slots", "slots bfloat16", "slots speculative", "circular", "channels last"],
)
def test_causal_conv1d__no_finding(kernel, tokens, dtype):
    assert found(kernel, compiled(kernel), a_shape(dtype, B=4, D=24, L=tokens)) == {}


def test_attention__no_finding():
    shape = a_shape(B=1, H=2, T=8, S=12, C=16)
    assert found(ATTENTION, compiled(ATTENTION), shape) == {}


def test_adaln__no_finding():
    assert found(ADALN_NORM, compiled(ADALN_NORM), a_shape(B=2, T=3, D=40)) == {}


def test_more_shapes_than_torchs_limit_are_each_compiled():
    seen = []

    def backend(graph, _):
        seen.append(graph)
        return graph.forward

    function = compiled_alone(lambda x: x + 1, "cpu", backend=backend)
    for size in range(1, 13):
        assert torch.equal(function(torch.zeros(size)), torch.ones(size))
    assert len(seen) == 12


def test_a_function_that_does_not_fit_in_one_graph_raises():
    def broken(x):
        return x + 1 if x.sum() > 0 else x

    with pytest.raises(torch._dynamo.exc.Unsupported):
        compiled_alone(broken, "cpu")(torch.ones(2))
