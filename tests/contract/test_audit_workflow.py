"""docs/workflows.md calls audit.yml as it is, and lists every workflow that can be called."""

import re

import pytest
import yaml

from tests.documents import ROOT, blocks, page

PAGE = page("docs/workflows.md")
FOLDER = ROOT / ".github" / "workflows"


@pytest.fixture
def call():
    (pasted,) = map(yaml.safe_load, blocks(PAGE, "yaml"))
    return pasted["jobs"]["audit"]


@pytest.fixture
def called():
    return yaml.safe_load((FOLDER / "audit.yml").read_text(encoding="utf-8"))


def test_the_caller_grants_what_the_job_asks_for_and_no_more(call, called):
    (job,) = called["jobs"].values()
    assert call["permissions"] == job["permissions"] == {"contents": "read"}


def test_inputs_are_told_with_their_defaults(call, called):
    declared = called[True]["workflow_call"]["inputs"]
    rows = [row.split("|")[1:3] for row in PAGE.split("## The audit")[1].splitlines()]
    told = {row[0].strip(" `"): row[1].strip(" `") for row in rows if len(row) == 2}
    for heading in ("input", "---"):
        del told[heading]
    assert told == {name: str(about["default"]) for name, about in declared.items()}
    assert call["with"].keys() <= declared.keys()


def test_the_page_lists_what_others_call():
    listed = set(re.findall(r"^\| `([a-z]+\.yml)` \|", PAGE, re.MULTILINE))
    texts = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.yml")}
    # image.yml makes perfgate's own images, for release.yml alone.
    offered = {name for name, text in texts.items() if "workflow_call:" in text} - {"image.yml"}
    assert listed == offered
