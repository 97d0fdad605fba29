"""gate.yml and publish.yml share the work on a pull request so that no fork's code meets a right.

And the action that they say `$/` of is the root action.
"""

from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
ACTIONS = {"image": "$/.github/actions/cpu", "host": "$/host"}


def read(path):
    return yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))


def action_of(uses):
    return read(f"{uses.removeprefix('$/')}/action.yml")


@pytest.fixture
def gate():
    return read(".github/workflows/gate.yml")


@pytest.fixture
def publish():
    (job,) = read(".github/workflows/publish.yml")["jobs"].values()
    return job


def test_gate__one_job_a_door__since_a_skipped_step_of_docker_is_built_all_the_same(gate):
    jobs = gate["jobs"]
    assert {name: job["if"] for name, job in jobs.items()} == {
        "image": "${{ !inputs.host }}",
        "host": "${{ inputs.host }}",
    }
    used = {
        name: [step["uses"] for step in job["steps"] if "$/" in step["uses"]]
        for name, job in jobs.items()
    }
    assert used == {name: [uses] for name, uses in ACTIONS.items()}


def test_gate__both_doors_do_the_same(gate):
    image, host = (gate["jobs"][name] for name in ACTIONS)
    for job in (image, host):
        del job["name"], job["if"], job["steps"][1]["uses"]
    assert image == host


def test_gate__rights_for_comment_and_check_alone(gate):
    for job in gate["jobs"].values():
        assert job["permissions"] == {
            "contents": "read",
            "pull-requests": "write",
            "checks": "write",
        }


def test_gate__gives_its_actions_what_they_take(gate):
    declared = gate[True]["workflow_call"]["inputs"]
    for name, uses in ACTIONS.items():
        given = gate["jobs"][name]["steps"][1]["with"]
        assert given == {key: f"${{{{ inputs.{key} }}}}" for key in given}
        action = action_of(uses)["inputs"]
        assert given.keys() <= action.keys()
        for key in given:
            assert str(declared[key]["default"]).lower() == action[key]["default"]


def test_gate__leaves_what_it_measured_however_it_ended(gate):
    for job in gate["jobs"].values():
        last = job["steps"][-1]
        assert last["if"] == "always()"
        assert last["with"]["name"].startswith("perfgate-")
        assert last["with"]["path"] == read("action.yml")["inputs"]["output-dir"]["default"]


def test_publish__rights_meet_no_code_of_a_pull_request(publish):
    (step,) = publish["steps"]
    assert step["uses"] == "$/publish"
    assert step["with"] == {"suite": "${{ inputs.suite }}"}
    assert publish["permissions"] == {
        "actions": "read",
        "contents": "read",
        "pull-requests": "write",
        "checks": "write",
    }


def test_publish__speaks_where_the_measuring_job_could_not(publish):
    run = "github.event.workflow_run"
    assert publish["if"].split(" || ") == [
        f"{run}.head_repository.full_name != github.repository",
        f"{run}.actor.login == 'dependabot[bot]'",
    ]


def test_the_action_of_the_workflows_is_the_root_action():
    root, own = read("action.yml"), read(".github/actions/cpu/action.yml")
    assert own["inputs"] == {name: root["inputs"][name] for name in own["inputs"]}
    assert own["inputs"].keys() >= {"suite", "github-token"}
    image = own["runs"].pop("image")
    if image != root["runs"]["image"]:  # they differ only where the path to one file does
        told = (ROOT / ".github/actions/cpu" / image).resolve()
        assert told == (ROOT / root["runs"]["image"]).resolve()
    del root["runs"]["image"]
    assert own["runs"] == root["runs"]
