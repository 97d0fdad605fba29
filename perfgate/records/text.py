"""Records, decisions and results as JSON text, and back."""

from __future__ import annotations

from typing import TypeVar

from pydantic import ValidationError

from perfgate.errors import ConfigurationError
from perfgate.records.decided import Decision
from perfgate.records.measured import Record
from perfgate.records.planned import FleetPlan
from perfgate.records.results import Results
from perfgate.records.value import first_problem


def parse_record(text: str, *, source: str) -> Record:
    """Read a record; raises ConfigurationError naming ``source`` for anything else."""
    return _parse(Record, text, source=source)


def parse_decision(text: str, *, source: str) -> Decision:
    """Read a decision; raises ConfigurationError naming ``source`` for anything else."""
    return _parse(Decision, text, source=source)


def parse_results(text: str, *, source: str) -> Results:
    """Read results; raises ConfigurationError naming ``source`` for anything else."""
    return _parse(Results, text, source=source)


def parse_plan(text: str, *, source: str) -> FleetPlan:
    """Read a plan; raises ConfigurationError naming ``source`` for anything else."""
    return _parse(FleetPlan, text, source=source)


def to_json(document: Record | Decision | Results | FleetPlan) -> str:
    """The document as JSON text with a final newline; floats keep every digit."""
    return document.model_dump_json(indent=1) + "\n"


_Document = TypeVar("_Document", Record, Decision, Results, FleetPlan)


def _parse(kind: type[_Document], text: str, *, source: str) -> _Document:
    try:
        return kind.model_validate_json(text)
    except ValidationError as error:
        raise ConfigurationError(
            f"{source} is not a {kind.__name__.lower()} that this perfgate reads: "
            f"{first_problem(error)}",
            fix="Give a file that perfgate wrote, or update perfgate if a newer one wrote it.",
        ) from error
