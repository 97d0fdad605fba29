"""Makes perfgate importable in an interpreter that does not have it, then measures kernels there.

Run by its path, as ``python -P start.py ARGUMENT…``, with the arguments of :mod:`.__main__`. Only
the package itself becomes importable: a folder on PYTHONPATH would bring along whatever is
installed beside perfgate. Standard library alone, and no syntax that a Python too old to run the
rest would stumble over.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[2]
_OLDEST = (3, 11)
_CONFIGURATION = 2


def main() -> int:
    """The exit status of what was measured."""
    if sys.version_info < _OLDEST:
        here = ".".join(str(part) for part in sys.version_info[:3])
        print("perfgate measures kernels with Python 3.11 or later, and this is " + here)  # noqa: T201
        return _CONFIGURATION
    _make_importable()
    from perfgate.workloads.kernels.__main__ import main as measure  # noqa: PLC0415 - importable now

    return measure(sys.argv[1:])


def _make_importable() -> None:
    """Put this perfgate in the place of any that is installed here."""
    spec = importlib.util.spec_from_file_location(
        "perfgate", _PACKAGE / "__init__.py", submodule_search_locations=[str(_PACKAGE)]
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"{_PACKAGE} holds no package")
    package = importlib.util.module_from_spec(spec)
    sys.modules["perfgate"] = package
    spec.loader.exec_module(package)


if __name__ == "__main__":
    sys.exit(main())
