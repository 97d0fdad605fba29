"""Branches and pull requests of one repository, asked of GitHub through PyGithub.

The only module that knows PyGithub's Git data API: blobs, trees, commits and refs, without a git
binary and without a clone.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Final

from github import InputGitTreeElement

from perfgate.github.branches import Commit, Difference, Entry, PullRequest
from perfgate.github.client import GitHubComments
from perfgate.github.problems import CONTENTS, GitHubError, short, unreadable
from perfgate.github.session import known

if TYPE_CHECKING:
    from github.GitCommit import GitCommit
    from github.PullRequest import PullRequest as Theirs
    from github.Repository import Repository

_FILE: Final = "100644"
_MAX_BLOB_BYTES: Final = 20_000_000
_MAX_PULL_REQUESTS: Final = 100
_MAX_FILES: Final = 300  # https://docs.github.com/en/rest/commits/commits#compare-two-commits
_BOTH: Final = f"{CONTENTS}, pull-requests: write"
_LATER: Final = "Run the job again: the branch is as it was."
# GitHub's words for a branch or a pull request that somebody else made or moved meanwhile.
_MEANWHILE: Final = (
    "reference already exists",
    "not a fast forward",
    "reference does not exist",
    "reference update failed",
    "cannot lock ref",
    "a pull request already exists",
)


class GitHubPulls(GitHubComments):
    """Branches, pull requests and their comments; closes its connections like its parent."""

    def default_branch(self) -> str:
        with self.asking("asking for the default branch", permission=CONTENTS):
            return known(self._repo().default_branch, str)

    def tip(self, branch: str) -> str | None:
        try:
            with self.asking(f"reading the branch {short(branch)}", permission=CONTENTS):
                return known(self._repo().get_git_ref(f"heads/{branch}").object.sha, str)
        except GitHubError as error:
            if error.status == 404:
                return None
            raise

    def commit(self, sha: str) -> Commit | None:
        try:
            with self.asking("reading a commit", permission=CONTENTS):
                return _commit(self._repo().get_git_commit(sha))
        except GitHubError as error:
            if error.status in (404, 422):
                return None
            raise

    def tree(self, sha: str) -> Mapping[str, Entry]:
        doing = "reading a folder of the repository"
        with self.asking(doing, permission=CONTENTS):
            found = self._repo().get_git_tree(sha)
            if found.raw_data.get("truncated"):
                raise unreadable(doing=doing, reason="the folder holds more than GitHub lists")
            return {
                known(one.path, str): Entry(kind=known(one.type, str), sha=known(one.sha, str))
                for one in known(found.tree, list)
            }

    def text(self, blob: str) -> str:
        doing = "reading a file of the repository"
        with self.asking(doing, permission=CONTENTS):
            found = self._repo().get_git_blob(blob)
            if known(found.size, int) > _MAX_BLOB_BYTES:
                raise unreadable(doing=doing, reason=f"it is larger than {_MAX_BLOB_BYTES} bytes")
            return base64.b64decode(known(found.content, str)).decode("utf-8")

    def compare(self, base: str, head: str) -> Difference:
        with self.asking("comparing two commits", permission=CONTENTS):
            found = self._repo().compare(base, head)
            files: dict[str, str | None] = {}
            for one in known(found.files, list):
                path, removed = known(one.filename, str), one.status == "removed"
                files[path] = None if removed else known(one.sha, str)
                if one.status == "renamed":
                    files[known(one.previous_filename, str)] = None
            return Difference(
                merge_base=known(found.merge_base_commit.sha, str),
                files=files,
                whole=len(files) < _MAX_FILES,
            )

    def store(self, text: str) -> str:
        with self.asking("storing a file", permission=CONTENTS):
            return known(self._repo().create_git_blob(text, "utf-8").sha, str)

    def make_commit(
        self, *, onto: str, files: Mapping[str, str | None], message: str, parents: Sequence[str]
    ) -> Commit:
        with self.asking("making a commit", permission=CONTENTS):
            repo = self._repo()
            elements = [
                InputGitTreeElement(path, _FILE, "blob", sha=blob)
                for path, blob in sorted(files.items())
            ]
            # GitHub makes no tree of no changes; a commit may have its parent's.
            tree = (
                repo.create_git_tree(elements, base_tree=repo.get_git_tree(onto))
                if elements
                else repo.get_git_commit(onto).tree
            )
            known(tree.sha, str)
            onto_these = [repo.get_git_commit(parent) for parent in parents]
            return _commit(repo.create_git_commit(message, tree, onto_these))

    def create_branch(self, branch: str, sha: str) -> None:
        with self._competing(f"creating the branch {short(branch)}"):
            self._repo().create_git_ref(f"refs/heads/{branch}", sha)

    def move_branch(self, branch: str, sha: str) -> None:
        with self._competing(f"updating the branch {short(branch)}"):
            # Completed first: PyGithub edits at the address that the answer names.
            self._repo().get_git_ref(f"heads/{branch}").complete().edit(sha, force=False)

    def pull_requests(self, *, head: str, base: str) -> tuple[PullRequest, ...]:
        owner, _, _ = self.repository.partition("/")
        with self.asking("listing pull requests"):
            found = self._repo().get_pulls(
                state="all", sort="created", direction="desc", base=base, head=f"{owner}:{head}"
            )
            # GitHub ignores a head that it does not like, so what comes is looked at again.
            return tuple(
                _pull_request(one)
                for one in islice(found, _MAX_PULL_REQUESTS)
                if (one.head.ref, one.base.ref) == (head, base)
            )

    def open_pull_request(
        self, *, head: str, base: str, title: str, body: str, draft: bool
    ) -> PullRequest:
        with self._competing("opening the pull request"):
            made = self._repo().create_pull(
                base=base, head=head, title=title, body=body, draft=draft
            )
            return _pull_request(made)

    def edit_pull_request(self, number: int, *, title: str, body: str) -> None:
        with self.asking("updating the pull request"):
            self._repo().get_pull(number).edit(title=title, body=body)

    def set_draft(self, number: int, *, draft: bool) -> None:
        with self.asking("making the pull request a draft" if draft else "ending the draft"):
            known = self._repo().get_pull(number)
            if draft:
                known.convert_to_draft()
            else:
                known.mark_ready_for_review()

    def set_open(self, number: int, *, is_open: bool) -> None:
        with self._competing("reopening the pull request" if is_open else "closing it"):
            self._repo().get_pull(number).edit(state="open" if is_open else "closed")

    def request_reviews(self, number: int, *, users: Sequence[str], teams: Sequence[str]) -> None:
        with self.asking("asking for reviews"):
            self._repo().get_pull(number).create_review_request(list(users), list(teams))

    def add_labels(self, number: int, labels: Sequence[str]) -> None:
        with self.asking("labelling the pull request"):
            self._repo().get_pull(number).add_to_labels(*labels)

    def _repo(self) -> Repository:
        return self.github.get_repo(self.repository)

    @contextmanager
    def _competing(self, doing: str) -> Iterator[None]:
        """What another job may have done first; then the whole look-up-and-write is repeated."""
        try:
            with self.asking(doing, permission=_BOTH):
                yield
        except GitHubError as error:
            if error.status in (409, 422) and any(
                words in error.problem.lower() for words in _MEANWHILE
            ):
                raise GitHubError(
                    error.problem, fix=_LATER, status=error.status, wait_s=0.0
                ) from error
            raise


def _commit(commit: GitCommit) -> Commit:
    return Commit(
        sha=known(commit.sha, str),
        date=known(commit.committer.date, datetime).isoformat(),
        parents=tuple(known(one.sha, str) for one in known(commit.parents, list)),
        message=known(commit.message, str),
    )


def _pull_request(pull: Theirs) -> PullRequest:
    return PullRequest(
        number=known(pull.number, int),
        url=known(pull.html_url, str),
        title=known(pull.title, str),
        body=pull.body or "",
        is_open=known(pull.state, str) == "open",
        draft=bool(pull.draft),
        head_sha=known(pull.head.sha, str),
        merged=pull.merged_at is not None,
    )
