"""The check runs of one repository, asked of GitHub through PyGithub."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from github.GithubObject import NotSet

from perfgate.github.checks import CHECKS, MOST_AT_ONCE, Annotation, CheckRun, Verdict
from perfgate.github.problems import unreadable
from perfgate.github.session import Session

if TYPE_CHECKING:
    from github.CheckRun import CheckRun as Theirs

_MOST_RUNS: Final = 1_000  # https://docs.github.com/en/rest/checks/runs: more are not listed
_LISTING: Final = "listing the commit's check runs"


class GitHubChecks(Session):
    """The check runs of one repository; a context manager that closes its connections."""

    def named(self, head_sha: str, name: str) -> Sequence[CheckRun]:
        with self.asking(_LISTING, permission=CHECKS):
            commit = self.github.get_repo(self.repository).get_commit(head_sha)
            found = commit.get_check_runs(check_name=name, filter="all")
            runs = [_check_run(one) for one in islice(found, _MOST_RUNS + 1)]
        if len(runs) > _MOST_RUNS:
            raise unreadable(doing=_LISTING, reason="the pages have no end")
        return [run for run in runs if run.name == name]

    def create(self, verdict: Verdict, *, name: str, external_id: str) -> CheckRun:
        first = verdict.annotations[:MOST_AT_ONCE]
        with self.asking("creating the check run", permission=CHECKS):
            return _check_run(
                self.github.get_repo(self.repository).create_check_run(
                    name,
                    verdict.head_sha,
                    external_id=external_id,
                    status="completed",
                    conclusion=verdict.conclusion,
                    output=_output(verdict, first),
                    details_url=verdict.run_url or NotSet,
                )
            )

    def annotate(self, run: CheckRun, verdict: Verdict, more: Sequence[Annotation]) -> None:
        with self.asking("adding annotations to the check run", permission=CHECKS):
            known = self.github.get_repo(self.repository).get_check_run(run.id)
            known.edit(output=_output(verdict, more))


def _output(verdict: Verdict, annotations: Sequence[Annotation]) -> dict[str, Any]:
    return {
        "title": verdict.title,
        "summary": verdict.summary,
        "annotations": [
            {
                "path": one.path,
                "start_line": one.line,
                "end_line": one.line,
                "annotation_level": one.level,
                "title": one.title,
                "message": one.message,
            }
            for one in annotations
        ],
    }


def _check_run(run: Theirs) -> CheckRun:
    if not isinstance(run.id, int):
        raise TypeError("a check run without an id")
    return CheckRun(
        id=run.id,
        name=run.name,
        external_id=run.external_id or "",
        url=run.html_url or "",
        annotations=run.output.annotations_count,
    )
