"""The doors beside the root action: their inputs and outputs, their images, and docs/doors.md."""

import fnmatch
import json
import re
import subprocess

import pytest
import yaml

from perfgate.action import INPUTS, OUTPUTS, plan
from tests.documents import ROOT, page

PAGE = page("docs/doors.md")
MEASURING = {"cuda": "cuda", "npu": "npu"}
"""The folders of the doors that measure on one kind of device, with its name."""
IMAGES = ("Dockerfile", "cuda.Dockerfile", "npu.Dockerfile", "publish.Dockerfile")
ACTIONS = ("action.yml", "cuda/action.yml", "npu/action.yml", "publish/action.yml")
SUBJECTS = {
    "workflow_run": {"workflow_run": {"id": 5, "event": "pull_request", "head_sha": "a" * 40}},
    "issue_comment": {
        "action": "created",
        "issue": {"number": 7, "pull_request": {"url": "x"}},
        "comment": {"id": 9, "user": {"login": "ann"}, "body": "/perfgate help"},
    },
    "push": {"repository": {"default_branch": "main"}},
}
OTHER = {
    "command": "publish",
    "base": "v1",
    "strategy": "paired",
    "cases": "wan",
    "device": "cpu",
    "lease-timeout": "1h",
    "explain": "true",
    "update-baseline": "pr",
    "history": "data",
    "reason": "x",
    "issue": "https://example.org/7",
    "expires": "2026-12-31",
    "labels": "x",
    "reviewers": "ann",
}
"""A value that is not the default, for each input that the publish door lacks."""


def read(path):
    return yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))


def instructions(path):
    """The last stage of a Dockerfile, as pairs of instruction and argument."""
    text = (ROOT / path).read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line.split(" ", 1) for line in text.splitlines() if re.match(r"[A-Z]+ ", line)]
    last = max(index for index, (name, _) in enumerate(lines) if name == "FROM")
    return lines[last:]


@pytest.mark.parametrize("folder", MEASURING)
def test_a_door_for_a_device__is_the_root_action_but_for_its_device(folder):
    door, root = read(f"{folder}/action.yml"), read("action.yml")
    device = door["inputs"].pop("device")
    assert device["default"] == MEASURING[folder]
    del root["inputs"]["device"]
    assert list(door["inputs"].items()) == list(root["inputs"].items())
    assert door["outputs"] == root["outputs"]


def test_the_door_that_publishes__has_inputs_and_outputs_of_the_root_action():
    door, root = read("publish/action.yml"), read("action.yml")
    assert door["inputs"].items() <= root["inputs"].items()
    assert door["outputs"] == {
        name: about for name, about in root["outputs"].items() if name != "baseline-url"
    }
    assert {*door["outputs"], "baseline-url"} == set(OUTPUTS)


@pytest.mark.parametrize("event", SUBJECTS)
def test_the_door_that_publishes__lacks_just_the_inputs_that_change_nothing_there(event):
    declared = read("publish/action.yml")["inputs"]
    assert {each.name for each in INPUTS} - declared.keys() == OTHER.keys()

    def planned(**given):
        named = {f"INPUT_{name.upper().replace('_', '-')}": value for name, value in given.items()}
        runner = {
            "GITHUB_EVENT_NAME": event,
            "GITHUB_EVENT_PATH": "event.json",
            "GITHUB_REPOSITORY": "octo/bench",
        }
        text = json.dumps(SUBJECTS[event])
        return plan({**named, **runner}, lambda _: text, may_measure=False)

    usual = planned()
    assert (usual.gate, usual.explain, usual.propose, usual.remember) == (None,) * 4
    lacking = {name.replace("-", "_"): value for name, value in OTHER.items() if name != "command"}
    assert planned(**lacking) == usual
    assert planned(output_dir="else") != usual or event == "issue_comment"


@pytest.mark.parametrize(("action", "dockerfile"), [*zip(ACTIONS, IMAGES, strict=True)])
def test_images__are_built_with_the_repository_as_their_context(action, dockerfile):
    """A runner takes a Dockerfile's folder for that, and knows one by how its name ends."""
    image = read(action)["runs"]["image"]
    assert read(action)["runs"] == {"using": "docker", "image": image}
    folder = (ROOT / action).parent
    assert (folder / image).resolve() == ROOT / dockerfile
    assert image.endswith("Dockerfile")


@pytest.mark.parametrize("dockerfile", IMAGES)
def test_images__start_where_the_runner_expects(dockerfile):
    last = instructions(dockerfile)
    assert not [name for name, _ in last if name in ("USER", "WORKDIR")]
    (entry,) = [json.loads(rest) for name, rest in last if name == "ENTRYPOINT"]
    told = ["publish"] if dockerfile == "publish.Dockerfile" else []
    assert entry == ["/opt/perfgate/venv/bin/python", "-I", "/opt/perfgate/entrypoint.py", *told]


@pytest.mark.parametrize("dockerfile", IMAGES)
def test_images__are_given_every_file_that_they_copy(dockerfile):
    kept = {
        line.removeprefix("!")
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    text = (ROOT / dockerfile).read_text(encoding="utf-8").replace("\\\n", " ")
    copied = re.findall(r"^COPY (?!--from)(.*)$", text, re.MULTILINE)
    assert copied
    for line in copied:
        for name in line.split()[:-1]:
            assert name in kept
            assert (ROOT / name).exists()


def test_page__lists_every_door_and_its_image():
    for action in (*ACTIONS, "host/action.yml", "setup/action.yml"):
        path = action.removesuffix("action.yml").rstrip("/")
        assert f"| `OWNER/perfgate{'/' + path if path else ''}@v1` |" in PAGE
    for dockerfile in IMAGES:
        assert f"| `{dockerfile}` |" in PAGE


def test_page__says_which_inputs_the_publish_door_has():
    (sentence,) = re.findall(r"^The publish door takes (.*?), and gives", PAGE, re.MULTILINE)
    assert re.findall(r"`([a-z-]+)`", sentence) == list(read("publish/action.yml")["inputs"])


def test_lint__reads_every_door_and_every_image():
    told = subprocess.run(
        ["make", "--dry-run", "--always-make", "lint"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    lines = told.stdout.splitlines()

    def covered(tool, option=""):
        (line,) = [line for line in lines if f"/{tool} " in line and option in line]
        return line.split()[1:]

    schema, hadolint, zizmor = (
        covered("check-jsonschema", "github-actions"),
        covered("hadolint"),
        covered("zizmor"),
    )
    for action in (*ACTIONS, "host/action.yml", "setup/action.yml"):
        assert any(fnmatch.fnmatchcase(action, pattern) for pattern in schema)
        assert action in zizmor or action.split("/")[0] in zizmor
    for dockerfile in IMAGES:
        assert any(fnmatch.fnmatchcase(dockerfile, pattern) for pattern in hadolint)
