"""Runs a composite action's steps as a runner does, with what its YAML says and no more. No tests.

A runner gives composite steps no INPUT_*; only the expressions that these files use are known here,
so that a new one fails a test instead of reading as nothing.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

_EXPRESSION = re.compile(r"\$\{\{ (.*?) \}\}")
_CONDITION = re.compile(r"(always\(\) && )?(steps\.\S+) != ''")


@dataclass(frozen=True, kw_only=True)
class StepRun:
    """One step that ran: what it was given, printed and ended with."""

    name: str
    environ: Mapping[str, str]
    exit_code: int
    printed: str
    outputs: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class ActionRun:
    """The steps that ran, by id, and the action's outputs."""

    steps: dict[str, StepRun] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        return next((step.exit_code for step in self.steps.values() if step.exit_code), 0)

    @property
    def printed(self) -> str:
        return "".join(step.printed for step in self.steps.values())


@dataclass(kw_only=True)
class Composite:
    """An action folder with the environment that its runner gives to every step."""

    folder: Path
    environ: Mapping[str, str]
    scratch: Path
    token: str = ""

    def run(self, **inputs: str) -> ActionRun:
        """Every step in turn; an input is written with ``_`` for its hyphens."""
        action = yaml.safe_load((self.folder / "action.yml").read_text(encoding="utf-8"))
        known = {name: about["default"] for name, about in action.get("inputs", {}).items()}
        given = {name.replace("_", "-"): value for name, value in inputs.items()}
        assert given.keys() <= known.keys()
        values = {f"inputs.{name}": value for name, value in {**known, **given}.items()}
        values["github.token"] = self.token
        values = {name: _filled(value, values) for name, value in values.items()}
        run, failed = ActionRun(), False
        for step in action["runs"]["steps"]:
            if _is_due(step.get("if"), values, failed=failed):
                done = self._step(step, values)
                run.steps[step["id"]] = done
                values |= {f"steps.{step['id']}.outputs.{k}": v for k, v in done.outputs.items()}
                failed = failed or done.exit_code != 0
        for name, about in action["outputs"].items():
            run.outputs[name] = _filled(about["value"], values)
        return run

    def start(self, step: Mapping[str, Any], values: Mapping[str, str]) -> subprocess.Popen[str]:
        """Start one step; its GITHUB_OUTPUT is ``<id>.output`` below the scratch folder."""
        assert step["shell"] == "bash"
        assert not _EXPRESSION.search(step["run"])
        script = self.scratch / f"{step['id']}.sh"
        script.write_text(step["run"], encoding="utf-8")
        (self.scratch / f"{step['id']}.output").write_text("")
        return subprocess.Popen(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", str(script)],
            cwd=self.environ["GITHUB_WORKSPACE"],
            env=self.environ_of(step, values),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def environ_of(self, step: Mapping[str, Any], values: Mapping[str, str]) -> dict[str, str]:
        """What the runner gives to every step, and what the step's YAML adds."""
        assert not [name for name in self.environ if name.startswith("INPUT_")]
        own = {name: _filled(value, values) for name, value in step.get("env", {}).items()}
        files = {
            "GITHUB_OUTPUT": str(self.scratch / f"{step['id']}.output"),
            "GITHUB_STEP_SUMMARY": str(self.scratch / f"{step['id']}.summary"),
            "GITHUB_ENV": str(self.scratch / f"{step['id']}.env"),
            "GITHUB_ACTION_PATH": str(self.folder),
        }
        return {**self.environ, **files, **own}

    def _step(self, step: Mapping[str, Any], values: Mapping[str, str]) -> StepRun:
        with self.start(step, values) as process:
            printed, _ = process.communicate(timeout=600)
        return StepRun(
            name=step["name"],
            environ=self.environ_of(step, values),
            exit_code=process.returncode,
            printed=printed,
            outputs=read_outputs(self.scratch / f"{step['id']}.output"),
        )


def read_outputs(path: Path) -> dict[str, str]:
    """A GITHUB_OUTPUT file as the runner reads it: ``name=value``, or a value up to a delimiter."""
    found, lines = {}, iter(path.read_text(encoding="utf-8").splitlines())
    for line in lines:
        name, sign, rest = re.fullmatch(r"([^=<]+)(=|<<)(.*)", line).groups()
        found[name] = rest if sign == "=" else "\n".join(iter(lines.__next__, rest))
    return found


def _filled(text: str, values: Mapping[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        name = match[1]
        # What a step did not tell is empty to a runner; any other unknown name is a mistake.
        return values.get(name, "") if name.startswith("steps.") else values[name]

    return _EXPRESSION.sub(value, text)


def _is_due(condition: str | None, values: Mapping[str, str], *, failed: bool) -> bool:
    if condition is None:
        return not failed
    always, name = _CONDITION.fullmatch(condition).groups()
    return (bool(always) or not failed) and values.get(name, "") != ""
