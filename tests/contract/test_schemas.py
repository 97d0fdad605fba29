"""The JSON schemas: files are what the code makes; what perfgate writes is valid by them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from jsonschema import Draft202012Validator, FormatChecker

from perfgate.app.schemas import DOCUMENTS, schema_text, write_schemas
from perfgate.baselines.accepted import render_accepted
from perfgate.baselines.calibration import add_run, render_calibration
from perfgate.baselines.entry import add_job
from perfgate.baselines.native import render_baseline
from perfgate.cli.group import cli
from perfgate.errors import ConfigurationError
from perfgate.records import to_json
from tests.documents import ROOT
from tests.explanations import an_explanation
from tests.factories import a_case_record, a_record, an_acceptance
from tests.fleets import a_plan
from tests.golden.decisions import STORIES
from tests.result_files import a_cell, a_results

SCHEMAS = ROOT / "schemas"


def problems(name: str, document: object) -> list[str]:
    """What the schema refuses of a document."""
    schema = json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))
    validator = Draft202012Validator(schema, format_checker=FormatChecker())
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(document)]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_file__is_what_the_code_makes(name: str) -> None:
    path = SCHEMAS / f"{name}.json"
    assert path.read_text(encoding="utf-8") == schema_text(name), "run: make schemas"


def test_files__no_other_lies_beside_them() -> None:
    assert {path.name for path in SCHEMAS.iterdir()} == {f"{name}.json" for name in DOCUMENTS}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_schema__is_one_that_editors_and_validators_read(name: str) -> None:
    schema = json.loads(schema_text(name))
    Draft202012Validator.check_schema(schema)
    for pattern in patterns_in(schema):
        # Rust's way to write a character, and an escape that JavaScript refuses.
        assert "\\x{" not in pattern
        assert '\\"' not in pattern
        re.compile(pattern)


@pytest.mark.parametrize(
    "name", [name for name in DOCUMENTS if name not in ("suite", "report", "accepted")]
)
def test_schema__asks_for_the_name_and_version_that_every_document_has(name: str) -> None:
    schema = DOCUMENTS[name].schema(name)
    assert schema["required"][:2] == ["schema", "version"]
    assert schema["properties"]["schema"]["const"] == f"perfgate.{name}"
    assert "schema" in str(problems(name, {}))


def test_suite__every_key_is_told_in_the_editor() -> None:
    schema = json.loads(schema_text("suite"))
    parts = [schema, *schema["$defs"].values()]
    keys = {
        (part["title"], key): value
        for part in parts
        for key, value in part.get("properties", {}).items()
    }
    assert len(keys) > 80
    assert [key for key, value in keys.items() if not value.get("description")] == []


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_decision__as_written_is_valid(story: Any) -> None:
    assert problems("decision", json.loads(to_json(story()))) == []


def written() -> Iterator[tuple[str, str]]:
    """Documents of each kind, as perfgate writes them."""
    record = a_record()
    yield "record", to_json(record)
    yield "plan", to_json(a_plan({"h100-1": ["wan"]}))
    yield "results", to_json(a_results(a_cell(5.0, "out of memory")))
    yield "explanation", an_explanation().to_json()
    yield "baseline", render_baseline(add_job(None, record, "wan_t2v_tiny"))
    yield "calibration", render_calibration(add_run(None, a_record([a_case_record()])))


@pytest.mark.parametrize(("name", "text"), list(written()), ids=lambda value: value[:20])
def test_document__as_written_is_valid(name: str, text: str) -> None:
    document = json.loads(text)
    assert problems(name, document) == []
    del document["version"]
    assert problems(name, document) == ["$: 'version' is a required property"]


def test_accepted__as_written_is_valid_and_an_unknown_key_is_not() -> None:
    document = yaml.safe_load(render_accepted([an_acceptance()]))
    document["accepted"][0]["expires"] = str(document["accepted"][0]["expires"])
    assert problems("accepted", document) == []
    assert problems("accepted", document | {"allowed": []})


def test_command__lists_prints_and_writes(tmp_path: Path) -> None:
    run = CliRunner().invoke
    listed = run(cli, ["schema"])
    assert [line.split()[0] for line in listed.stdout.splitlines()] == list(DOCUMENTS)
    assert run(cli, ["schema", "decision"]).stdout == schema_text("decision")
    folder = tmp_path / "a folder"
    assert run(cli, ["schema", "--output-dir", str(folder)]).exit_code == 0
    assert (folder / "suite.json").read_text(encoding="utf-8") == schema_text("suite")
    refused = run(cli, ["schema", "suite", "--output-dir", str(folder)])
    assert "give no NAME with it" in refused.stderr
    assert "is not one of 'suite'" in run(cli, ["schema", "sweet"]).stderr


def test_files__a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "a file").write_text("")
    with pytest.raises(ConfigurationError, match="schemas cannot be written to"):
        write_schemas(tmp_path / "a file" / "x")


def patterns_in(schema: object) -> Iterator[str]:
    """Every regular expression in a schema."""
    if isinstance(schema, dict):
        if isinstance(schema.get("pattern"), str):
            yield schema["pattern"]
        yield from schema.get("patternProperties", {})
    parts = schema.values() if isinstance(schema, dict) else schema
    for part in parts if isinstance(schema, dict | list) else ():
        yield from patterns_in(part)
