"""What README gives to paste is safe to paste: every workflow in it, held to the same rules."""

import re
from pathlib import Path

import pytest
import yaml

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
BLOCKS = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)]
WORKFLOWS = {
    block["name"]: block for block in BLOCKS if isinstance(block, dict) and "jobs" in block
}


def test_readme__has_workflows_to_paste():
    assert len(WORKFLOWS) >= 3


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
