"""A compilation that fell back is seen, by torch's own errors and counters."""

from __future__ import annotations

import shutil

import pytest
import torch
from torch import nn
from torch._dynamo.exc import FailOnRecompileLimitHit, Unsupported
from torch._dynamo.utils import counters

from perfgate.workloads.pipelines.compiling import (
    check_compiled,
    check_not_compiled_again,
    compile_denoisers,
    compiler_failed,
    graphs,
)
from perfgate.workloads.pipelines.failing import NOT_COMPILED, LaunchError

# What torch's own compiler warns of while it is imported.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:torch")
needs_compiler = pytest.mark.skipif(
    shutil.which("g++") is None, reason="torch.compile needs a C++ compiler"
)


@pytest.fixture(autouse=True)
def fresh():
    """As in a new process."""
    torch._dynamo.reset()
    counters.clear()
    yield
    torch._dynamo.reset()
    counters.clear()


class Broken(nn.Module):
    def forward(self, value):
        torch._dynamo.graph_break()
        return value


class Grown(nn.Module):
    """Compiled anew at each call, as the number is part of what was compiled."""

    calls = 0

    def forward(self, value):
        self.calls += 1
        return value + self.calls


class Doubled(nn.Module):
    def forward(self, value):
        return value * 2


def called(module, *, times=1):
    compile_denoisers([module], None)
    for _ in range(times):
        module(torch.ones(4))


def test_compile__a_graph_that_breaks_is_the_compilers_error():
    with pytest.raises(Unsupported) as caught:
        called(Broken())
    assert compiler_failed(caught.value)


@needs_compiler
def test_compile__a_recompile_limit_is_the_compilers_error():
    limit = torch._dynamo.config.patch(recompile_limit=1, automatic_dynamic_shapes=False)
    with limit, pytest.raises(FailOnRecompileLimitHit) as caught:
        called(Grown(), times=9)
    assert compiler_failed(caught.value)


@needs_compiler
def test_compile__one_graph_and_no_other_afterwards():
    module = Doubled()
    called(module)
    check_compiled()
    before = graphs()
    module(torch.ones(4))
    check_not_compiled_again(before)
    assert before == 1
    with pytest.raises(LaunchError, match="compiled 1 more graphs during a measured request"):
        check_not_compiled_again(0)


def test_compile__of_nothing_is_told():
    with pytest.raises(LaunchError, match=r"torch\.compile made no graph") as caught:
        check_compiled()
    assert caught.value.kind == NOT_COMPILED


def test_compile__breaks_that_torch_counted_are_told_with_their_reason():
    counters["stats"]["unique_graphs"] = 2
    counters["graph_break"]["Tensor.item() in\n  forward"] = 3
    with pytest.raises(LaunchError, match=r"broke the graph 3 times: Tensor\.item\(\) in forward"):
        check_compiled()


def test_compile__of_what_torch_never_compiles_is_the_compilers_error():
    with pytest.raises(RuntimeError, match="found no compiled frames") as caught:
        called(nn.Identity())
    assert compiler_failed(caught.value)


@pytest.mark.parametrize("error", [RuntimeError("no"), ValueError("torch._dynamo")])
def test_compile__another_error_is_the_pipelines(error):
    assert not compiler_failed(error)
