"""Compiles a kernel's C++ source once a machine and loads it. Knows no kernel.

torch has a builder of its own, but that wants ninja and setuptools beside the compiler. Here a
compiler and Python's headers are enough, and where they are missing the variant is not available.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sysconfig
from dataclasses import dataclass
from importlib.machinery import ExtensionFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import torch
from filelock import FileLock

from perfgate.workloads.kernels.kernel import NotAvailable

_COMPILERS = ("c++", "g++", "clang++")
_FLAGS = ("-shared", "-fPIC", "-O3", "-std=c++20", "-fopenmp", "-fno-math-errno")
_VECTORS = {
    "AVX2": ("-mavx2", "-mfma", "-mf16c"),
    "AVX512": ("-mavx512f", "-mavx512dq", "-mavx512vl", "-mavx512bw", "-mfma", "-mf16c"),
}
"""Compiler flags for what torch found this CPU to have; elsewhere what the compiler assumes."""
_LIMIT_S = 600
_TOLD_LINES = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Toolchain:
    """What compiles, and where the results are kept."""

    compiler: str | None
    headers: Path
    """Python's."""
    cache: Path

    @classmethod
    def of_this_machine(cls) -> Toolchain:
        """``CXX`` or the first compiler on PATH, and the user's cache."""
        found = (shutil.which(name) for name in (os.environ.get("CXX", ""), *_COMPILERS) if name)
        cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        return cls(
            compiler=next((path for path in found if path), None),
            headers=Path(sysconfig.get_path("include")),
            cache=Path(cache) / "perfgate" / "kernels",
        )


def built(source: Path, toolchain: Toolchain | None = None) -> ModuleType:
    """The module of a C++ file, which names itself by the macro PERFGATE_MODULE.

    Half a minute the first time, nothing after: the cache goes by the file's content, the command
    and the versions of torch and Python. Raises NotAvailable where it cannot be compiled or loaded.
    """
    tools = toolchain or Toolchain.of_this_machine()
    if tools.compiler is None:
        raise NotAvailable("needs a C++ compiler, and there is none on PATH")
    if not (tools.headers / "Python.h").is_file():
        raise NotAvailable(f"needs Python's headers, and {tools.headers} has no Python.h")
    command = _command(tools.compiler, source, tools.headers)
    text = "\0".join((source.read_text(encoding="utf-8"), *command, *_versions()))
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    name = f"perfgate_{source.parent.name}_{source.stem}_{digest}"
    library = tools.cache / f"{name}.so"
    try:
        library.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(library.with_suffix(".lock")):
            if not library.exists():
                _compile((*command, f"-DPERFGATE_MODULE={name}"), library)
    except OSError as error:
        raise NotAvailable(f"cannot be compiled in {library.parent}: {error}") from error
    return _loaded(name, library)


def _command(compiler: str, source: Path, headers: Path) -> tuple[str, ...]:
    root = Path(torch.__file__).parent
    capability = torch.backends.cpu.get_cpu_capability()
    vectors = _VECTORS.get(capability, ())
    macros = {
        "_GLIBCXX_USE_CXX11_ABI": str(int(torch.compiled_with_cxx11_abi())),
        "CPU_CAPABILITY": capability if vectors else "DEFAULT",
        **({f"CPU_CAPABILITY_{capability}": "1"} if vectors else {}),
    }
    libraries = root / "lib"
    return (
        *(compiler, *_FLAGS, *vectors),
        *(f"-D{macro}={value}" for macro, value in macros.items()),
        *("-isystem", str(root / "include")),
        *("-isystem", str(root / "include" / "torch" / "csrc" / "api" / "include")),
        *("-isystem", str(headers)),
        str(source),
        *(f"-L{libraries}", f"-Wl,-rpath,{libraries}"),
        *("-ltorch", "-ltorch_cpu", "-ltorch_python", "-lc10"),
    )


def _versions() -> tuple[str, ...]:
    return torch.__version__, platform.python_version(), platform.machine()


def _compile(command: tuple[str, ...], library: Path) -> None:
    unfinished = library.with_suffix(".unfinished")
    try:
        done = subprocess.run(
            [*command, "-o", str(unfinished)],
            capture_output=True,
            text=True,
            check=False,
            timeout=_LIMIT_S,
        )
    except subprocess.TimeoutExpired:
        raise NotAvailable(f"was not compiled within {_LIMIT_S} seconds") from None
    if done.returncode != 0:
        said = [line for line in done.stderr.splitlines() if "error" in line] or [done.stderr]
        raise NotAvailable(f"does not compile: {' '.join(said[:_TOLD_LINES])[:300]}")
    unfinished.replace(library)


def _loaded(name: str, library: Path) -> ModuleType:
    loader = ExtensionFileLoader(name, str(library))
    spec = spec_from_file_location(name, library, loader=loader)
    assert spec is not None  # noqa: S101 - for the type alone: the loader is given
    try:
        module = module_from_spec(spec)
        loader.exec_module(module)
    except ImportError as error:
        raise NotAvailable(f"was compiled and does not load: {error}") from error
    return module
