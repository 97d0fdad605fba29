"""Which kernels there are: perfgate's own, and those in files of a user's repository.

A user's file is Python that leaves its kernels in ``KERNELS``, a tuple of
:class:`perfgate.workloads.kernels.kernel.Kernel`. It is run as it stands: by whoever measures it,
in the process that measures.
"""

from __future__ import annotations

import importlib.util
import re
import sys
import traceback
from collections import Counter
from pathlib import Path
from types import ModuleType

from perfgate.errors import ConfigurationError
from perfgate.workloads.kernels.adaln_norm import ADALN_NORM
from perfgate.workloads.kernels.attention import ATTENTION
from perfgate.workloads.kernels.causal_conv1d.kernels import KERNELS as CAUSAL_CONV1D
from perfgate.workloads.kernels.kernel import Kernel

BUILT_IN: dict[str, Kernel] = {
    kernel.name: kernel for kernel in (*CAUSAL_CONV1D, ATTENTION, ADALN_NORM)
}

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,80}")
_MOST_TOLD_CHARS = 300
_FIX = "perfgate's docs/extending.md has a file to imitate; the others are measured."


def load_kernels(path: Path) -> tuple[Kernel, ...]:
    """The kernels that a file leaves in ``KERNELS``.

    Raises ConfigurationError, naming the file, if it cannot be run or holds no kernels.
    """
    module = _run(path)
    found = getattr(module, "KERNELS", None)
    if not isinstance(found, tuple | list) or not found:
        raise ConfigurationError(f"{path} has no KERNELS, or none in it", fix=_FIX)
    wrong = [type(one).__name__ for one in found if not isinstance(one, Kernel)]
    if wrong:
        raise ConfigurationError(f"{path}: KERNELS holds {wrong[0]}, which is no Kernel", fix=_FIX)
    kernels: tuple[Kernel, ...] = tuple(found)
    problems = [problem for kernel in kernels for problem in _problems(kernel)]
    counts = Counter(kernel.name for kernel in kernels)
    problems += [f"{name!r} is there {count} times" for name, count in counts.items() if count > 1]
    if problems:
        raise ConfigurationError(f"{path}: {'; '.join(problems)}"[:_MOST_TOLD_CHARS], fix=_FIX)
    return kernels


def _run(path: Path) -> ModuleType:
    name = f"perfgate_kernels_of_{re.sub(r'[^0-9A-Za-z]', '_', path.stem)}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ConfigurationError(f"{path} is no Python file", fix=_FIX)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # what the file defines is looked up there: triton's kernels are
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise ConfigurationError(f"{path} {_told(error, path)}", fix=_FIX) from error
    return module


def _told(error: BaseException, path: Path) -> str:
    """What an import raised, and in which line of the file."""
    if isinstance(error, FileNotFoundError) and error.filename == str(path):
        return "is not there"
    said = f"{type(error).__name__}: {' '.join(str(error).split())}"[:_MOST_TOLD_CHARS]
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename == str(path)
    ]
    return f"does not import: {said}" + (f" (line {lines[-1]})" if lines else "")


def _problems(kernel: Kernel) -> list[str]:
    problems = []
    if not isinstance(kernel.name, str) or not _NAME.fullmatch(kernel.name):
        problems.append(f"name {kernel.name!r} is not letters, digits, dots, - and _, 1 to 80")
    elif kernel.name in BUILT_IN:
        problems.append(f"name {kernel.name!r} is one of perfgate's own")
    if not kernel.shapes:
        problems.append(f"{kernel.name!r} has no shapes")
    problems += [
        f"{kernel.name!r} has no tolerance for {shape.dtype}"
        for shape in kernel.shapes
        if shape.dtype not in kernel.tolerances
    ]
    counts = Counter(variant.name for variant in (kernel.reference, *kernel.variants))
    problems += [
        f"{kernel.name!r} has {count} variants called {name!r}"
        for name, count in counts.items()
        if count > 1
    ]
    return problems
