"""Audits baseline files as they lie in the working tree, against a commit or another file.

Changes nothing. What is wrong is a value; only what keeps it from looking is raised.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from perfgate.baselines.accepted import NAME as ACCEPTED
from perfgate.baselines.audit import Finding, Limits
from perfgate.baselines.audit_file import Audit, audit_against, audit_version
from perfgate.errors import ConfigurationError, ExitCode
from perfgate.github.workflow import MOST_ANNOTATIONS, annotation
from perfgate.report.escape import one_line
from perfgate.report.findings import Findings
from perfgate.sides.git import Git, open_repository
from perfgate.sides.resolve import Trigger, resolve_base

MAX_AGE_DAYS = 180


@dataclass(frozen=True, kw_only=True)
class CheckRequest:
    """What to look at; ``files`` are as a person names them at ``start``, a folder is all in it.

    ``against`` is a git ref, or the one file that the one file is compared with.
    """

    start: Path
    files: tuple[Path, ...]
    against: str | None
    today: date
    max_age_days: int = MAX_AGE_DAYS


def check(
    request: CheckRequest, environ: Mapping[str, str], *, perfgate: str
) -> tuple[Findings, ExitCode]:
    """What is wrong in the files, and the exit code: 5 where something is an error.

    Raises ConfigurationError where a file or the ref cannot be read.
    """
    files = [*_files(request)]
    limits = Limits(today=request.today, max_age_days=request.max_age_days)
    earlier = _earlier(request, environ, files)
    found: list[Finding] = []
    notes: list[str] = []
    standing = 0
    for file in files:
        audit = _audit(request.start / file, file.as_posix(), earlier, limits, notes)
        found += audit.findings
        standing += audit.standing
    findings = Findings(
        perfgate=perfgate,
        files=tuple(str(file) for file in files),
        against=earlier.told if earlier is not None else "",
        standing=standing,
        notes=tuple(notes),
        findings=tuple(found),
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
        hidden = any(part.startswith(".") for part in inside.parts)
        if not hidden and (file.suffix == ".json" or file.name == ACCEPTED) and file.is_file():
            yield given / inside


def _audit(
    path: Path, name: str, earlier: _Earlier | None, limits: Limits, notes: list[str]
) -> Audit:
    new = audit_version(_text(path), name=name, limits=limits)
    if earlier is None:
        return Audit(findings=new.findings)
    text = earlier.text(path)
    if text is None:
        notes.append(f"{name} is not in {earlier.told}: nothing to compare it with")
        return Audit(findings=new.findings)
    old = audit_version(text, name=name, limits=limits)
    if old.document is None and new.document is not None:
        notes.append(f"{name} in {earlier.told} is not JSON: nothing to compare it with")
    return audit_against(new, old, measured={})


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be read: {error.strerror}", fix="Name a baseline file, or their folder."
        ) from error


@dataclass(frozen=True, kw_only=True)
class _Earlier:
    """Where the earlier versions are: in a commit of ``git``, or the one ``other`` file."""

    told: str
    git: Git | None = None
    commit: str = ""
    other: Path | None = None

    def text(self, path: Path) -> str | None:
        """The earlier version of the file at ``path``; None where there is none."""
        if self.git is None:
            return None if self.other is None else _text(self.other)
        real = path.resolve()
        if not real.is_relative_to(self.git.root):
            raise ConfigurationError(
                f"{path} is outside of the repository {self.git.root}",
                fix="Give the other version as a file: --against FILE.",
            )
        return self.git.file_at(self.commit, real.relative_to(self.git.root).as_posix())


def _earlier(
    request: CheckRequest, environ: Mapping[str, str], files: Sequence[Path]
) -> _Earlier | None:
    """A ref wins over a file of its name: files can be named with a leading ./."""
    if request.against is None:
        return None
    other = request.start / request.against
    try:
        git = open_repository(request.start, environ)
        commit = git.commit_of(request.against)
        if commit is None and not other.is_file():
            commit, _ = resolve_base(git, Trigger(name="local"), base=request.against)
        if commit is not None:
            return _Earlier(told=f"{request.against} ({commit[:12]})", git=git, commit=commit)
    except ConfigurationError:
        if not other.is_file():
            raise
    if len(files) != 1:
        raise ConfigurationError(
            f"{request.against} is one file, and {len(files)} are to be compared with it",
            fix="Name one file, or a git ref that holds them all.",
        )
    return _Earlier(told=request.against, other=other)


def workflow_commands(findings: Findings, environ: Mapping[str, str], *, start: Path) -> list[str]:
    """Workflow commands that show findings on their lines, errors first; none outside a runner.

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
