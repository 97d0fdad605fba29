"""The workflows that `perfgate init` writes, held against the reusable ones that they call."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from perfgate.app.starting.workflows import GATE, PUBLISH, gate_workflow, publish_workflow
from tests.unit.test_imports import ROOT

SUITE = "benchmarks/my suite.yml"
WRITTEN = {
    "gate": gate_workflow(repository="acme/perfgate", suite=SUITE, on_device=False),
    "gate on some device": gate_workflow(repository="acme/perfgate", suite=SUITE, on_device=True),
    "gate on a GPU": gate_workflow(
        repository="acme/perfgate", suite=SUITE, on_device=True, device="cuda"
    ),
    "publish": publish_workflow(repository="acme/perfgate", suite=SUITE),
}


def parsed(text: str) -> dict[str, Any]:
    # YAML 1.1 reads the key `on` as true; GitHub does not.
    found: dict[str, Any] = yaml.safe_load(text.replace("\non:", "\n'on':"))
    return found


def called(job: dict[str, Any]) -> dict[str, Any]:
    """The reusable workflow that a job calls, as it is in this repository."""
    path, _, version = job["uses"].removeprefix("acme/perfgate/").partition("@")
    assert version == "v1"
    return parsed((ROOT / path).read_text(encoding="utf-8"))


def jobs(text: str) -> list[dict[str, Any]]:
    return list(parsed(text)["jobs"].values())


@pytest.mark.parametrize("text", WRITTEN.values(), ids=WRITTEN)
class TestEach:
    def test_grants_nothing_at_the_top(self, text: str) -> None:
        assert parsed(text)["permissions"] == {}

    def test_passes_inputs_that_exist(self, text: str) -> None:
        for job in jobs(text):
            known = called(job)["on"]["workflow_call"]["inputs"]
            assert set(job["with"]) <= set(known)
            assert job["with"]["suite"] == SUITE

    def test_grants_what_the_called_jobs_take_and_no_more(self, text: str) -> None:
        for job in jobs(text):
            taken: dict[str, str] = {}
            for one in called(job)["jobs"].values():
                taken |= one["permissions"]
            assert job["permissions"] == taken

    def test_says_why_of_every_permission(self, text: str) -> None:
        lines = [
            line for line in text.splitlines() if line.rstrip().endswith((": read", ": write"))
        ]
        assert lines == []


@pytest.mark.parametrize(
    ("name", "asked"), [("gate", None), ("gate on some device", None), ("gate on a GPU", "cuda")]
)
def test_a_runner_without_this_machine_s_device_fails(name: str, asked: str | None) -> None:
    (job,) = jobs(WRITTEN[name])
    assert job["with"].get("device") == asked


def test_the_second_waits_for_the_first() -> None:
    assert parsed(WRITTEN["publish"])["on"]["workflow_run"]["workflows"] == [
        parsed(WRITTEN["gate"])["name"]
    ]


def test_runs_of_one_pull_request_follow_each_other() -> None:
    assert "pull_request.number" in parsed(WRITTEN["gate"])["concurrency"]["group"]


def test_what_is_commented_out_is_an_input_too() -> None:
    text = WRITTEN["gate"].replace("      # runner", "      runner").replace("# host", "host")
    (job,) = jobs(text)
    known = called(job)["on"]["workflow_call"]["inputs"]
    assert {"runner", "host"} <= set(job["with"]) <= set(known)


@pytest.mark.parametrize("path", [GATE, PUBLISH])
def test_both_lie_where_github_looks(path: str) -> None:
    assert Path(path).parent == Path(".github/workflows")
