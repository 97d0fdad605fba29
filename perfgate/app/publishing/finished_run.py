"""Judges what a finished run of another workflow measured; only reads, and can be asked again.

Its artifacts were packed by a stranger's job: of each only the record is taken, and judged anew by
the base's rules. What cannot be used is told, and leaves no suite without an answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from perfgate import __version__
from perfgate.app.publishing.base_rules import (
    SuiteAt,
    Target,
    find_target,
    judge_commit,
    read_suite_at,
    rules_for,
)
from perfgate.app.publishing.judged_again import decide_again, joined
from perfgate.app.publishing.request import SuiteText
from perfgate.errors import BaselineError, ConfigurationError, ExitCode
from perfgate.github.archive import record_text
from perfgate.github.event import FinishedRun
from perfgate.github.problems import short
from perfgate.github.runs import MAX_ARCHIVE_BYTES, OF_A_CHANGE, RunApi, chosen
from perfgate.records import SEVERITY, Decision, Problem, Record, Tree, Verdict, parse_record
from perfgate.suite import Suite

MAX_RECORDS_CHARS: Final = 64_000_000
"""Of all records of a run together: they are held at once."""


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A decision, and the record that it rests on; None where there is none to rest on.

    ``suite`` is the suite file as the change has it, where that is the base's.
    """

    decision: Decision
    record: Record | None
    suite: SuiteText | None = None


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What is to be published of a run, the worst first, and what is to be told in the log.

    ``target`` is None where nothing may be published; ``notes`` say why. ``refused`` are the
    artifacts that cannot be used.
    """

    target: Target | None = None
    judged: tuple[Judged, ...] = ()
    notes: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()


def judge_run(
    run: FinishedRun, api: RunApi, *, repository: str, suites: Sequence[str], today: date
) -> Findings:
    """What the run measured, by the rules of the base's ``suites``, which are paths in its tree.

    Raises GitHubError, and ConfigurationError for a suite of the base that cannot be read.
    """
    if run.event not in OF_A_CHANGE:
        return Findings(notes=(f"the finished run was for {run.event}, which is no change",))
    target, why = find_target(run, api, repository=repository)
    if target is None:
        return Findings(notes=(why,))
    judge = _Judge(
        target=target,
        api=api,
        by_fork=run.head_repository.lower() != repository.lower(),
        today=today,
    )
    return judge.of(run, suites)


@dataclass(kw_only=True)
class _Judge:
    """One run's records on their way to decisions, with what is found to tell."""

    target: Target
    api: RunApi
    by_fork: bool
    today: date
    notes: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def of(self, run: FinishedRun, paths: Sequence[str]) -> Findings:
        suites = self._suites(paths)
        artifacts, notes = chosen(self.api.artifacts(run.id))
        self.notes.extend(notes)
        if not artifacts:
            self.notes.append("the run has no artifact whose name starts with perfgate")
        records: list[Record] = []
        room = MAX_RECORDS_CHARS
        for one in artifacts if suites else ():
            room -= self._read(one.id, short(one.name), records, room=room)
        known = {at.suite.name for at in suites}
        for other in sorted({record.suite for record in records} - known):
            self.notes.append(f"a record is of the suite {short(other)!r}, which is not published")
        unread = tuple(self.refused)
        judged = [one for at in suites for one in self._judged(at, records, unread=unread)]
        judged.sort(key=lambda one: SEVERITY.index(one.decision.verdict))
        return Findings(
            target=self.target,
            judged=tuple(judged),
            notes=tuple(self.notes),
            refused=tuple(self.refused),
        )

    def _suites(self, paths: Sequence[str]) -> list[SuiteAt]:
        found = []
        for path in paths:
            at = read_suite_at(self.api, self.target.base_sha, path)
            if at is None:
                self.notes.append(f"the base has no suite file {path}, so that nothing is judged")
            else:
                found.append(at)
        return found

    def _read(self, artifact: int, name: str, records: list[Record], *, room: int) -> int:
        """Add the artifact's record; returns how many characters it took of the ``room``."""
        text = ""
        try:
            text = record_text(self.api.download(artifact, limit_bytes=MAX_ARCHIVE_BYTES))
            if len(text) > room:
                raise ConfigurationError(
                    f"the run's records have more than {MAX_RECORDS_CHARS} characters together",
                    fix="Measure fewer cases in one run.",
                )
            records.append(parse_record(text, source="its record.json"))
        except ConfigurationError as error:
            self.refused.append(f"artifact {name}: {short(error.problem)}")
        return len(text)

    def _judged(
        self, at: SuiteAt, records: Sequence[Record], *, unread: Sequence[str]
    ) -> list[Judged]:
        """The decisions about one suite: parts on one machine are joined, others stand apart.

        Where an artifact was refused and none is of this suite, that is what it is told.
        """
        found, suite = [], at.suite
        for record in _together([one for one in records if one.suite == suite.name]):
            try:
                found.append(self._decided(at.path, record))
            except (ConfigurationError, BaselineError) as error:
                self.refused.append(f"suite {suite.name}: {short(error.problem)}")
                found.append(self._problem(suite, error.problem, error.fix, code=error.exit_code))
        if not found and unread:
            fix = "Measure again, with the workflow that perfgate's docs/forks.md shows."
            why = "\n".join(unread)
            found.append(self._problem(suite, why, fix, code=ExitCode.CONFIGURATION))
        if not found:
            self.notes.append(f"no record is of the suite {suite.name}")
        return found

    def _decided(self, path: str, record: Record) -> Judged:
        commit = judge_commit(record, self.target, self.api)
        at = read_suite_at(self.api, commit, path)
        if at is None:
            raise ConfigurationError(
                f"the base {commit[:12]} has no suite file {path}", fix="Measure on a newer base."
            )
        rules = rules_for(record, self.target, self.api, commit=commit, at=at, today=self.today)
        decision, seen = decide_again(record, rules, measured_by_fork=self.by_fork)
        same = None if rules.may_change else SuiteText(path=path, text=at.text)
        return Judged(decision=decision, record=seen, suite=same)

    def _problem(self, suite: Suite, problem: str, fix: str, *, code: int) -> Judged:
        decision = Decision(
            perfgate=__version__,
            suite=suite.name,
            conclusion="failure",
            verdict=Verdict.FAILED,
            exit_code=code,
            strategy="none",
            hardware_key="unknown",
            head=Tree(commit=self.target.head_sha, ref=self.target.name),
            problem=Problem(problem=problem, fix=fix, exit_code=code),
            measured_by_fork=self.by_fork,
        )
        return Judged(decision=decision, record=None)


def _together(records: Sequence[Record]) -> Sequence[Record]:
    whole = joined(records) if len(records) > 1 else None
    return records if whole is None else (whole,)
