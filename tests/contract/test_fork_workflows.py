"""docs/forks.md calls gate.yml and publish.yml as they are, and writes out the same jobs."""

import re

import pytest
import yaml

from tests.documents import ROOT, blocks, page

PAGE = page("docs/forks.md")
TO_CALL = ("gate", "publish")
JOB = {"gate": "image", "publish": "publish"}
EMPTY = "(empty)"


def on_the_page():
    """The four workflows: the two that call, then the same written out."""
    return [yaml.safe_load(block) for block in blocks(PAGE, "yaml")]


def calling(name):
    return on_the_page()[TO_CALL.index(name)]


def written_out(name):
    return on_the_page()[2 + TO_CALL.index(name)]


def text_of(name):
    return (ROOT / ".github" / "workflows" / f"{name}.yml").read_text(encoding="utf-8")


def declared(name):
    return yaml.safe_load(text_of(name))[True]["workflow_call"]["inputs"]


def job_with_defaults(name):
    """The job to call as it is where the caller gives no input."""
    text = text_of(name)
    for key, about in declared(name).items():
        text = text.replace(f"${{{{ inputs.{key} }}}}", str(about["default"]) or EMPTY)
        text = text.replace(f"${{{{ fromJSON(inputs.{key}) }}}}", str(about["default"]).strip('"'))
    text = text.replace("${{ inputs.head && '0' || '2' }}", "2")
    text = text.replace("${{ inputs.artifact || inputs.key || 'suite' }}", "suite")
    # A commit is named with its version beside it; the page names the version's first part.
    text = re.sub(r"@[0-9a-f]{40} # (v\d+)\S*", r"@\1", text)
    text = text.replace("$/.github/actions/cpu", "OWNER/perfgate@v1")
    text = re.sub(r"\$(/\w+)", r"OWNER/perfgate\1@v1", text)
    job = yaml.safe_load(text)["jobs"][JOB[name]]
    del job["name"]
    for step in job["steps"]:
        kept = {
            key: value for key, value in step["with"].items() if value not in (EMPTY, False, "auto")
        }
        if "checkout@" in step["uses"]:
            kept["persist-credentials"] = False
        step["with"] = kept
    return job


@pytest.mark.parametrize("name", TO_CALL)
def test_what_is_written_out_is_what_is_called(name):
    told, made = written_out(name)["jobs"][JOB[name]], job_with_defaults(name)
    if name == "gate":
        assert made.pop("if") == "${{ !inputs.host }}"
    assert told == made


@pytest.mark.parametrize("name", TO_CALL)
def test_the_short_one_is_the_long_one_but_for_its_job(name):
    short, long = calling(name), written_out(name)
    ((call,), (job,)) = (one.pop("jobs").values() for one in (short, long))
    assert short == long
    assert call["permissions"] == job["permissions"]
    assert call["uses"] == f"OWNER/perfgate/.github/workflows/{name}.yml@v1"
    assert call["with"] == {"suite": declared(name)["suite"]["default"]}


def test_inputs_are_told_with_their_defaults():
    rows = [row.split("|")[1:3] for row in PAGE.splitlines() if row.startswith("| `")]
    told = {name.strip(" `"): default.strip(" `") for name, default in rows}
    defaults = {name: about["default"] for name, about in declared("gate").items()}
    assert told == {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in defaults.items()
    }


@pytest.mark.parametrize("name", TO_CALL)
def test_nothing_is_granted_but_to_the_job(name):
    assert calling(name)["permissions"] == {}
    assert yaml.safe_load(text_of(name))["permissions"] == {}


def test_the_code_of_a_fork_meets_what_github_leaves_a_fork():
    """Not pull_request_target: on pull_request a fork's token can only read."""
    assert calling("gate")[True] == "pull_request"


def test_the_rights_to_write_meet_no_code_of_a_fork():
    publish = calling("publish")
    assert publish[True] == {
        "workflow_run": {"workflows": [calling("gate")["name"]], "types": ["completed"]}
    }
    (job,) = written_out("publish")["jobs"].values()
    (step,) = job["steps"]
    assert step["uses"].startswith("OWNER/perfgate")


@pytest.mark.parametrize("text", [PAGE, *map(text_of, TO_CALL)], ids=["page", *TO_CALL])
def test_every_right_has_its_reason(text):
    rights = re.findall(r"^ +(?:actions|contents|pull-requests|checks): \w+.*$", text, re.M)
    assert rights
    assert all(re.search(r" # \S", line) for line in rights)
