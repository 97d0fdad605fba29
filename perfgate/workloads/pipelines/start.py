"""Makes perfgate importable in an interpreter that does not have it, then runs a launch.

Run by its path, as ``python -P start.py SPEC``. Only the package itself becomes importable: a
folder on PYTHONPATH would bring along whatever is installed beside perfgate. Standard library
alone, and no syntax that a Python too old to run the rest would stumble over.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[2]
_OLDEST = (3, 11)


def main() -> int:
    """The launch's exit status; 0 where the report holds a failure in place of times."""
    if sys.version_info < _OLDEST:
        _tell_too_old(sys.argv[1])
        return 0
    _make_importable()
    from perfgate.workloads.pipelines.runner import run  # noqa: PLC0415 - importable from here on

    return run(sys.argv[1])


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


def _tell_too_old(spec: str) -> None:
    here = ".".join(str(part) for part in sys.version_info[:3])
    text = f"the framework's Python is {here}, and perfgate times stages with 3.11 or later"
    failure = {"perfgate": {"failure": {"kind": "framework missing", "text": text}}}
    Path(json.loads(spec)["report"]).write_text(json.dumps(failure), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
