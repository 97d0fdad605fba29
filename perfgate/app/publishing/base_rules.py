"""Reads through GitHub's API what a finished run is judged by: its change, and the base's rules.

Nothing of the change is read but the names of its commits and of the files that it touches. What a
record claims of its commits is held against what GitHub knows of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from pathlib import PurePosixPath

from perfgate.app.keeping.kept_files import is_key
from perfgate.app.keeping.sglang_files import plain_at
from perfgate.app.known import known_noise
from perfgate.app.measuring.selection import Change, Chosen, Selection, not_selected
from perfgate.app.publishing.judged_again import Rules
from perfgate.baselines.accepted import NAME as ACCEPTED
from perfgate.baselines.accepted import parse_accepted
from perfgate.baselines.calibration import NAME as CALIBRATION
from perfgate.baselines.store import load_baselines, stored_jobs
from perfgate.errors import ConfigurationError
from perfgate.github.branches import Snapshot
from perfgate.github.event import FinishedRun
from perfgate.github.problems import GitHubError
from perfgate.github.runs import RunApi, pull_request_of, queue_base
from perfgate.records import Origin, Record, Tree
from perfgate.suite import Case, Suite, parse_suite
from perfgate.verdict.permission import Permissions

_SHA = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")


@dataclass(frozen=True, kw_only=True)
class Target:
    """The change that a run measured, as GitHub tells it.

    ``base_sha`` is a commit of the base branch that the change was made or merged onto, ``paths``
    are None where GitHub does not list all of them; a merge queue's group has no number.
    """

    event: str
    head_sha: str
    base_ref: str
    base_sha: str
    number: int | None = None
    labels: tuple[str, ...] = ()
    paths: tuple[str, ...] | None = None

    @property
    def name(self) -> str:
        return "the merge group" if self.number is None else f"pull request {self.number}"


def find_target(run: FinishedRun, api: RunApi, *, repository: str) -> tuple[Target | None, str]:
    """The change that the run was for, or why nothing can be published about it.

    Raises GitHubError.
    """
    if run.event == "merge_group":
        return _group(run, api, repository=repository)
    if not run.head_owner or not run.head_branch:
        return None, "the repository or the branch that the run was for is gone"
    change, why = pull_request_of(run, api.changes_from(run.head_owner, run.head_branch))
    if change is None:
        return None, why
    target = Target(
        event=run.event,
        head_sha=run.head_sha,
        base_ref=change.base_ref,
        base_sha=change.base_sha,
        number=change.number,
        labels=change.labels,
        paths=api.changed_paths(change.number),
    )
    return target, ""


def _group(run: FinishedRun, api: RunApi, *, repository: str) -> tuple[Target | None, str]:
    """A merge queue's group: GitHub alone makes its branch, in this repository."""
    base = queue_base(run, repository)
    tip = api.tip(base) if base is not None else None
    if base is None or tip is None:
        return None, "the merge group's branch does not say what it goes to"
    since = api.compare(tip, run.head_sha)
    return Target(
        event=run.event,
        head_sha=run.head_sha,
        base_ref=base,
        base_sha=since.merge_base,
        paths=tuple(sorted(since.files)) if since.whole else None,
    ), ""


def judge_commit(record: Record, target: Target, api: RunApi) -> str:
    """The commit of the base branch whose rules judge the record: never one before the base's.

    Raises ConfigurationError where the record's head is neither the change's last commit nor
    GitHub's merge of it, or where its base is no base of that; GitHubError.
    """
    head, base = record.head.commit, record.base.commit if record.base is not None else ""
    if not (_SHA.fullmatch(head) and _SHA.fullmatch(base)):
        raise _another("it names no commits of base and head")
    if api.commit(base) is None:
        raise _another(f"its base {base[:12]} is no commit of this repository")
    if head == target.head_sha:
        if not _is_before(api, base, head):
            raise _another(f"its base {base[:12]} is no part of its head's history")
    else:
        merge = api.commit(head)
        parents = merge.parents if merge is not None else ()
        if parents != (base, target.head_sha):
            raise _another(
                f"it measured {head[:12]}, which is neither the last commit of {target.name}, "
                f"{target.head_sha[:12]}, nor a merge of it into its base {base[:12]}"
            )
    if target.number is None:
        # A group may stand on another one, which is on no branch yet.
        known = _is_before(api, target.base_sha, base)
        judge = target.base_sha
    else:
        tip = api.tip(target.base_ref) or target.base_sha
        known = _is_before(api, base, target.base_sha) or _is_before(api, base, tip)
        # A base that is older than GitHub's must not bring older rules along.
        judge = base if _is_before(api, target.base_sha, base) else target.base_sha
    if not known:
        raise _another(f"its base {base[:12]} is not on the branch {target.base_ref}")
    return judge


@dataclass(frozen=True, kw_only=True)
class SuiteAt:
    """The suite file of a commit: what it says, and its text."""

    path: str
    suite: Suite
    text: str


def read_suite_at(api: RunApi, commit: str, path: str) -> SuiteAt | None:
    """The suite of a commit; None where that has none. Raises ConfigurationError, GitHubError."""
    text = Snapshot(api=api, commit=commit).text(path)
    if text is None:
        return None
    suite = parse_suite(text, source=f"{path} at base {commit[:12]}")
    return SuiteAt(path=path, suite=suite, text=text)


def rules_for(
    record: Record, target: Target, api: RunApi, *, commit: str, at: SuiteAt, today: date
) -> Rules:
    """What the base says of a record: ``at`` is the suite of its ``commit``.

    Raises ConfigurationError for a record of a machine that has no name, BaselineError for files of
    the base that cannot be trusted, GitHubError.
    """
    suite = at.suite
    key = record.fingerprint.hardware_key
    if not is_key(key):
        raise _another(f"{key[:60]!r} is no hardware key")
    measured = {case.id for case in record.cases}
    chosen = tuple(
        Chosen(case=case, origin=Origin.JUDGED) for case in suite.cases if case.id in measured
    )
    files = _files(Snapshot(api=api, commit=commit), suite, key, chosen)
    policy = suite.gate.policy()
    selection = Selection(
        name=suite.name,
        policy=policy,
        state_folder=suite.state_folder,
        sglang=suite.sglang,
        chosen=chosen,
    )
    asked = policy.strategy == "baseline"
    plain, told = (
        plain_at(_Commits(api), commit, selection, record.fingerprint) if asked else ({}, ())
    )
    touched = None if target.paths is None else at.path in target.paths
    return Rules(
        suite=suite,
        base=Tree(commit=record.base.commit if record.base else commit, ref=target.base_ref),
        head=record.head.model_copy(update={"ref": target.name, "content": ""}),
        expected=_expected(suite, target),
        may_change=touched is not False,
        permissions=_permissions(api, target, suite, today=today),
        noise=known_noise(files, chosen, policy, record.fingerprint),
        stored=stored_jobs(load_baselines(files, hardware_key=key)),
        plain=plain,
        notes=(*told, *_own_gate(selection, target, at.path)),
    )


def _files(at: Snapshot, suite: Suite, key: str, chosen: tuple[Chosen, ...]) -> dict[str, str]:
    """What the base keeps of the record's machine and cases, by path."""
    if suite.state_folder is None:
        return {}
    folder = PurePosixPath(suite.state_folder) / key
    paths = [folder / CALIBRATION, *(folder / f"{one.case.id}.json" for one in chosen)]
    return {str(path): text for path in paths if (text := at.text(str(path))) is not None}


def _permissions(api: RunApi, target: Target, suite: Suite, *, today: date) -> Permissions:
    """Those on the newest commit of the base branch, so that one counts as soon as it is merged."""
    tip = api.tip(target.base_ref)
    if suite.state_folder is None or tip is None:
        return Permissions(today=today)
    path = str(PurePosixPath(suite.state_folder) / ACCEPTED)
    text = Snapshot(api=api, commit=tip).text(path)
    accepted = () if text is None else parse_accepted(text, source=path)
    return Permissions(acceptances=accepted, today=today)


def _expected(suite: Suite, target: Target) -> frozenset[str]:
    """The cases that this change is measured for; where paths are not known, they are no excuse."""
    change = Change(event=target.event, labels=target.labels, paths=target.paths or ())
    cases = suite.cases
    if target.paths is None:
        cases = tuple(_anywhere(case) for case in cases)
    return frozenset(case.id for case in cases if not_selected(case, change) is None)


def _anywhere(case: Case) -> Case:
    """The case as if it were measured whatever paths change."""
    return case.model_copy(update={"when": case.when.model_copy(update={"paths": ()})})


def _own_gate(selection: Selection, target: Target, path: str) -> tuple[str, ...]:
    """What the change touches of its own gate; its words are not read."""
    touched = [one for one in target.paths or () if one == path or selection.keeps(one)]
    if not touched:
        return ()
    more = f" and {len(touched) - 1} more" if len(touched) > 1 else ""
    return (f"{target.name} changes its own gate ({touched[0]}{more}), without effect here",)


@dataclass(frozen=True)
class _Commits:
    """Files of commits, as they are read from a repository."""

    api: RunApi

    def file_at(self, commit: str, path: str) -> str | None:
        return Snapshot(api=self.api, commit=commit).text(path)


def _is_before(api: RunApi, one: str, other: str) -> bool:
    """Whether a commit is another one, or in its history; not where they have none in common."""
    try:
        return one == other or api.compare(one, other).merge_base == one
    except GitHubError as error:
        if error.status == 404:
            return False
        raise


def _another(why: str) -> ConfigurationError:
    return ConfigurationError(
        f"the record is refused: {why}",
        fix="Measure what actions/checkout checks out, without `base:`, with the workflow that "
        "perfgate's docs/forks.md shows.",
    )
