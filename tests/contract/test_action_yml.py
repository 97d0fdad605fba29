"""action.yml, the code behind its inputs and outputs, and docs/action.md say the same."""

import re

import pytest
import yaml

from perfgate.action import INPUTS, OUTPUTS
from tests.documents import ROOT, page

PAGE = page("docs/action.md")


@pytest.fixture
def action():
    return yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))


def table(heading):
    """The rows of the first table below a heading of the page, as lists of cells."""
    found = re.search(
        rf"^#+ {heading}\b.*?\n(?:(?!^#).*\n)*?((?:^\|.*\n)+)", PAGE, flags=re.MULTILINE
    )
    assert found, f"the page has no table under the heading {heading!r}"
    rows = [line.strip().strip("|").split("|") for line in found[1].splitlines()]
    return [[cell.strip() for cell in row] for row in rows[2:]]


def names(heading):
    return [row[0].strip("`") for row in table(heading)]


def test_inputs_are_those_that_are_read(action):
    assert list(action["inputs"]) == [each.name for each in INPUTS]


def test_defaults_are_those_that_hold_without_an_action(action):
    declared = {name: about["default"] for name, about in action["inputs"].items()}
    assert declared.pop("github-token") == "${{ github.token }}"
    assert declared == {each.name: each.default for each in INPUTS if each.name in declared}


def test_every_input_and_output_says_what_it_is(action):
    for about in (*action["inputs"].values(), *action["outputs"].values()):
        assert about["description"].endswith(".")


def test_outputs_are_those_that_are_written(action):
    assert tuple(action["outputs"]) == OUTPUTS


def test_the_page_lists_the_inputs_with_their_defaults(action):
    assert names("Inputs") == list(action["inputs"])
    for name, default, *_ in table("Inputs"):
        declared = action["inputs"][name.strip("`")]["default"]
        told = {"the job's token": "${{ github.token }}"}.get(default, default.strip("`"))
        assert told == declared


def test_the_page_lists_the_outputs(action):
    assert names("Outputs") == list(action["outputs"])


def test_nothing_is_mapped(action):
    """A mapped input can be forgotten; a Docker action gets every one as INPUT_*."""
    assert action["runs"] == {"using": "docker", "image": "Dockerfile"}


def test_image_starts_where_the_runner_expects():
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    instructions = [line.split(" ", 1) for line in lines if re.match(r"[A-Z]+ ", line)]
    assert not [name for name, _ in instructions if name in ("USER", "WORKDIR")]
    (entry,) = [rest for name, rest in instructions if name == "ENTRYPOINT"]
    assert re.fullmatch(r'\["/[^"]+"(, "[^"]+")*\]', entry)
