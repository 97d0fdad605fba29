"""The JSON schemas of the files that people and tools read, made from the models that read them.

A schema accepts what this perfgate reads. Of a suite it is stricter in one thing: numbers that are
written as text (``devices: "2"``), which the reader takes, are marked by an editor. What JSON
Schema has no words for, such as two cases of one id, the reader alone refuses.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import re
import textwrap
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from perfgate.errors import ConfigurationError
from perfgate.files import write_atomically

_ROLE = re.compile(r":[a-z]+:`")
_BEYOND_ECMA = re.compile(r"\\x\{[0-9a-f]+\}-\\x\{[0-9a-f]+\}")
"""Rust's way to write a character beyond the first plane, in a class of characters."""


@dataclass(frozen=True, kw_only=True)
class Document:
    """A kind of file: where it is found or printed, and the model that it is read by."""

    found: str
    model: str

    def schema(self, name: str) -> dict[str, Any]:
        """Its JSON schema."""
        module, model = self.model.split(":")
        kind = getattr(importlib.import_module(module), model)
        made = TypeAdapter(kind).json_schema(schema_generator=_Told)
        named = [key for key in ("schema", "version") if key in made.get("properties", ())]
        if named:
            others = (key for key in made.get("required", ()) if key not in named)
            made["required"] = [*named, *others]
        title = f"perfgate {name}"
        return {"$schema": _Told.schema_dialect, "title": title} | made | {"title": title}


DOCUMENTS: dict[str, Document] = {
    "suite": Document(found="perfgate.yml", model="perfgate.suite:Suite"),
    "report": Document(
        found="$PERFGATE_REPORT, written by a benchmark",
        model="perfgate.backends.report_form:WrittenReport",
    ),
    "record": Document(found="perfgate-out/record.json", model="perfgate.records:Record"),
    "decision": Document(found="perfgate-out/decision.json", model="perfgate.records:Decision"),
    "plan": Document(found="perfgate-out/plan.json", model="perfgate.records:FleetPlan"),
    "baseline": Document(
        found="baselines/<hardware-key>/<case>.json", model="perfgate.baselines.native:Baseline"
    ),
    "calibration": Document(
        found="baselines/<hardware-key>/calibration.json",
        model="perfgate.baselines.calibration:Calibration",
    ),
    "accepted": Document(
        found="baselines/accepted.yml", model="perfgate.baselines.accepted:AcceptedFile"
    ),
    "results": Document(
        found="perfgate-out/results.json of compete, and histories",
        model="perfgate.records:Results",
    ),
    "explanation": Document(
        found="perfgate-out/explanation.json", model="perfgate.records.explained:Explanation"
    ),
    "bisect": Document(
        found="perfgate-out/bisect.json", model="perfgate.records.bisected:BisectState"
    ),
    "bisected": Document(
        found="perfgate bisect --json", model="perfgate.records.bisected:Bisected"
    ),
    "kernels": Document(
        found="perfgate kernels run --json", model="perfgate.records.kernels:KernelResults"
    ),
    "kernel-list": Document(
        found="perfgate kernels list --json", model="perfgate.records.kernels:KernelListing"
    ),
    "findings": Document(
        found="perfgate baseline check --json", model="perfgate.report.findings:Findings"
    ),
    "entries": Document(
        found="perfgate baseline show --json", model="perfgate.app.keeping.stored:Entries"
    ),
    "debts": Document(
        found="perfgate baseline debt --json", model="perfgate.app.keeping.stored:Debts"
    ),
    "doctor": Document(found="perfgate doctor --json", model="perfgate.report.doctor:Diagnosis"),
}
"""Every kind by the name of its schema; a new one is a line here and `make schemas`."""


def schema_text(name: str) -> str:
    """The schema as JSON text with a final newline; KeyError for a name that none has."""
    return json.dumps(DOCUMENTS[name].schema(name), indent=1, ensure_ascii=False) + "\n"


def write_schemas(folder: Path) -> None:
    """Write each schema into a file of its name; ConfigurationError where that cannot be."""
    try:
        for name in DOCUMENTS:
            write_atomically(folder / f"{name}.json", schema_text(name))
    except OSError as error:
        raise ConfigurationError(
            f"schemas cannot be written to {folder}: {error.strerror}",
            fix="Give a folder that can be written with --output-dir.",
        ) from error


class _Told(GenerateJsonSchema):
    """Without invented titles, and with what stands under each field in the code."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ANN401, ARG002 - pydantic's
        return False

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        made = super().model_schema(schema)
        kind = cast("type[BaseModel]", schema["cls"])
        if "description" in made:
            made["description"] = _plain(made["description"])
        properties = made.get("properties", {})
        for name, field in kind.model_fields.items():
            told = _told_of(kind).get(name)
            if told is not None:
                properties[field.alias or name]["description"] = _plain(told)
        return made

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        made = super().default_schema(schema)
        # What an absent key means is worth a word where it is a value, not a null or a whole part.
        if not isinstance(made.get("default"), bool | int | float | str):
            made.pop("default", None)
        return made

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        made = super().dict_schema(schema)
        if "patternProperties" in made:
            made["additionalProperties"] = False
        return made

    def str_schema(self, schema: core_schema.StringSchema) -> JsonSchemaValue:
        made = super().str_schema(schema)
        if "pattern" in made:
            made["pattern"] = _BEYOND_ECMA.sub("", made["pattern"]).replace('\\"', '"')
        return made


@cache
def _told_of(kind: type[BaseModel]) -> dict[str, str]:
    """The text under each field of a model, by the field's name."""
    told: dict[str, str] = {}
    for model in reversed(kind.__mro__):
        if not (issubclass(model, BaseModel) and model.__module__.startswith("perfgate.")):
            continue
        (body,) = ast.parse(textwrap.dedent(inspect.getsource(model))).body
        assert isinstance(body, ast.ClassDef)  # noqa: S101 - what the source of a class is
        for field, text in pairwise(body.body):
            if (
                isinstance(field, ast.AnnAssign)
                and isinstance(field.target, ast.Name)
                and isinstance(text, ast.Expr)
                and isinstance(text.value, ast.Constant)
                and isinstance(text.value.value, str)
            ):
                told[field.target.id] = inspect.cleandoc(text.value.value)
    return told


def _plain(told: str) -> str:
    """A docstring as an editor shows it: paragraphs, and code between backticks."""
    paragraphs = (" ".join(part.split()) for part in inspect.cleandoc(told).split("\n\n"))
    return _ROLE.sub("`", "\n\n".join(paragraphs)).replace("``", "`")
