"""What a tensor is told by: exact moments, a sketch, and a hash of its values."""

from __future__ import annotations

import math

import pytest
import torch

from perfgate.errors import BenchmarkError
from perfgate.profile.sketch import COUNTERS
from perfgate.workloads.diffusion.output import sha256, summary


def test_summary__is_exact_on_known_values():
    row = summary("x", torch.tensor([[3.0, 5.0], [3.0, 5.0]]), span=1.0)
    assert len(row.pop("sketch")) == COUNTERS
    assert row == {
        "name": "x",
        "shape": [2, 2],
        "mean": 4.0,
        "deviation": 1.0,
        "norm": math.sqrt(68),
        "span": 1.0,
    }


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16, torch.float64])
def test_summary__of_every_type_is_that_of_its_values(kind):
    values = torch.tensor([0.5, -1.25, 3.0])
    assert summary("x", values.to(kind)) == summary("x", values)


def test_summary__reads_values_and_not_memory_layout():
    values = torch.arange(6.0).reshape(2, 3)
    assert summary("x", values) == summary("x", values.t().contiguous().t())


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_summary__refuses_what_is_not_finite(value):
    with pytest.raises(BenchmarkError, match=r"the frames .* is no result: .*finite"):
        summary("frames", torch.tensor([1.0, value]))


def test_sha256__reads_values_and_not_memory_layout():
    x = torch.arange(6.0).reshape(2, 3)
    assert sha256(x) == sha256(x.t().contiguous().t())
    assert sha256(x) != sha256(x + 1e-6)
