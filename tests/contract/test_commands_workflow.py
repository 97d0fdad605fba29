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


def test_what_is_pasted_is_what_is_called(pasted):
    text = TO_CALL.replace("${{ inputs.suite }}", "perfgate.yml")
    job = yaml.safe_load(text.replace("${{ inputs.workflow }}", "perfgate.yml"))["jobs"]["answer"]
    assert job.pop("name") == "answer"
    assert pasted["answer"]["jobs"]["answer"] == job


def test_nothing_is_granted_but_to_the_job(pasted):
    assert pasted["answer"]["permissions"] == yaml.safe_load(TO_CALL)["permissions"] == {}
    assert pasted["gate"]["permissions"] == {}


def test_only_new_comments_are_heard(pasted):
    assert pasted["answer"][True] == {"issue_comment": {"types": ["created"]}}


def test_nothing_is_checked_out_or_run_where_a_token_may_write(pasted):
    (step,) = pasted["answer"]["jobs"]["answer"]["steps"]
    assert step["uses"] == "OWNER/perfgate@v1"
    assert "checkout" not in TO_CALL.split("jobs:")[1]


def test_the_started_workflow_takes_what_rerun_sends(pasted):
    gate = pasted["gate"]
    assert set(gate[True]["workflow_dispatch"]["inputs"]) == INPUTS
    assert "asked for in comment {1}', inputs.pull-request, inputs.request)" in gate["run-name"]
    checkout, action, _ = gate["jobs"]["gate"]["steps"]
    assert checkout["with"]["ref"] == "${{ inputs.head }}"
    assert action["with"]["cases"] == "${{ inputs.cases }}"


def test_the_page_lists_the_commands():
    for usage in USAGE.values():
        assert f"| `{usage}` |" in PAGE
    assert set(MEANINGS) == set(USAGE)
