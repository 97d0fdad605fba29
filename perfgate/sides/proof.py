"""Proof that each side runs its own tree: which file every named module comes from.

A package that is installed once and found by both sides would be measured twice and called equal.
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from perfgate.errors import ConfigurationError
from perfgate.process import Finished
from perfgate.sides.checkout import Checkout

_PROBE = """
import importlib.util, json, sys
here = sys.argv[1] == "here"
sys.path = [p for p in sys.path if p] if not here else ["", *[p for p in sys.path if p]]
found = {}
for name in sys.argv[2:]:
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        spec = None
    places = [] if spec is None else [spec.origin, *(spec.submodule_search_locations or [])]
    found[name] = next((p for p in places if p and p != "namespace"), None)
print("perfgate-proof:" + json.dumps(found))
"""
_PROBE_TIMEOUT_S = 60
_OWN_INSTALL = "Give each side its own install: `setup: pip install -e .` in the suite."


def own_package(tree: Path) -> str | None:
    """The import name of the project in ``tree``, where its pyproject.toml and folders agree."""
    for folder in (tree, tree / "python"):
        try:
            with (folder / "pyproject.toml").open("rb") as stream:
                name = tomllib.load(stream).get("project", {}).get("name")
        except (OSError, tomllib.TOMLDecodeError, AttributeError):
            continue
        package = re.sub(r"[-.]+", "_", name).lower() if isinstance(name, str) else ""
        if package.isidentifier() and any(
            (place / package / "__init__.py").is_file() for place in (folder, folder / "src")
        ):
            return package
    return None


def prove_sides(
    base: Checkout,
    head: Checkout,
    *,
    imports: Sequence[str],
    run: Callable[..., Finished],
) -> dict[str, dict[str, str]]:
    """Where each side finds each module: ``{module: {side: file}}``.

    ``imports`` are the suite's; each must be found, below that side's tree or environment. Without
    them the project's own package is looked at: if both sides find it installed at one place,
    neither would run its own tree. Raises ConfigurationError.
    """
    if imports:
        found = {c.side: _found(c, imports, from_tree=True, run=run) for c in (base, head)}
    else:
        package = own_package(head.path)
        if package is None:
            return {}
        found = {c.side: _found(c, [package], from_tree=False, run=run) for c in (base, head)}
    proof: dict[str, dict[str, str]] = {}
    for name in found[base.side]:
        at_base, at_head = found[base.side][name], found[head.side][name]
        if not imports and at_base is None and at_head is None:
            continue
        if at_base is None or at_head is None:
            side = base if at_base is None else head
            raise ConfigurationError(
                f"{side.side.value} cannot import {name}",
                fix="Correct `imports:` in the suite, or install it in `setup:` (pip install -e .)",
            )
        if os.path.realpath(at_base) == os.path.realpath(at_head):
            raise ConfigurationError(
                f"base and head both import {name} from {at_base}: a tree would be compared with "
                "itself",
                fix=_OWN_INSTALL,
            )
        for side, place in ((base, at_base), (head, at_head)):
            _must_be_its_own(side, name, place)
        proof[name] = {"base": at_base, "head": at_head}
    return proof


def _must_be_its_own(checkout: Checkout, name: str, place: str) -> None:
    """A side's module lies below its tree or its own environment, nowhere else."""
    own = [checkout.path, *([Path(env)] if (env := checkout.env.get("VIRTUAL_ENV")) else [])]
    if not any(Path(os.path.realpath(place)).is_relative_to(os.path.realpath(o)) for o in own):
        raise ConfigurationError(
            f"{checkout.side.value} imports {name} from {place}, which is not its own tree "
            f"{checkout.path}",
            fix=_OWN_INSTALL,
        )


def _found(
    checkout: Checkout,
    names: Sequence[str],
    *,
    from_tree: bool,
    run: Callable[..., Finished],
) -> Mapping[str, str | None]:
    where = "here" if from_tree else "installed"
    command = (str(checkout.python), "-c", _PROBE, where, *names)
    done = run(command, cwd=checkout.path, env=checkout.env, timeout_s=_PROBE_TIMEOUT_S)
    answer = re.search(r"^perfgate-proof:(\{.*\})$", done.log_tail, flags=re.MULTILINE)
    if not done.ok or answer is None:
        raise ConfigurationError(
            f"{checkout.side.value} cannot say what it imports: its Python "
            f"{done.told(timeout_s=_PROBE_TIMEOUT_S)}\n{done.log_tail}",
            fix="Run `python3 -c 'import sys'` in that environment; `setup:` may have broken it.",
        )
    found: Mapping[str, str | None] = json.loads(answer[1])
    return found
