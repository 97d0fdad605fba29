"""The nightly workflow to call, and the action that gives it perfgate."""

import re

import pytest
import yaml

from tests.documents import ROOT

TEXT = (ROOT / ".github" / "workflows" / "nightly.yml").read_text(encoding="utf-8")


@pytest.fixture
def called():
    return yaml.safe_load(TEXT)


def read(path):
    return yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))


def test_what_is_measured_meets_no_right_to_write(called):
    compete, history = called["jobs"]["compete"], called["jobs"]["history"]
    assert compete["permissions"] == {"contents": "read"}
    assert "secrets" not in str(history)
    assert "github.token" not in str(compete)
    assert not any("compete" in step.get("run", "") for step in history["steps"])


def test_a_framework_that_fails_hides_nothing(called):
    upload = called["jobs"]["compete"]["steps"][-1]
    assert upload["if"] == "always()"
    assert called["jobs"]["history"]["if"] == "${{ !cancelled() }}"
    uploads = [
        step
        for job in called["jobs"].values()
        for step in job["steps"]
        if "/upload-artifact@" in step.get("uses", "")
    ]
    assert [step["with"]["if-no-files-found"] for step in uploads] == ["error", "error"]


def test_setup__looks_for_python_as_the_door_on_the_host_does():
    (setup,), host = read("setup/action.yml")["runs"]["steps"], read("host/action.yml")
    first = host["runs"]["steps"][0]
    assert setup["shell"] == first["shell"] == "bash"
    assert setup["run"] == first["run"].replace(
        "$GITHUB_ACTION_PATH/environment.py", "$GITHUB_ACTION_PATH/../host/environment.py"
    )
    assert (setup["id"], setup["name"]) == (first["id"], first["name"])
    outputs = read("setup/action.yml")["outputs"]
    assert outputs["python"]["value"] == "${{ steps.environment.outputs.python }}"
    assert TEXT.count("uses: $/setup\n") == 2


def test_the_image_and_the_host_have_the_same_extras():
    image = re.search(r"source\[torch,(.*?)\]", (ROOT / "Dockerfile").read_text(encoding="utf-8"))
    host = re.search(r'_EXTRAS: Final = "(.*?)"', (ROOT / "host/environment.py").read_text())
    assert image[1] == host[1]
    assert "history" in image[1].split(",")
