"""Every workflow of this repository keeps the same rules, and it uses on itself what it offers."""

import re

import pytest
import yaml

from tests.documents import ROOT

FOLDER = ROOT / ".github" / "workflows"
TEXTS = {path.name: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.yml"))}
WORKFLOWS = {name: yaml.safe_load(text) for name, text in TEXTS.items()}
TO_CALL = {name: each for name, each in WORKFLOWS.items() if "workflow_call" in each[True]}
RIGHT = r"^ +(?:actions|checks|contents|id-token|issues|packages|pages|pull-requests): \w+.*$"


def jobs_of(name):
    return WORKFLOWS[name]["jobs"]


def calls():
    """Each call of a workflow of this repository: who calls, which job, the file that is called."""
    for name, workflow in WORKFLOWS.items():
        for job in workflow["jobs"].values():
            called = job.get("uses", "").rpartition("/.github/workflows/")[2]
            if called:
                yield name, job, called


@pytest.mark.parametrize("name", WORKFLOWS)
def test_nothing_is_granted_but_to_a_job__and_with_a_reason(name):
    assert WORKFLOWS[name]["permissions"] == {}
    assert all("permissions" in job for job in jobs_of(name).values())
    for line in re.findall(RIGHT, TEXTS[name], re.M):
        assert re.search(r" # \S", line), line


@pytest.mark.parametrize("name", WORKFLOWS)
def test_every_job_ends_by_itself(name):
    for job in jobs_of(name).values():
        assert "uses" in job or job["timeout-minutes"]


@pytest.mark.parametrize("name", WORKFLOWS)
def test_what_is_used_is_this_commit_or_one_commit_of_another(name):
    for uses in re.findall(r"uses: (.*)", TEXTS[name]):
        assert re.match(r"\$/[\w.]|\./\.github/|[\w./-]+@[0-9a-f]{40} # v\d", uses), uses


@pytest.mark.parametrize("name", WORKFLOWS)
def test_no_expression_reaches_a_script__and_no_token_stays_in_a_checkout(name):
    for job in jobs_of(name).values():
        for step in job.get("steps", ()):
            assert "${{" not in step.get("run", "")
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False


@pytest.mark.parametrize("name", TO_CALL)
def test_one_to_call__tells_what_each_input_is(name):
    for about in (TO_CALL[name][True]["workflow_call"] or {}).get("inputs", {}).values():
        assert about["description"].endswith(".")
        assert "default" in about or about["required"]


@pytest.mark.parametrize(
    "called", ["gate.yml", "publish.yml", "nightly.yml", "audit.yml", "image.yml"]
)
def test_what_is_offered_is_used_here(called):
    assert [caller for caller, _, other in calls() if other == called]


@pytest.mark.parametrize(
    ("caller", "job", "called"),
    list(calls()),
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_a_call__grants_what_is_asked_for_and_gives_what_is_taken(caller, job, called):
    asked = {}
    for inner in jobs_of(called).values():
        for name, right in inner["permissions"].items():
            asked[name] = max(right, asked.get(name, ""))  # "write" is after "read"
    assert job["permissions"] == asked
    declared = TO_CALL[called][True]["workflow_call"].get("inputs", {})
    assert job.get("with", {}).keys() <= declared.keys()


def test_a_newer_push_ends_the_older_run_of_its_pull_request_alone():
    group = WORKFLOWS["ci.yml"]["concurrency"]["group"]
    assert group == "ci-${{ github.event.pull_request.number || github.run_id }}"
