"""The commands workflow to paste and the one to call, and the one that `rerun` starts."""

import pytest
import yaml

from perfgate.github.commands import MEANINGS, USAGE
from tests.commanding import INPUTS
from tests.documents import ROOT, blocks, page

PAGE = page("docs/commands.md")
TO_CALL = (ROOT / ".github" / "workflows" / "commands.yml").read_text(encoding="utf-8")


@pytest.fixture
def pasted():
    """The workflows on the page, by the name of their only job."""
    found = [yaml.safe_load(block) for block in blocks(PAGE, "yaml")]
    return {next(iter(block["jobs"])): block for block in found}


@pytest.fixture
def answer():
    (job,) = yaml.safe_load(TO_CALL)["jobs"].values()
    return job


def test_the_caller_grants_what_the_job_asks_for_and_no_more(pasted, answer):
    assert pasted["answer"]["jobs"]["answer"]["permissions"] == answer["permissions"]
    assert pasted["answer"]["permissions"] == yaml.safe_load(TO_CALL)["permissions"] == {}
    assert pasted["gate"]["permissions"] == {}


def test_the_caller_gives_the_defaults_of_what_there_is_to_give(pasted):
    call = pasted["answer"]["jobs"]["answer"]
    inputs = yaml.safe_load(TO_CALL)[True]["workflow_call"]["inputs"]
    assert call["uses"] == "OWNER/perfgate/.github/workflows/commands.yml@v1"
    assert call["with"] == {name: about["default"] for name, about in inputs.items()}


def test_only_new_comments_are_heard(pasted):
    assert pasted["answer"][True] == {"issue_comment": {"types": ["created"]}}


def test_nothing_is_checked_out_or_run_where_a_token_may_write(answer):
    (step,) = answer["steps"]
    assert step["uses"] == "$/publish"
    assert step["with"] == {"suite": "${{ inputs.suite }}"}


def test_two_answers_at_once_would_overwrite_each_other(answer):
    assert answer["concurrency"] == {
        "group": "perfgate-commands-${{ github.event.issue.number }}",
        "cancel-in-progress": False,
    }


def test_the_started_workflow_takes_what_rerun_sends(pasted):
    gate = pasted["gate"]
    assert set(gate[True]["workflow_dispatch"]["inputs"]) == INPUTS
    assert "asked for in comment {1}', inputs.pull-request, inputs.request)" in gate["run-name"]
    call = gate["jobs"]["gate"]
    assert call["uses"] == "OWNER/perfgate/.github/workflows/gate.yml@v1"
    assert call["with"] == {
        "suite": "perfgate.yml",
        "head": "${{ inputs.head }}",
        "cases": "${{ inputs.cases }}",
    }


def test_the_page_lists_the_commands():
    for usage in USAGE.values():
        assert f"| `{usage}` |" in PAGE
    assert set(MEANINGS) == set(USAGE)
