"""The artifacts and the change of a finished run, asked of GitHub; its token goes nowhere else.

An artifact lies with a storage service that GitHub's API names: it is fetched there without the
token, piece by piece, and given up where it gets larger than allowed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import requests
from github.Artifact import Artifact as Theirs
from github.PaginatedList import PaginatedList

from perfgate.errors import ConfigurationError
from perfgate.github.problems import CONTENTS, PERMISSION, GitHubError, unreadable
from perfgate.github.pulls import GitHubPulls
from perfgate.github.runs import Artifact, ProposedChange
from perfgate.github.session import TIMEOUT_S

if TYPE_CHECKING:
    from github.PullRequest import PullRequest

_ACTIONS: Final = "actions: read"
_READ_CONTENTS: Final = "contents: read"
_MAX_LISTED: Final = 500
_MAX_CHANGES: Final = 100
_MAX_PATHS: Final = 3_000  # https://docs.github.com/en/rest/pulls/pulls#list-pull-requests-files
_PIECE_BYTES: Final = 65_536


class GitHubRuns(GitHubPulls):
    """Runs of one repository, beside its pull requests; only reads contents."""

    def artifacts(self, run: int) -> tuple[Artifact, ...]:
        with self.asking("listing the run's artifacts", permission=_ACTIONS):
            # PyGithub would ask for the run first, only to learn this address.
            address = f"/repos/{self.repository}/actions/runs/{run}/artifacts"
            requester = self.github.requester
            found = PaginatedList(Theirs, requester, address, None, list_item="artifacts")
            return tuple(
                Artifact(
                    id=one.id, name=one.name, size_bytes=one.size_in_bytes, expired=one.expired
                )
                for one in islice(found, _MAX_LISTED)
            )

    def download(self, artifact: int, *, limit_bytes: int, timeout_s: float = TIMEOUT_S) -> bytes:
        doing = "downloading an artifact"
        address = f"/repos/{self.repository}/actions/artifacts/{artifact}/zip"
        with self.asking(doing, permission=_ACTIONS):
            headers, _ = self.github.requester.requestJsonAndCheck("GET", address)
            place = headers.get("location", "")
            parts = urlsplit(place)
        secure = urlsplit(self._api_url).scheme == "https"
        if parts.scheme not in ("https", *(() if secure else ("http",))) or not parts.hostname:
            raise unreadable(doing=doing, reason="it names no place to fetch it from")
        try:
            return _fetched(place, limit_bytes=limit_bytes, timeout_s=timeout_s)
        except requests.RequestException as error:
            # Told without the address: it opens the artifact to whoever has it.
            raise _not_fetched(f"{parts.scheme}://{parts.hostname}", error) from None

    def changes_from(self, owner: str, branch: str) -> tuple[ProposedChange, ...]:
        with self.asking("looking for the pull request"):
            found = self._repo().get_pulls(state="open", head=f"{owner}:{branch}")
            return tuple(proposed_change(one) for one in islice(found, _MAX_CHANGES))

    def changed_paths(self, number: int) -> tuple[str, ...] | None:
        with self.asking("listing the pull request's files"):
            files = list(islice(self._repo().get_pull(number).get_files(), _MAX_PATHS))
            paths = {one.filename for one in files}
            paths |= {one.previous_filename for one in files if one.status == "renamed"}
            return tuple(sorted(paths)) if len(files) < _MAX_PATHS else None

    @contextmanager
    def asking(self, doing: str, *, permission: str = PERMISSION) -> Iterator[None]:
        # What writes contents elsewhere is only read here.
        needed = _READ_CONTENTS if permission == CONTENTS else permission
        with super().asking(doing, permission=needed):
            yield


def _fetched(place: str, *, limit_bytes: int, timeout_s: float) -> bytes:
    """What lies there; raises RequestException, and ConfigurationError where it is larger."""
    kept = bytearray()
    # A session of its own: the other one sends the token. `auth` keeps a netrc file out too.
    with (
        requests.Session() as plain,
        plain.get(
            place,
            headers={"User-Agent": "perfgate", "Accept-Encoding": "identity"},
            auth=_as_nobody,
            allow_redirects=False,
            stream=True,
            timeout=timeout_s,
        ) as answer,
    ):
        if answer.status_code != requests.codes.ok:
            raise requests.HTTPError(response=answer)
        for piece in answer.iter_content(_PIECE_BYTES):
            kept += piece
            if len(kept) > limit_bytes:
                raise ConfigurationError(
                    f"the artifact is refused: it is larger than {limit_bytes} bytes",
                    fix="Upload the folder that `perfgate gate` wrote, and nothing else.",
                )
    return bytes(kept)


def _not_fetched(host: str, error: requests.RequestException) -> GitHubError:
    answered = error.response.status_code if error.response is not None else None
    why = f"it answered {answered}" if answered is not None else type(error).__name__
    return GitHubError(
        f"the artifact could not be fetched from {host}, where GitHub keeps it: {why}",
        fix=f"Check that this runner reaches {host}, and run the job again.",
        wait_s=0.0,
    )


def _as_nobody(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def proposed_change(pull: PullRequest) -> ProposedChange:
    # GitHub gives null for a repository that was deleted, whatever PyGithub's types say.
    repository = pull.head.repo.full_name if pull.head.repo else ""
    return ProposedChange(
        number=pull.number,
        is_open=pull.state == "open",
        head_sha=pull.head.sha,
        head_ref=pull.head.ref,
        head_repository=repository,
        base_ref=pull.base.ref,
        base_sha=pull.base.sha,
        labels=tuple(one.name for one in pull.labels),
    )
