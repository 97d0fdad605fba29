"""Audits baseline files as they lie in the working tree, against a commit or another file.

Changes nothing. What is wrong is a value; only what keeps it from looking is raised.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from perfgate.app.keeping.earlier import InCommit, OtherFile, find_earlier, read_text
from perfgate.app.keeping.state import State
from perfgate.baselines.accepted import NAME as ACCEPTED
from perfgate.baselines.accepted import render_accepted
from perfgate.baselines.audit import Finding, Limits, as_text, in_order, not_repeated
from perfgate.baselines.audit_file import (
    Audit,
    Version,
    audit_against,
    audit_version,
    scenarios_of,
)
from perfgate.baselines.audit_software import audit_software
from perfgate.errors import ConfigurationError, ExitCode
from perfgate.github.workflow import MOST_ANNOTATIONS, annotation
from perfgate.report.escape import one_line
from perfgate.report.findings import Findings

MAX_AGE_DAYS = 180


@dataclass(frozen=True, kw_only=True)
class CheckRequest:
    """What to look at; ``files`` are as a person names them at ``start``, a folder is all in it.

    ``against`` is a git ref, or the one file that the one file is compared with. ``suite`` is a
    path below the repository; it says which margins hold and where launches are kept.
    """

    start: Path
    files: tuple[Path, ...]
    against: str | None
    suite: str
    today: date
    max_age_days: int = MAX_AGE_DAYS


def check(
    request: CheckRequest, environ: Mapping[str, str], *, perfgate: str
) -> tuple[Findings, ExitCode]:
    """What is wrong in the files, and the exit code: 5 where something is an error.

    Raises ConfigurationError where a file, the ref or the suite cannot be read.
    """
    files = [*_files(request)]
    limits = Limits(today=request.today, max_age_days=request.max_age_days)
    look = _Look(limits=limits, notes=[])
    if request.against is not None:
        earlier = find_earlier(request.start, environ, request.against, files=len(files))
        state = State.of(earlier, suite=request.suite, today=request.today)
        look = _Look(limits=limits, notes=[], earlier=earlier, state=state)
    looked = [look.at(request.start / file, name=as_text(file.as_posix())) for file in files]
    audits = [look.audit(one) for one in looked]
    found = [one for audit in audits for one in audit.findings]
    found += [*look.vanished(request), *look.software(looked)]
    findings = Findings(
        perfgate=perfgate,
        files=tuple(one.name for one in looked),
        against=look.earlier.told if look.earlier is not None else "",
        standing=sum(audit.standing for audit in audits),
        notes=tuple(look.notes),
        findings=tuple(in_order(found)),
    )
    return findings, ExitCode.BASELINE if findings.of("error") else ExitCode.OK


def _files(request: CheckRequest) -> Iterator[Path]:
    """Every file to look at, once; of a folder, the baselines and what stands beside them."""
    seen: set[Path] = set()
    for given in request.files:
        place = request.start / given
        found = sorted(_below(place, given)) if place.is_dir() else [given]
        if not found:
            raise ConfigurationError(f"{given} holds no baselines", fix="Name a file, or a folder.")
        for file in found:
            if file not in seen:
                seen.add(file)
                yield file


def _below(place: Path, given: Path) -> Iterator[Path]:
    for file in place.rglob("*"):
        inside = file.relative_to(place)
        if file.is_symlink() and (_is_baseline(inside) or any(file.glob("*.json"))):
            raise ConfigurationError(
                f"{given / inside} is a symbolic link: git keeps the path that it points to, and "
                "that is what a gate reads",
                fix="Put the file itself there.",
            )
        if _is_baseline(inside) and not file.is_dir():
            yield given / inside


def _is_baseline(inside: Path) -> bool:
    hidden = any(part.startswith(".") for part in inside.parts)
    return not hidden and (inside.suffix == ".json" or inside.name == ACCEPTED)


@dataclass(frozen=True, kw_only=True)
class _Looked:
    """A file as it is and, where there is one to compare with, as it was."""

    path: Path
    name: str
    new: Version
    old: Version | None


@dataclass(frozen=True, kw_only=True)
class _Look:
    """How files are looked at; what could not be compared goes to ``notes``."""

    limits: Limits
    notes: list[str]
    earlier: InCommit | OtherFile | None = None
    state: State | None = None

    def at(self, path: Path, *, name: str) -> _Looked:
        new = audit_version(read_text(path), name=name, limits=self.limits)
        text = self.earlier.text(path) if self.earlier is not None else None
        if text is None and isinstance(self.earlier, InCommit) and path.name == ACCEPTED:
            text = render_accepted(())
        old = audit_version(text, name=name, limits=self.limits) if text is not None else None
        if self.earlier is not None and (old is None or (new.document and not old.document)):
            why = "is not in" if old is None else "is not JSON in"
            self.notes.append(f"{name} {why} {self.earlier.told}: it is compared with nothing")
        return _Looked(path=path, name=name, new=new, old=old)

    def audit(self, one: _Looked) -> Audit:
        if one.old is None or self.state is None:
            return Audit(findings=one.new.findings)
        kept = self.state.kept(one.path, scenarios_of(one.new))
        return audit_against(
            one.new,
            one.old,
            terms=self.state.terms(one.path),
            kept=kept,
            figures=self.state.figures(one.path) if one.new.permissions is not None else {},
        )

    def software(self, looked: Sequence[_Looked]) -> list[Finding]:
        """Across files: entries of one machine that were measured on different software."""
        now = audit_software(one.new.document for one in looked if one.new.document)
        olds = (one.old.document for one in looked if one.old is not None)
        return not_repeated(now, audit_software(one for one in olds if one is not None))

    def vanished(self, request: CheckRequest) -> Iterator[Finding]:
        """Files of the named folders that the earlier commit has and the working tree has not."""
        if not isinstance(self.earlier, InCommit):
            return
        for given in request.files:
            place = request.start / given
            for inside in self.earlier.below(place) if place.is_dir() else ():
                if _is_baseline(inside) and not (place / inside).is_file():
                    yield Finding(
                        file=as_text((given / inside).as_posix()),
                        line=1,
                        scenario="",
                        field="",
                        severity="error",
                        message="the file vanished: nothing guards what it held",
                    )


def workflow_commands(findings: Findings, environ: Mapping[str, str], *, start: Path) -> list[str]:
    """Annotations that show findings on their lines, errors first; none outside a runner.

    GitHub shows so many of a kind from one step and no more; the table has them all.
    """
    if environ.get("GITHUB_ACTIONS") != "true":
        return []
    root = Path(environ.get("GITHUB_WORKSPACE") or start).resolve()
    return [
        annotation(
            one.severity,
            one_line(f"{one.field}: {one.message}" if one.field else one.message, limit=1000),
            title=one_line(f"perfgate: {one.scenario or 'baselines'}"),
            place=(_from_root(start / one.file, root), one.line),
        )
        for severity in ("error", "warning")
        for one in findings.of(severity)[:MOST_ANNOTATIONS]
    ]


def _from_root(path: Path, root: Path) -> str:
    real = path.resolve()
    return (real.relative_to(root) if real.is_relative_to(root) else real).as_posix()
