"""Pages give a call of a workflow to paste: its rights, their reasons and the inputs to give."""

import re

import pytest
import yaml

from tests.documents import ROOT, blocks, page

CALLS = {
    "nightly": page("docs/nightly.md").split("\n## ")[0],
    "fleet": page("docs/many-runners.md"),
}
RIGHT = r"^ +[a-z-]+: (?:read|write)\b.*$"


@pytest.fixture(params=CALLS)
def name(request):
    return request.param


@pytest.fixture
def called(name):
    return yaml.safe_load((ROOT / f".github/workflows/{name}.yml").read_text(encoding="utf-8"))


@pytest.fixture
def pasted(name):
    return yaml.safe_load(blocks(CALLS[name], "yaml")[0])


def test_the_caller_grants_what_the_jobs_ask_for_and_no_more(name, called, pasted):
    asked = {}
    for job in called["jobs"].values():
        for key, right in job["permissions"].items():
            asked[key] = max(right, asked.get(key, ""))  # "write" is after "read"
    assert pasted["jobs"][name]["permissions"] == asked
    assert pasted["permissions"] == {}


def test_every_right_has_its_reason(name):
    rights = re.findall(RIGHT, blocks(CALLS[name], "yaml")[0], re.M)
    assert rights
    assert all(re.search(r" # \S", line) for line in rights)


def test_inputs_are_told_with_their_defaults(name, called, pasted):
    declared = called[True]["workflow_call"]["inputs"]
    rows = [row.split("|")[1:3] for row in CALLS[name].splitlines() if row.startswith("| `")]
    told = {key.strip(" `"): default.strip(" `") for key, default in rows[: len(declared)]}
    defaults = {key: about["default"] for key, about in declared.items()}
    assert told == {
        key: str(value).lower() if isinstance(value, bool) else str(value)
        for key, value in defaults.items()
    }
    assert pasted["jobs"][name]["with"].keys() <= declared.keys()
