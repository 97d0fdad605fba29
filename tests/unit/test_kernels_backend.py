"""Cases of backend ``kernel``: what a suite may say, and the process that a launch starts."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from perfgate.backends.backend import CannotServeError, SideContext
from perfgate.backends.kernel import OWN_START, KernelBackend
from perfgate.backends.registry import BACKENDS
from perfgate.errors import ConfigurationError
from perfgate.suite import Case, parse_suite

BACKEND = KernelBackend()
ROOT = Path(__file__).parents[2]
KERNEL = {"name": "conv.slots", "variant": "native", "shape": "B16 D4096 L1 float32"}


def a_case(kernel=None, **keys):
    told = {"id": "conv", "backend": "kernel", "kernel": KERNEL | (kernel or {})}
    return Case.model_validate({**told, **keys})


def a_side(path, **rest):
    env = {"PATH": "/usr/bin", "OMP_NUM_THREADS": "7"}
    return replace(SideContext(path=path, python=Path("/side/bin/python"), env=env), **rest)


def invoked(case, side):
    return BACKEND.invocation(case, side, report=Path("/scratch/r.json"))


def told(case: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        parse_suite(f"version: 1\ncases:\n  - {{id: a, {case}}}\n", source="perfgate.yml")
    return str(caught.value)


def test_registry__has_it():
    assert isinstance(BACKENDS["kernel"], KernelBackend)


def test_invocation__the_sides_interpreter_runs_perfgates_own_starter(tmp_path):
    found = invoked(a_case(threads=2, env={"MODE": "fast"}), a_side(tmp_path, device="cuda"))
    assert found.command == (
        *("/side/bin/python", "-P", str(OWN_START), "launch"),
        *("--kernel", "conv.slots", "--variant", "native", "--shape", "B16 D4096 L1 float32"),
        *("--cache", "warm", "--device", "cuda", "--threads", "2", "--requests", "2"),
        *("--report", "/scratch/r.json"),
    )
    assert found.env == {
        "PATH": "/usr/bin",
        "MODE": "fast",
        "OMP_NUM_THREADS": "2",
        "MKL_NUM_THREADS": "2",
    }
    assert BACKEND.must_import(a_side(tmp_path)) == {}


def test_invocation__a_tree_of_perfgate_measures_its_own_kernels():
    command = invoked(a_case(), a_side(ROOT)).command
    start = ROOT / "perfgate" / "workloads" / "kernels" / "start.py"
    assert command[:3] == (sys.executable, "-P", str(start))
    assert BACKEND.must_import(a_side(ROOT)) == {"perfgate": ROOT}


def test_invocation__an_older_perfgate_is_never_replaced_by_the_newer_one(tmp_path):
    (tmp_path / "perfgate" / "workloads").mkdir(parents=True)
    with pytest.raises(ConfigurationError, match="older than kernel cases"):
        invoked(a_case(), a_side(tmp_path))


def test_invocation__each_side_runs_its_own_kernel_file(tmp_path):
    command = invoked(a_case({"file": "kernels/mine.py"}), a_side(tmp_path)).command
    assert command[command.index("--file") + 1] == str(tmp_path / "kernels" / "mine.py")


def test_invocation__a_kernel_file_that_leads_out_of_the_tree_is_refused(tmp_path):
    tree = tmp_path / "tree"
    tree.mkdir()
    (tmp_path / "other.py").touch()
    (tree / "mine.py").symlink_to(tmp_path / "other.py")
    with pytest.raises(ConfigurationError, match=r"mine\.py leads out of"):
        invoked(a_case({"file": "mine.py"}), a_side(tree))


def test_server__there_is_none(tmp_path):
    with pytest.raises(CannotServeError, match="launch: fresh"):
        BACKEND.server(a_case(), a_side(tmp_path))


@pytest.mark.parametrize(
    ("case", "why"),
    [
        ("backend: kernel", "backend kernel needs the key kernel"),
        ("backend: kernel, kernel: {name: a, variant: b}", "kernel.shape"),
        (
            "backend: command, command: ls, kernel: {name: a, variant: b, shape: c}",
            "takes no kernel",
        ),
        ("backend: kernel, kernel: {name: a, variant: b, shape: c}, preset: x", "takes no preset"),
        ("backend: kernel, kernel: {name: a, variant: b, shape: c}, outputs: [x]", "no outputs"),
        ("backend: kernel, kernel: {name: a, variant: b, shape: c}, devices: 2", "on one device"),
        ("backend: kernel, kernel: {name: a, variant: b, shape: c}, model: m", "takes no model"),
        (
            "backend: kernel, kernel: {name: a, variant: b, shape: c}, launch: resident",
            "launch: fresh",
        ),
        ("backend: kernel, kernel: {name: a, variant: b, shape: c, file: /x.py}", "below"),
        ("backend: kernel, kernel: {name: a, variant: b, shape: c, cache: hot}", "cold"),
    ],
)
def test_suite__mistakes_are_told(case, why):
    assert why in told(case)


def test_workload__all_that_is_computed_is_in_the_hash_and_other_backends_keep_theirs():
    plain = a_case()
    assert plain.workload()["kernel"] == {**KERNEL, "cache": "warm"}
    others = [{"shape": "B1 D4096 L1 float32"}, {"variant": "eager"}, {"cache": "cold"}]
    others += [{"file": "mine.py"}, {"name": "conv.circular"}]
    hashes = {a_case(other).workload_hash() for other in others}
    assert len({*hashes, plain.workload_hash()}) == len(others) + 1
    assert "kernel" not in Case(id="a", backend="command", command="ls").workload()
