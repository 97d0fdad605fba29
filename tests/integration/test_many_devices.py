"""A case on several devices as a real torchrun: two processes, and one report from rank 0."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from perfgate import process
from perfgate.backends.backend import SideContext
from perfgate.backends.command import CommandBackend
from perfgate.backends.launch import LaunchPlace, launch
from perfgate.records import Side
from perfgate.suite import Case
from tests.repositories import environment

pytestmark = pytest.mark.slow

BENCH = """\
import json, os, time
import torch
import torch.distributed as distributed

distributed.init_process_group("gloo")
began = time.perf_counter()
ones = torch.ones(1)
distributed.all_reduce(ones)
ms = (time.perf_counter() - began) * 1e3
if distributed.get_rank() == 0:
    stages = [{"name": f"AllReduceOf{int(ones)}", "duration_ms": ms}]
    with open(os.environ["PERFGATE_REPORT"], "w") as stream:
        json.dump({"total_duration_ms": ms, "steps": stages}, stream)
distributed.destroy_process_group()
"""


def test_a_command_starts_its_own_launcher(tmp_path: Path) -> None:
    tree, scratch = tmp_path / "a tree", tmp_path / "scratch"
    tree.mkdir()
    scratch.mkdir()
    (tree / "bench.py").write_text(BENCH, encoding="utf-8")
    run = "-m torch.distributed.run --standalone --nproc-per-node"
    made = launch(
        Case(
            id="wan",
            backend="command",
            command=f'"$PERFGATE_PYTHON" {run} "$PERFGATE_DEVICES" bench.py',
            devices=2,
            requests=1,
        ),
        backend=CommandBackend(),
        context=SideContext(
            path=tree,
            python=Path(sys.executable),
            env=environment(PERFGATE_PYTHON=sys.executable),
        ),
        place=LaunchPlace(side=Side.HEAD, pair=0, order=0, started_at="2026-11-20", timeout_s=240),
        scratch=scratch,
        run=process.run,
    )
    assert made.ok, made.log_tail
    assert [stage.name for stage in made.reports[0].stages] == ["AllReduceOf2"]
