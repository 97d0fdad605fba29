"""Reads what a released framework accepts out of its wheel's source; imports nothing of it."""

from __future__ import annotations

import argparse
import ast
import json
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

_TYPES = {"int": int, "float": float, "str": str, "bool": bool, "json.loads": json.loads}


class Release:
    """The sources in one wheel."""

    def __init__(self, wheel: Path) -> None:
        self._archive = zipfile.ZipFile(wheel)

    def names(self) -> list[str]:
        """The paths of its files."""
        return self._archive.namelist()

    @cache  # noqa: B019 - one a test session
    def text(self, path: str) -> str:
        return self._archive.read(path).decode("utf-8")

    @cache  # noqa: B019
    def tree(self, path: str) -> ast.Module:
        return ast.parse(self.text(path))

    def scripts(self) -> set[str]:
        """The commands that it installs."""
        (path,) = (name for name in self.names() if name.endswith("entry_points.txt"))
        section, found = "", set()
        for line in self.text(path).splitlines():
            section = line if line.startswith("[") else section
            if section == "[console_scripts]" and "=" in line:
                found.add(line.partition("=")[0].strip())
        return found

    def fields(self, path: str, name: str) -> set[str]:
        """The fields of a class, or the parameters of a function."""
        for node in ast.walk(self.tree(path)):
            if isinstance(node, ast.ClassDef) and node.name == name:
                return {
                    one.target.id
                    for one in node.body
                    if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name)
                }
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name:
                return {one.arg for one in (*node.args.args, *node.args.kwonlyargs)}
        raise LookupError(f"{path} has no {name}")

    def parser(self, paths: Iterable[str]) -> argparse.ArgumentParser:
        """A parser of every option that the sources add, with its type, number and choices."""
        made = argparse.ArgumentParser(exit_on_error=False, allow_abbrev=False)
        known: set[str] = set()
        for path in paths:
            choices = _choices(self.tree(path))
            for call in _added(self.tree(path)):
                flags = [one.value for one in call.args if isinstance(one, ast.Constant)]
                flags = [flag for flag in flags if flag.startswith("-") and flag not in known]
                if flags and flags != ["-h"]:
                    known |= set(flags)
                    made.add_argument(*flags, **_keywords(call, choices))
        return made


def download(requirement: str, folder: Path) -> Release:
    """The wheel of a release, from wherever pip gets its packages; else the test skips."""
    command = (
        *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-cache-dir"),
        *("--only-binary=:all:", "--python-version=3.11", "--platform=manylinux_2_34_x86_64"),
        *("--platform=any", "--dest", str(folder), requirement),
    )
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["pip said nothing"])[-1]
        pytest.skip(f"the wheel of {requirement} cannot be had here: {last[:200]}")
    (wheel,) = folder.glob("*.whl")
    return Release(wheel)


def _added(tree: ast.Module) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = node.func
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            if name == "add_argument":
                yield node


def _keywords(call: ast.Call, choices: dict[str, list[Any]]) -> dict[str, Any]:
    said = {one.arg: one.value for one in call.keywords}
    action = ast.unparse(said["action"]) if "action" in said else ""
    if action == "StoreBoolean":
        # Its own action: true, false, or nothing, which is true.
        return {"nargs": "?", "const": True, "type": _boolean}
    if action in ("'store_true'", "'store_false'", "argparse.BooleanOptionalAction"):
        return {"action": "store_true"}
    made: dict[str, Any] = (
        {"type": _TYPES.get(ast.unparse(said["type"]), str)} if "type" in said else {}
    )
    if "nargs" in said and isinstance(said["nargs"], ast.Constant):
        made["nargs"] = said["nargs"].value
    if "choices" in said:
        text = ast.unparse(said["choices"])
        found = choices.get(text.removeprefix("list(").removesuffix(")").removesuffix(".choices("))
        if isinstance(said["choices"], ast.List):
            found = [one.value for one in said["choices"].elts if isinstance(one, ast.Constant)]
        if found:
            made["choices"] = found
    return made


def _choices(tree: ast.Module) -> dict[str, list[Any]]:
    """Constants of a module that are lists, and the values of its enumerations, by name."""
    found: dict[str, list[Any]] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple | ast.List):
            values = [one.value for one in node.value.elts if isinstance(one, ast.Constant)]
            found |= {one.id: values for one in node.targets if isinstance(one, ast.Name)}
        if isinstance(node, ast.ClassDef):
            found[node.name] = [
                one.value.value
                for one in node.body
                if isinstance(one, ast.Assign) and isinstance(one.value, ast.Constant)
            ]
    return {name: values for name, values in found.items() if values}


def _boolean(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(text)
    return text.lower() == "true"
