"""The fork recipe to paste and the one to call do the same, with the same rights."""

import re

import pytest
import yaml

from tests.documents import ROOT, blocks, page

PAGE = page("docs/forks.md")
DEFAULTS = {
    "${{ inputs.suite }}": "perfgate.yml",
    "${{ inputs.key }}": "suite",
    "${{ fromJSON(inputs.runner) }}": "ubuntu-latest",
    "${{ inputs.timeout-minutes }}": "60",
}


def pasted():
    """The workflows on the page, by the name of their only job."""
    found = [yaml.safe_load(block) for block in blocks(PAGE, "yaml")]
    return {next(iter(block["jobs"])): block for block in found}


def text_of(name):
    return (ROOT / ".github" / "workflows" / f"fork-{name}.yml").read_text(encoding="utf-8")


def job_to_call(name):
    """The reusable workflow's job with its inputs at their defaults."""
    text = text_of(name)
    for expression, default in DEFAULTS.items():
        text = text.replace(expression, default)
    # A commit is named with its version beside it; the page names the version's first part.
    text = re.sub(r"@[0-9a-f]{40} # (v\d+)\S*", r"@\1", text)
    job = yaml.safe_load(text)["jobs"][name]
    assert job.pop("name") == name
    return job


@pytest.mark.parametrize("name", ["measure", "publish"])
def test_what_is_pasted_is_what_is_called(name):
    assert pasted()[name]["jobs"][name] == job_to_call(name)


@pytest.mark.parametrize("name", ["measure", "publish"])
def test_inputs_have_the_defaults_that_are_pasted(name):
    declared = yaml.safe_load(text_of(name))[True]["workflow_call"]["inputs"]
    told = {"suite": "perfgate.yml", "key": "suite", "runner": '"ubuntu-latest"'}
    told["timeout-minutes"] = 60
    assert {key: about["default"] for key, about in declared.items()} == {
        key: told[key] for key in declared
    }


@pytest.mark.parametrize("name", ["measure", "publish"])
def test_nothing_is_granted_but_to_the_job(name):
    assert pasted()[name]["permissions"] == {}
    assert yaml.safe_load(text_of(name))["permissions"] == {}


def test_the_code_of_a_fork_meets_no_right_to_write():
    assert pasted()["measure"][True] == "pull_request"
    assert pasted()["measure"]["jobs"]["measure"]["permissions"] == {"contents": "read"}


def test_the_rights_to_write_meet_no_code_of_a_fork():
    publish = pasted()["publish"]
    assert publish[True] == {
        "workflow_run": {"workflows": [pasted()["measure"]["name"]], "types": ["completed"]}
    }
    job = publish["jobs"]["publish"]
    assert [step["uses"] for step in job["steps"]] == ["OWNER/perfgate@v1"]
    assert job["permissions"] == {
        "actions": "read",
        "contents": "read",
        "pull-requests": "write",
        "checks": "write",
    }


@pytest.mark.parametrize("name", ["measure", "publish"])
def test_every_right_has_its_reason(name):
    for text in (text_of(name), PAGE):
        for line in re.findall(r"^ +(?:actions|contents|pull-requests|checks): \w+.*$", text, re.M):
            assert re.search(r" # \S", line), line
