"""What the documents give to paste is safe to paste: every workflow, held to the same rules."""

import pytest
import yaml

from tests.documents import ROOT, blocks, page

PAGES = ("README.md", *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md"))))
WORKFLOWS = {
    f"{name}: {block['name']}, {', '.join(block['jobs'])}": block
    for name in PAGES
    for block in map(yaml.safe_load, blocks(page(name), "yaml"))
    if isinstance(block, dict) and "jobs" in block
}


def test_documents__have_workflows_to_paste():
    assert len(WORKFLOWS) >= 6


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow__grants_nothing_but_by_job(name):
    assert WORKFLOWS[name]["permissions"] == {}
    assert all("permissions" in job for job in WORKFLOWS[name]["jobs"].values())


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow__lets_no_expression_into_a_script(name):
    steps = [step for job in WORKFLOWS[name]["jobs"].values() for step in job.get("steps", ())]
    assert not [step["run"] for step in steps if "${{" in step.get("run", "")]


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow__ends_by_itself_and_leaves_no_token_in_the_checkout(name):
    for job in WORKFLOWS[name]["jobs"].values():
        assert "uses" in job or "timeout-minutes" in job
        for step in job.get("steps", ()):
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False
