"""The texts of a project's two workflows, short calls of perfgate's own; does no I/O.

They are two because a job that runs a stranger's code gets a token that only reads: what such a
job leaves is published by the second, which runs none of that code.
"""

from __future__ import annotations

import json
from typing import Final

import yaml

from perfgate.app.starting.scalar import scalar

GATE: Final = ".github/workflows/perfgate.yml"
NAME: Final = "perfgate"
PUBLISH: Final = ".github/workflows/perfgate-publish.yml"

_GATE: Final = """\
# Measures each pull request against its own base on one machine, and says so in a comment.
name: perfgate
on: pull_request
permissions: {}                # each job says for itself what it needs
concurrency:                   # a newer push ends the older run
  group: perfgate-${{ github.event.pull_request.number }}
  cancel-in-progress: true
jobs:
  gate:
    permissions:
      contents: read           # checkout
      pull-requests: write     # the comment; of a fork's the other workflow writes it
      checks: write            # the check run perfgate/<suite>
    uses: REPOSITORY/.github/workflows/gate.yml@v1
    with:
      suite: SUITE
"""
_ON_THE_CPU: Final = """\
      # Your own runner, by its labels, as JSON; `host: true` measures on it without Docker:
      # runner: '["self-hosted", "gpu"]'
      # host: true
"""
_ON_A_DEVICE: Final = """\
      runner: '["self-hosted"]' # the labels of the runner that has the device, as JSON
      host: true               # where the device is: a Docker action would not see it
      DEVICE
"""
_PUBLISH: Final = """\
# Publishes what perfgate measured for pull requests from forks: comment and check. Nothing of a
# pull request is checked out or run here.
name: perfgate publish
on:
  workflow_run:
    workflows: [NAME]      # the name of the other workflow
    types: [completed]
permissions: {}                # each job says for itself what it needs
jobs:
  publish:
    permissions:
      actions: read            # the finished run's artifacts
      contents: read           # the base's suite, baselines and permissions, through the API
      pull-requests: write     # the comment
      checks: write            # the check run perfgate/<suite>
    uses: REPOSITORY/.github/workflows/publish.yml@v1
    with:
      suite: SUITE
"""


def gate_workflow(*, repository: str, suite: str, on_device: bool, device: str = "cpu") -> str:
    """The workflow that measures, on GitHub's runner or, for a GPU or NPU, on one of one's own.

    ``device`` is this machine's: what it has, the runner is asked for.
    """
    if not on_device:
        return _filled(_GATE + _ON_THE_CPU, repository, suite)
    asked = (
        f"# {'device: cuda':<22} # or npu: fails where the runner shows none"
        if device == "cpu"
        else f"{'device: ' + device:<24} # fails where the runner shows none"
    )
    return _filled(_GATE + _ON_A_DEVICE.replace("DEVICE", asked), repository, suite)


def publish_workflow(*, repository: str, suite: str, gate: str = NAME) -> str:
    """The workflow that publishes what a fork's run left; ``gate`` is the other one's name."""
    name = gate if gate == NAME else json.dumps(gate, ensure_ascii=False)
    return _filled(_PUBLISH, repository, suite).replace("[NAME]", f"[{name}]")


def name_of(gate: str) -> str:
    """What a workflow that stands in the place of the first is called: its path without a name."""
    try:
        told = yaml.safe_load(gate)
    except (yaml.YAMLError, ValueError, RecursionError):
        return NAME
    said = told.get("name", GATE) if isinstance(told, dict) else None
    return said if isinstance(said, str) and said else NAME


def _filled(text: str, repository: str, suite: str) -> str:
    return text.replace("REPOSITORY", repository).replace("SUITE", scalar(suite))
