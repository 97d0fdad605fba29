"""Reads whichever document a file holds, for comparing; decides nothing.

A file says itself what it is: perfgate's documents by their schema, sglang's by their keys.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from perfgate.backends.reports import MAX_REPORT_BYTES, ReportError, parse_reports
from perfgate.baselines.native import Baseline, parse_baseline
from perfgate.baselines.sglang import SglangBaseline, parse_sglang_baseline
from perfgate.errors import ConfigurationError
from perfgate.profile.sglang import STAGE_METRICS, FormatError, parse_log
from perfgate.records import Record, Report, parse_record

ACCEPTED = (
    "Give one paired record.json of a gate, two records of one machine and suite, "
    "a baseline file and a record, two sglang performance dumps, "
    "or an sglang baseline file and a dump or record."
)
_OWN = re.compile(r'\s*\{\s*"schema"\s*:\s*"(perfgate\.[a-z]+)"')
"""perfgate writes the schema first, which saves parsing a large document twice."""
_DUMP_KEYS = {"total_duration_ms", "steps"}
_TOLD = ("model", "prompt")


@dataclass(frozen=True, kw_only=True)
class Dump:
    """The requests of one sglang performance dump or log.

    ``denoising`` names the stages that denoise, None where the file does not say; ``meta`` is what
    it tells of the workload.
    """

    name: str
    reports: tuple[Report, ...]
    commit: str
    denoising: frozenset[str] | None
    meta: dict[str, str]


Document: TypeAlias = Record | Baseline | SglangBaseline | Dump


def read_document(path: Path) -> Document:
    """The document in a file.

    Raises ConfigurationError for what is none, BaselineError for a baseline not to be trusted.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}", fix=ACCEPTED) from error
    own = _OWN.match(text)
    if own is not None and own[1] == "perfgate.record":
        return parse_record(text, source=str(path))
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        if _is_log_line(text.partition("\n")[0]):
            return _dump(path, text)
        raise ConfigurationError(f"{path} is not JSON: {error}", fix=ACCEPTED) from error
    return _known(path, text, data)


def _known(path: Path, text: str, data: Any) -> Document:  # noqa: ANN401 - whatever the file says
    if isinstance(data, dict):
        if data.get("schema") == "perfgate.baseline":
            return parse_baseline(text, source=str(path))
        if data.get("schema") == "perfgate.record":
            return parse_record(text, source=str(path))
        if "schema" not in data and "scenarios" in data:
            return parse_sglang_baseline(text, source=str(path))
        if data.get("tag") == STAGE_METRICS:
            return _dump(path, text)
    one = data[0] if isinstance(data, list) and data else data
    if isinstance(one, dict) and one.keys() >= _DUMP_KEYS:
        return _dump(path, text)
    raise ConfigurationError(
        f"{path} is neither a record nor a baseline, and no sglang performance dump", fix=ACCEPTED
    )


def _is_log_line(line: str) -> bool:
    try:
        data = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(data, dict) and isinstance(data.get("tag"), str)


def _dump(path: Path, text: str) -> Dump:
    if len(text.encode()) > MAX_REPORT_BYTES:
        raise ConfigurationError(
            f"{path} is larger than {MAX_REPORT_BYTES} bytes", fix="Give a dump of fewer requests."
        )
    try:
        reports = parse_reports(text)
    except ReportError as error:
        raise ConfigurationError(f"{path}: {error}", fix=ACCEPTED) from error
    said = reports[-1].extra
    meta = said.get("meta")
    known = meta if isinstance(meta, dict) else {}
    return Dump(
        name=path.name,
        reports=reports,
        commit=str(said.get("commit_hash") or "unknown"),
        denoising=_denoising(text),
        meta={key: known[key] for key in _TOLD if isinstance(known.get(key), str)},
    )


def _denoising(text: str) -> frozenset[str] | None:
    """The stages that a log flags as denoising; a dump flags none, nor did the first logs."""
    try:
        stages = [
            stage
            for line in parse_log(text)
            if line.tag == STAGE_METRICS
            for stage in line.stages
            if stage.is_denoising is not None
        ]
    except FormatError:
        return None
    return frozenset(stage.name for stage in stages if stage.is_denoising) if stages else None
