"""host/action.yml is the same door as action.yml, and keeps what a composite action has to keep."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

from perfgate.action import INPUTS, OUTPUTS
from perfgate.cli.host import GATE_CODE, GATE_CODE_VARIABLE

ROOT = Path(__file__).parents[2]
TOKEN = "github-token"


def read(path):
    return yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))


@pytest.fixture
def host():
    return read("host/action.yml")


@pytest.fixture
def steps(host):
    return {step["id"]: step for step in host["runs"]["steps"]}


def mapped(step):
    """The inputs that a step's environment is given, by name."""
    return {
        name.removeprefix("INPUT_").lower(): value
        for name, value in step.get("env", {}).items()
        if name.startswith("INPUT_")
    }


def test_inputs_are_those_of_the_root_action__with_their_words_and_defaults(host):
    assert host["inputs"] == read("action.yml")["inputs"]
    assert list(host["inputs"]) == [each.name for each in INPUTS]


def test_outputs_are_those_of_the_root_action__from_the_step_that_publishes(host):
    described = {
        name: {"description": about["description"]} for name, about in host["outputs"].items()
    }
    assert described == read("action.yml")["outputs"]
    assert tuple(host["outputs"]) == OUTPUTS
    for name, about in host["outputs"].items():
        assert about["value"] == f"${{{{ steps.publish.outputs.{name} }}}}"


def test_every_input_is_mapped__and_the_token_to_the_publishing_step_alone(steps):
    names = [each.name for each in INPUTS]
    every = {name: f"${{{{ inputs.{name} }}}}" for name in names}
    assert mapped(steps["environment"]) == {}
    assert mapped(steps["measure"]) == {
        name: value for name, value in every.items() if name != TOKEN
    }
    assert mapped(steps["publish"]) == every


def test_no_other_way_leads_to_the_token(host):
    text = (ROOT / "host/action.yml").read_text(encoding="utf-8")
    assert len(re.findall(r"inputs\.github-token", text)) == 1
    assert len(re.findall(r"github\.token|secrets\.", text)) == 1
    assert host["inputs"][TOKEN]["default"] == "${{ github.token }}"


def test_publishing_hears_how_the_measuring_ended(steps):
    told = f"steps.measure.outputs.{GATE_CODE}"
    assert steps["publish"]["env"][GATE_CODE_VARIABLE] == f"${{{{ {told} }}}}"
    assert steps["publish"]["if"] == f"always() && {told} != ''"


def test_steps__a_shell_each_and_no_expression_in_what_it_runs(steps):
    for step in steps.values():
        assert step["shell"] == "bash"
        assert "${{" not in step["run"]
        assert "github.action_path" not in str(step)  # wrong in a job's container


def test_steps__signals_of_the_runner_reach_perfgate_itself(steps):
    """The runner signals the step's own process, which must be perfgate and no shell above it."""
    for name in ("measure", "publish"):
        assert steps[name]["run"].startswith('exec "$PERFGATE_OWN_PYTHON" -I ')
        assert steps[name]["run"].endswith(f" -m perfgate.cli.host {name}")


def test_python_that_is_looked_for_is_the_one_that_the_package_requires(steps):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    major, minor = re.fullmatch(r">=(\d+)\.(\d+)", project["requires-python"]).groups()
    assert f"sys.version_info < ({major}, {minor})" in steps["environment"]["run"]
    assert f"no Python {major}.{minor} or newer" in steps["environment"]["run"]
