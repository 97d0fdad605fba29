"""Addresses of commits and jobs in one repository; whatever leads elsewhere becomes no link."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from perfgate.errors import ConfigurationError

_REPOSITORY = re.compile(r"https?://[A-Za-z0-9.-]+(?::\d{1,5})?/[\w.-]{1,100}/[\w.-]{1,100}", re.A)
_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_IN_REPOSITORY = re.compile(r"(?:/[A-Za-z0-9_.-]{1,100}){1,12}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Links:
    """``repository`` is an address such as https://github.com/o/r, empty for no links at all."""

    repository: str = ""

    @classmethod
    def to(cls, repository: str) -> Self:
        """Links into the repository at this address; ConfigurationError where it is none."""
        repository = repository.rstrip("/").removesuffix(".git")
        if repository and _REPOSITORY.fullmatch(repository) is None:
            raise ConfigurationError(
                f"{repository[:200]!r} is no address of a repository",
                fix="Give --repository as https://github.com/OWNER/NAME.",
            )
        return cls(repository=repository)

    def commit(self, commit: str) -> str:
        """The page of a commit, empty where there is none to link to."""
        known = self.repository and _COMMIT.fullmatch(commit)
        return f"{self.repository}/commit/{commit}" if known else ""

    def between(self, before: str, after: str) -> str:
        """What lies between two commits, empty where one is unknown or both are the same."""
        known = all(_COMMIT.fullmatch(commit) for commit in (before, after))
        if not (self.repository and known and before != after):
            return ""
        return f"{self.repository}/compare/{before}...{after}"

    def job_path(self, url: str) -> str:
        """The part of a job's address behind the repository's; empty for one elsewhere."""
        path = url.removeprefix(self.repository)
        inside = self.repository and path != url and _IN_REPOSITORY.fullmatch(path)
        climbs = any(part in {".", ".."} for part in path.split("/"))
        return path if inside and not climbs else ""

    def on_server(self, url: str) -> str:
        """An address on the repository's own server, with nothing to escape in it; else empty."""
        server = "/".join(self.repository.split("/")[:3])
        path = url.removeprefix(server)
        inside = server and path != url and _IN_REPOSITORY.fullmatch(path)
        return url if inside else ""

    def job(self, url: str) -> str:
        """The address of a job where it lies in the repository, else empty."""
        path = self.job_path(url)
        return self.repository + path if path else ""
