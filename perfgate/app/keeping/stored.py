"""Reads what the repository at hand keeps: entries and permissions to be slower; writes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Literal

from pydantic import Field

from perfgate.app.keeping.kept_files import folder_of, kept_below, read_kept
from perfgate.app.measuring.trees import read_suite
from perfgate.baselines.accepted import NAME as ACCEPTED
from perfgate.baselines.accepted import parse_accepted
from perfgate.baselines.change import MetricChange
from perfgate.baselines.margins import Margins
from perfgate.baselines.native import Baseline
from perfgate.baselines.store import load_baselines
from perfgate.baselines.update import changes_since
from perfgate.errors import ConfigurationError
from perfgate.records import Value
from perfgate.sides.git import Git, open_repository
from perfgate.suite import Suite
from perfgate.verdict.acceptance import Acceptance


class Debt(Value):
    """A permission, how long it still holds, and since when its figure is slower.

    ``since`` is the date of the reference's commit, None where the commit is not here.
    """

    acceptance: Acceptance
    days_left: int
    since: str | None = None


class Debts(Value):
    """All permissions, the oldest first."""

    schema_name: Literal["perfgate.debts"] = Field("perfgate.debts", alias="schema")
    version: Literal[1] = 1
    debts: tuple[Debt, ...] = ()


class Entry(Value):
    """What is kept of one case on one kind of machine, for people: no launches."""

    case: str
    hardware_key: str
    jobs: int
    launches: int
    commit: str
    date: str
    metrics: tuple[MetricChange, ...] = Field(default=())


class Entries(Value):
    """All entries, by hardware key and case."""

    schema_name: Literal["perfgate.entries"] = Field("perfgate.entries", alias="schema")
    version: Literal[1] = 1
    entries: tuple[Entry, ...] = ()


def debts(start: Path, environ: Mapping[str, str], *, suite: str, today: date) -> Debts:
    """Every permission in the working tree.

    Raises ConfigurationError for a suite without baselines, BaselineError for a file that cannot
    be trusted.
    """
    git, judge = _open(start, environ, suite)
    path = str(folder_of(judge, named=suite) / ACCEPTED)
    text = read_kept(git, path)
    found = [
        Debt(acceptance=one, days_left=one.days_left(today), since=_since(git, one))
        for one in (() if text is None else parse_accepted(text, source=path))
    ]
    # What has no date that is known comes last: it says nothing of its age.
    found.sort(key=lambda one: (one.since or "9", one.acceptance.expires, one.acceptance.key))
    return Debts(debts=tuple(found))


def entries(
    start: Path, environ: Mapping[str, str], *, suite: str, only: Sequence[str] = ()
) -> Entries:
    """Every entry in the working tree, or those of ``only`` these cases; raises as :func:`debts`.

    ConfigurationError, too, for a case that has none.
    """
    git, judge = _open(start, environ, suite)
    files = kept_below(git, folder_of(judge, named=suite), "*/*.json")
    keys = sorted({path.split("/")[-2] for path in files})
    found = [
        _entry(one, judge)
        for key in keys
        for _, one in sorted(load_baselines(files, hardware_key=key).items())
        if not only or one.case in only
    ]
    missing = [name for name in only if all(one.case != name for one in found)]
    if missing:
        raise ConfigurationError(
            f"nothing is kept of {', '.join(missing)}",
            fix="`perfgate baseline show` without --case lists what there is.",
        )
    return Entries(entries=tuple(found))


def _open(start: Path, environ: Mapping[str, str], suite: str) -> tuple[Git, Suite]:
    git = open_repository(start, environ)
    return git, read_suite(git, suite)


def _since(git: Git, acceptance: Acceptance) -> str | None:
    commit = acceptance.reference.commit.removesuffix("-dirty")
    return git.asks("show", "--no-patch", "--format=%cs", f"{commit}^{{commit}}")


def _entry(baseline: Baseline, judge: Suite) -> Entry:
    newest = baseline.jobs[-1]
    margins = Margins.of_machine(baseline.hardware_key, judge.gate.policy())
    return Entry(
        case=baseline.case,
        hardware_key=baseline.hardware_key,
        jobs=baseline.derived.jobs,
        launches=baseline.derived.launches,
        commit=newest.commit,
        date=newest.date,
        metrics=changes_since(baseline, None, margins),
    )
