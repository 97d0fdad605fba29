"""Audits one file of the baselines, whichever kind it is, alone and against its earlier version.

Text in, findings out; no effect.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from perfgate.baselines.accepted import NAME as ACCEPTED
from perfgate.baselines.audit import Finding, Limits, as_text, in_order, not_repeated
from perfgate.baselines.audit_accepted import Key, Permissions, audit_accepted, audit_permissions
from perfgate.baselines.audit_against import audit_changes
from perfgate.baselines.audit_native import KIND as NATIVE
from perfgate.baselines.audit_native import audit_native
from perfgate.baselines.audit_native_against import Terms, audit_native_changes
from perfgate.baselines.audit_sglang import SCENARIOS, audit_sglang
from perfgate.baselines.audit_state import Kept, standing_on
from perfgate.baselines.calibration import parse_calibration
from perfgate.baselines.places import Document, read_document
from perfgate.baselines.sglang import MAX_FILE_BYTES
from perfgate.errors import BaselineError

_RESTORE = "restore the file from its last commit"


@dataclass(frozen=True, kw_only=True)
class Version:
    """One version of a file, by itself.

    ``document`` is None where it is no JSON, ``permissions`` where it holds no acceptances.
    """

    document: Document | None
    findings: tuple[Finding, ...]
    permissions: Permissions | None = None


@dataclass(frozen=True, kw_only=True)
class Audit:
    """What is wrong in a file; ``standing`` counts what its earlier version holds just the same."""

    findings: tuple[Finding, ...]
    standing: int = 0


def audit_version(text: str, *, name: str, limits: Limits) -> Version:
    """A file by itself; ``name`` is its path as it is told, with / between its parts."""
    if len(text.encode("utf-8", "replace")) > MAX_FILE_BYTES:
        return _refused(name, f"the file is larger than {MAX_FILE_BYTES} bytes")
    if PurePosixPath(name).name == ACCEPTED:
        found = audit_accepted(text, name=name, limits=limits)
        return Version(document=None, findings=found.findings, permissions=found)
    try:
        document = read_document(text, name=name)
    except json.JSONDecodeError as error:
        return _refused(name, f"this is not JSON: {error.msg}: {_RESTORE}", line=error.lineno)
    except (ValueError, RecursionError) as error:
        return _refused(name, f"this is not JSON: {error}: {_RESTORE}")
    return Version(document=document, findings=tuple(in_order(_of_its_kind(document, limits))))


def scenarios_of(version: Version) -> tuple[str, ...]:
    """The scenarios of one of sglang's files; of another kind of file none."""
    document = version.document
    if document is None or not _is_sglang(document):
        return ()
    found = document.value[SCENARIOS]
    return tuple(found) if isinstance(found, dict) else ()


def audit_against(
    new: Version,
    old: Version,
    *,
    terms: Terms,
    kept: Mapping[str, Kept],
    figures: Mapping[Key, float],
) -> Audit:
    """A file and what changed in it; what the earlier version holds just the same is counted.

    ``kept`` is for sglang's files: by scenario, the launches that are kept beside them.
    ``figures`` is for permissions: what the baselines beside them hold, by their keys.
    """
    fresh = not_repeated(new.findings, old.findings)
    if new.permissions is not None and old.permissions is not None:
        changes = audit_permissions(
            new.permissions, old.permissions, figures=figures, policy=terms.policy
        )
    else:
        changes = _changes(new, old, terms, kept)
    found = [*fresh, *changes]
    return Audit(findings=tuple(in_order(found)), standing=len(new.findings) - len(fresh))


def _changes(new: Version, old: Version, terms: Terms, kept: Mapping[str, Kept]) -> list[Finding]:
    """What changed, by the kind of file."""
    after, before = new.document, old.document
    if after is None or before is None:
        return []
    if not _same_kind(after, before):
        return [_at(after.name, "this was another kind of file: what it guarded is gone")]
    if _is_sglang(after):
        launches = standing_on(after, before, kept, terms)
        changes = audit_changes(after, before, found=new.findings, measured=launches.measured)
        return [*changes, *launches.findings]
    return audit_native_changes(after, before, terms) if _schema(after) == NATIVE else []


def _of_its_kind(document: Document, limits: Limits) -> list[Finding]:
    if _is_sglang(document):
        return audit_sglang(document, limits)
    kind = _schema(document)
    if kind == NATIVE:
        return audit_native(document, limits)
    if kind == "perfgate.calibration":
        return _calibration(document)
    return [_at(document.name, "this is neither a baseline of perfgate nor a file of sglang's")]


def _is_sglang(document: Document) -> bool:
    data = document.value
    return isinstance(data, dict) and SCENARIOS in data and "schema" not in data


def _same_kind(one: Document, other: Document) -> bool:
    return _is_sglang(one) == _is_sglang(other) and _schema(one) == _schema(other)


def _schema(document: Document) -> object:
    return document.value.get("schema") if isinstance(document.value, dict) else None


def _calibration(document: Document) -> list[Finding]:
    # Outside of a hardware key's folder nothing but the file says which machine it is of.
    key = PurePosixPath(document.name).parent.name or str(document.value.get("hardware_key"))
    try:
        parse_calibration(document.text, source=document.name, hardware_key=key)
    except BaselineError as error:
        return [_of_refusal(document.name, error)]
    return []


def _of_refusal(name: str, error: BaselineError) -> Finding:
    return _at(name, error.problem.removeprefix(f"{name}: "))


def _refused(name: str, message: str, *, line: int = 1) -> Version:
    return Version(document=None, findings=(_at(name, message, line=line),))


def _at(name: str, message: str, *, line: int = 1) -> Finding:
    return Finding(
        file=name, line=line, scenario="", field="", severity="error", message=as_text(message)
    )
