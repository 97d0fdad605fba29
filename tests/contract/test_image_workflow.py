"""image.yml and release.yml: rights with their reasons, and commands that `release` has."""

import re
import shlex

import pytest
import yaml

from release.__main__ import main
from tests.documents import ROOT

NAMES = ("image", "release")
TEXTS = {name: (ROOT / f".github/workflows/{name}.yml").read_text("utf-8") for name in NAMES}
WORKFLOWS = {name: yaml.safe_load(text) for name, text in TEXTS.items()}
JOBS = WORKFLOWS["image"]["jobs"]


def steps(name):
    return [step for job in WORKFLOWS[name]["jobs"].values() for step in job.get("steps", ())]


def release_commands(name):
    """The lines of `python3 -m release` in a workflow, as arguments."""
    text = "\n".join(step["run"] for step in steps(name) if "run" in step)
    lines = re.findall(r"python3 -m release ([^|>)\n]*)", text)
    return [shlex.split(line) for line in lines]


@pytest.mark.parametrize("name", NAMES)
def test_rights__are_granted_by_job_and_with_a_reason(name):
    assert WORKFLOWS[name]["permissions"] == {}
    assert all(job["permissions"] for job in WORKFLOWS[name]["jobs"].values())
    rights = re.findall(r"^ +(?:contents|packages): (?:read|write).*$", TEXTS[name], re.M)
    assert rights
    assert all(re.search(r" # \S", line) for line in rights)


@pytest.mark.parametrize("name", NAMES)
def test_jobs__end_and_let_no_expression_into_a_script(name):
    jobs = WORKFLOWS[name]["jobs"].values()
    assert all("uses" in job or job["timeout-minutes"] for job in jobs)
    assert not [step for step in steps(name) if "${{" in step.get("run", "")]


def test_a_pull_requests_dockerfile_meets_no_right_to_write():
    assert JOBS["try"]["permissions"] == {"contents": "read"}
    assert JOBS["try"]["if"] == "${{ !inputs.push }}"
    assert JOBS["push"]["if"] == "${{ inputs.push }}"
    assert [name for name, job in JOBS.items() if "write" in job["permissions"].values()] == [
        "push"
    ]


def test_every_image__is_tried_before_it_is_pushed_and_again_by_its_digest():
    assert JOBS["by-digest"]["needs"] == ["doors", "push"]
    for job, last in (("try", "smoke"), ("by-digest", "smoke"), ("push", "push")):
        lines = [step["run"] for step in JOBS[job]["steps"] if "run" in step]
        assert f"python3 -m release {last} " in lines[-1]
    order = [line[0] for line in release_commands("image")]
    assert order == ["matrix", "build", "smoke", "build", "smoke", "push", "image", "smoke"]


@pytest.mark.parametrize("name", NAMES)
def test_commands__are_there_with_their_options(name, capsys):
    for arguments in release_commands(name):
        with pytest.raises(SystemExit) as ended:
            main([*arguments, "--help"])
        assert ended.value.code == 0
        told = capsys.readouterr().out
        assert all(option in told for option in arguments if option.startswith("--"))


def test_pull_requests__that_touch_what_is_in_an_image_build_it():
    paths = WORKFLOWS["image"][True]["pull_request"]["paths"]
    kept = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    copied = {line.removeprefix("!") for line in kept if line.startswith("!")}
    # What is most often touched and seldom breaks a build is left to the release's own build.
    assert copied - set(paths) == {"README.md", "perfgate"}
