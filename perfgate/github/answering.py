"""Commands heard and answered, asked of GitHub through PyGithub: people, reactions, runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

from perfgate.github.artifacts import GitHubRuns, proposed_change
from perfgate.github.hearing import Reaction, WorkflowRun
from perfgate.github.problems import PERMISSION, GitHubError, short
from perfgate.github.runs import ProposedChange
from perfgate.github.session import known

_ACTIONS: Final = "actions: write"
_MAX_RUNS: Final = 100


class GitHubAnswering(GitHubRuns):
    """A repository's people, comments and runs; closes its connections like its parent."""

    def permission(self, login: str) -> str:
        address = f"/repos/{self.repository}/collaborators/{quote(login, safe='')}/permission"
        try:
            with self.asking(
                "asking what the comment's author may do", permission="metadata: read"
            ):
                _, found = self.github.requester.requestJsonAndCheck("GET", address)
                # Not `role_name`, which an organisation may call whatever it likes.
                return known(found["permission"], str)
        except GitHubError as error:
            if error.status == 404:  # no such account any more
                return "none"
            raise

    def react(self, comment: int, reaction: Reaction) -> None:
        address = f"/repos/{self.repository}/issues/comments/{comment}/reactions"
        with self.asking("reacting to the comment"):
            self.github.requester.requestJsonAndCheck("POST", address, input={"content": reaction})

    def change(self, number: int) -> ProposedChange:
        with self.asking("reading the pull request"):
            return proposed_change(self._repo().get_pull(number))

    def runs_from(self, branch: str) -> tuple[WorkflowRun, ...]:
        with self.asking("listing the pull request's runs", permission=_ACTIONS):
            address = f"/repos/{self.repository}/actions/runs"
            return self._runs(address, event="pull_request", branch=branch)

    def runs_by_hand(self, workflow: str) -> tuple[WorkflowRun, ...]:
        with self.asking(f"listing the runs of {short(workflow)}", permission=_ACTIONS):
            return self._runs(f"{self._workflow(workflow)}/runs", event="workflow_dispatch")

    def dispatch(self, workflow: str, *, ref: str, inputs: Mapping[str, str]) -> None:
        asked = {"ref": ref, "inputs": dict(inputs)}
        with self.asking(f"starting {short(workflow)}", permission=_ACTIONS):
            self.github.requester.requestJsonAndCheck(
                "POST", f"{self._workflow(workflow)}/dispatches", input=asked
            )

    def run_again(self, run: WorkflowRun) -> None:
        # PyGithub's own method tells nothing but whether it worked.
        address = f"/repos/{self.repository}/actions/runs/{run.id}/rerun"
        with self.asking("running the workflow again", permission=_ACTIONS):
            self.github.requester.requestJsonAndCheck("POST", address)

    @contextmanager
    def asking(self, doing: str, *, permission: str = PERMISSION) -> Iterator[None]:
        # What the parent reads alone is written here: the name of the permission stays whole.
        with super(GitHubRuns, self).asking(doing, permission=permission):
            yield

    def _runs(self, address: str, **wanted: str) -> tuple[WorkflowRun, ...]:
        """One page, the newest first: nobody asks for what is older than a hundred runs."""
        asked = {**wanted, "per_page": _MAX_RUNS, "exclude_pull_requests": "true"}
        _, found = self.github.requester.requestJsonAndCheck("GET", address, parameters=asked)
        return tuple(_run(one) for one in found["workflow_runs"])

    def _workflow(self, file: str) -> str:
        return f"/repos/{self.repository}/actions/workflows/{quote(file, safe='')}"


def _run(run: Mapping[str, Any]) -> WorkflowRun:
    repository = run["head_repository"] or {}
    created = datetime.fromisoformat(run["created_at"])
    return WorkflowRun(
        id=int(run["id"]),
        url=str(run["html_url"]),
        workflow=str(run["path"]).partition("@")[0],
        title=str(run.get("display_title") or ""),
        status=str(run["status"] or ""),
        conclusion=str(run["conclusion"] or ""),
        head_sha=str(run["head_sha"]),
        head_branch=str(run["head_branch"] or ""),
        head_repository=str(repository.get("full_name") or ""),
        created_at=created if created.tzinfo else created.replace(tzinfo=UTC),
    )
