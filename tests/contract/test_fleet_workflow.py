"""fleet.yml: who may write, what runs where, and what a shard that is lost leaves."""

import re

import pytest
import yaml

from tests.documents import ROOT

TEXT = (ROOT / ".github" / "workflows" / "fleet.yml").read_text(encoding="utf-8")


@pytest.fixture
def called():
    return yaml.safe_load(TEXT)


def test_the_job_that_writes_alone_runs_nothing_of_a_pull_request(called):
    jobs = called["jobs"]
    for name in ("plan", "measure"):
        assert jobs[name]["permissions"] == {"contents": "read"}
        assert "github.token" not in str(jobs[name])
    lines = [step["run"] for step in jobs["merge"]["steps"] if "run" in step]
    ran = [re.search(r"-m perfgate (\w+(?: propose)?)", line)[1] for line in lines]
    assert ran == ["merge", "publish", "baseline propose"]


def test_a_shard_is_red_where_it_leaves_no_record_and_only_there(called):
    measure, merge = called["jobs"]["measure"], called["jobs"]["merge"]
    assert measure["strategy"]["fail-fast"] is False
    (gate,) = [step for step in measure["steps"] if "run" in step]
    assert gate["continue-on-error"] is True
    upload = measure["steps"][-1]
    assert upload["if"] == "${{ !cancelled() }}"
    assert upload["with"]["path"] == "perfgate-out/record.json"
    assert upload["with"]["if-no-files-found"] == "error"
    # What is lost is for the decision to say, so that it is made all the same.
    assert merge["if"] == "${{ !cancelled() && needs.plan.result == 'success' }}"
    assert merge["needs"] == ["plan", "measure"]


def test_nothing_lies_in_the_checkout_that_merges(called):
    """What is in there is a part of what was planned."""
    downloads = [
        step["with"]
        for step in called["jobs"]["merge"]["steps"]
        if "/download-artifact@" in step.get("uses", "")
    ]
    assert [(one.get("pattern", one.get("name")), one["path"]) for one in downloads] == [
        ("fleet-${{ inputs.key || 'suite' }}--plan", "${{ runner.temp }}/perfgate-plan"),
        ("fleet-${{ inputs.key || 'suite' }}--*", "${{ runner.temp }}/perfgate-shards"),
    ]


def test_artifacts_are_of_this_call_alone(called):
    """A key has no two hyphens in a row, so that no pattern finds another call's artifacts."""
    names = re.findall(r"(?:name|pattern): (fleet-.*?)(?: #.*)?$", TEXT, re.M)
    key = "fleet-${{ inputs.key || 'suite' }}"
    assert sorted(set(names)) == sorted(
        {key, f"{key}--plan", f"{key}--${{{{ matrix.shard }}}}", f"{key}--*"}
    )
    assert not any(name.startswith("perfgate-") for name in names)


def test_every_job_has_the_command_of_this_very_commit(called):
    for job in called["jobs"].values():
        assert [step["uses"] for step in job["steps"] if step.get("id") == "setup"] == ["$/setup"]
