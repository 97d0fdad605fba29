"""Compiles the stand-in device once a machine, and makes the environment that holds it."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from filelock import FileLock

ROOT = Path(__file__).parents[3]
SOURCE = Path(__file__).with_name("npu.cpp")
COMPILER = shutil.which("c++") or shutil.which("g++") or shutil.which("clang++")

_FLAGS = ("-shared", "-fPIC", "-O1", "-std=c++20")
_ENTRY_POINT = "[torch.backends]\nfake_npu = tests.fakes.npu.entry:register\n"


def library() -> Path:
    """The compiled device; about ten seconds the first time, then from the user's cache."""
    text = "\0".join((SOURCE.read_text(), *_FLAGS, metadata.version("torch"), str(COMPILER)))
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "perfgate-tests"
    built = cache / f"npu-{hashlib.sha256(text.encode()).hexdigest()[:16]}.so"
    cache.mkdir(parents=True, exist_ok=True)
    with FileLock(built.with_suffix(".lock")):
        if not built.exists():
            unfinished = built.with_suffix(".unfinished")
            _compile(unfinished)
            unfinished.replace(built)
    return built


def _compile(target: Path) -> None:
    spec = find_spec("torch")
    assert COMPILER, "needs a C++ compiler"
    assert spec, "needs torch"
    torch = Path(str(spec.origin)).parent
    include = torch / "include"
    command = [
        *(COMPILER, *_FLAGS, str(SOURCE), "-o", str(target)),
        *("-isystem", str(include), "-isystem", str(include / "torch/csrc/api/include")),
        *(f"-L{torch / 'lib'}", "-ltorch_cpu", "-lc10"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def environment(
    folder: Path, *, counts: Path | None = None, memory_mb: int = 8192
) -> dict[str, str]:
    """This environment, with a device of ``memory_mb``; ``folder`` receives its entry point.

    When the program ends its kernels and synchronises are written to ``counts``.
    """
    package = folder / "fake_npu-1.0.dist-info"
    package.mkdir(parents=True, exist_ok=True)
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: fake_npu\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text(_ENTRY_POINT)
    return {
        **{name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        "PYTHONPATH": os.pathsep.join((str(ROOT), str(folder))),
        "TORCH_DEVICE_BACKEND_AUTOLOAD": "1",
        "FAKE_NPU_LIBRARY": str(library()),
        "FAKE_NPU_MEMORY_MB": str(memory_mb),
        **({"FAKE_NPU_COUNTS": str(counts)} if counts else {}),
    }


def python(*arguments: str, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run this interpreter with ``arguments`` in a process of its own."""
    return subprocess.run(
        [sys.executable, "-P", *arguments],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
