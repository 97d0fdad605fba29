"""Runs a workflow with act, in the container engine of these tests. No tests."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent

from tests.e2e import machine
from tests.e2e.containers import BASE, Containers
from tests.fakes.github_server import FakeGitHub

ACT = Path(sys.executable).parent / "act"
_STUB = dedent(
    """\
    name: stub
    description: What stands in for an action in JavaScript.
    inputs:
      name: {description: x, default: github-pages}
      path: {description: x}
      if-no-files-found: {description: x}
    runs:
      using: composite
      steps:
        - shell: bash
          env:
            NAME: ${{ inputs.name }}
            FOLDER: ${{ inputs.path }}
          run: %s
    """
)


def artifact_stub(run: str) -> str:
    """An ``action.yml`` in place of artifacts' own, which act would have to fetch.

    ``run`` is a line of bash with ``NAME`` and ``FOLDER``.
    """
    return _STUB % run


@dataclass(kw_only=True, repr=False)
class WorkflowRun:
    """What act told: results by step id, outputs by step id, job results, and all its lines."""

    exit_code: int
    steps: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)
    jobs: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def __repr__(self) -> str:
        return f"exit code {self.exit_code}\n" + "\n".join(self.lines[-80:])


def run_workflow(
    containers: Containers,
    docker_host: str,
    project: Path,
    *,
    workflow: str,
    event: Path,
    github: FakeGitHub,
    token: str,
    bind: bool = False,
    event_name: str = "pull_request",
    run_id: int = 1,
    actions: Mapping[str, Path] | None = None,
) -> WorkflowRun:
    """Run the workflow file for an event; its name must be used by no other run.

    ``actions`` are folders that stand for actions of other repositories.
    """
    home = containers.scratch / "act-home"
    home.mkdir(exist_ok=True)
    return _run(
        *(f"--platform=ubuntu-latest={BASE}", "--pull=false", "--rm"),
        *(["--bind"] if bind else []),
        *(f"--local-repository={name}={path}" for name, path in (actions or {}).items()),
        *_of_the_event(workflow, event, github=github, token=token, name=event_name, run_id=run_id),
        project=project,
        env={"PATH": os.environ["PATH"], "HOME": str(home), "DOCKER_HOST": docker_host},
    )


def run_on_host(
    home: Path,
    project: Path,
    *,
    workflow: str,
    event: Path,
    github: FakeGitHub,
    token: str,
    event_name: str = "pull_request",
    run_id: int = 1,
    actions: Mapping[str, Path] | None = None,
    variables: Mapping[str, str] | None = None,
) -> WorkflowRun:
    """Run the workflow file on this machine itself; for composite actions, which need no engine.

    act gives each step of such an action INPUT_* of its own accord, as no runner does.
    ``variables`` are set for every step.
    """
    return _run(
        "--platform=ubuntu-latest=-self-hosted",
        *(f"--local-repository={name}={path}" for name, path in (actions or {}).items()),
        *(f"--env={name}={value}" for name, value in (variables or {}).items()),
        *_of_the_event(workflow, event, github=github, token=token, name=event_name, run_id=run_id),
        project=project,
        env={**os.environ, "HOME": str(home)},
    )


def _of_the_event(
    workflow: str, event: Path, *, github: FakeGitHub, token: str, name: str, run_id: int
) -> tuple[str, ...]:
    return (
        name,
        f"--workflows={workflow}",
        f"--eventpath={event}",
        "--json",
        f"--env=GITHUB_API_URL={github.url}",
        # act gives every run the same one, which would be one visit to a runner.
        f"--env=GITHUB_RUN_ID={run_id}",
        f"--secret=GITHUB_TOKEN={token}",
    )


def _run(*arguments: str, project: Path, env: Mapping[str, str]) -> WorkflowRun:
    done = machine.run(ACT, *arguments, cwd=project, env=env, check=False, timeout_s=900)
    return _read(done.returncode, done.stdout + done.stderr)


def _read(exit_code: int, text: str) -> WorkflowRun:
    run = WorkflowRun(exit_code=exit_code)
    for line in text.splitlines():
        try:
            told = json.loads(line)
        except ValueError:
            told = {"msg": line}
        run.lines.append(str(told.get("msg", "")).rstrip())
        step = (told.get("stepID") or [""])[-1]
        if told.get("command") == "set-output":
            run.outputs.setdefault(step, {})[told["name"]] = told["arg"]
        if "stepResult" in told and told.get("stage") == "Main":
            run.steps[step] = told["stepResult"]
        if "jobResult" in told:
            run.jobs.append(told["jobResult"])
    return run
