"""How git reaches the remote of a repository from another one: address and credentials.

Settings travel in the environment, never on a command line that other processes can read.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence

from perfgate.errors import ConfigurationError
from perfgate.sides.git import Git

_SETTINGS = r"^(http|credential|core\.(sshcommand|askpass))\b"
_OF_ANOTHER_REPOSITORY = frozenset(
    {
        *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_NAMESPACE"),
        *("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_PREFIX"),
    }
)


def reaching_origin(here: Git) -> dict[str, str]:
    """An environment in which ``origin`` is that of ``here``, with what its clone logs in with.

    Where the clone kept no credentials, GITHUB_TOKEN is used for the server that it is of. Raises
    ConfigurationError where there is no remote origin.
    """
    address = here.asks("remote", "get-url", "origin")
    push = here.asks("remote", "get-url", "--push", "origin")
    if not address or not push:
        raise ConfigurationError(
            f"the repository at {here.root} has no remote origin, where a history's branch is kept",
            fix="Add one with git remote add, or keep the history in a folder.",
        )
    settings = _local_settings(here)
    settings += [("remote.origin.url", address), ("remote.origin.pushurl", push)]
    settings += _token(here.environ, settings)
    kept = {
        name: value for name, value in here.environ.items() if name not in _OF_ANOTHER_REPOSITORY
    }
    return with_settings(kept, settings)


def with_settings(
    environ: Mapping[str, str], settings: Sequence[tuple[str, str]]
) -> dict[str, str]:
    """The environment with more of git's settings, as git-config's GIT_CONFIG_COUNT has them."""
    given = environ.get("GIT_CONFIG_COUNT", "")
    first = int(given) if given.isdecimal() else 0
    found = {**environ, "GIT_CONFIG_COUNT": str(first + len(settings))}
    for number, (key, value) in enumerate(settings, first):
        found[f"GIT_CONFIG_KEY_{number}"] = key
        found[f"GIT_CONFIG_VALUE_{number}"] = value
    return found


def _local_settings(here: Git) -> list[tuple[str, str]]:
    listed = here.asks("config", "--local", "--includes", "-z", "--get-regexp", _SETTINGS) or ""
    pairs = (entry.partition("\n") for entry in listed.split("\0") if entry)
    return [(key, value) for key, _, value in pairs]


def _token(
    environ: Mapping[str, str], settings: Sequence[tuple[str, str]]
) -> list[tuple[str, str]]:
    """A login that git keeps for the one server that the token is of."""
    token = environ.get("GITHUB_TOKEN", "")
    server = environ.get("GITHUB_SERVER_URL", "https://github.com").rstrip("/")
    if not token or any(key.lower().endswith(".extraheader") for key, _ in settings):
        return []
    basic = base64.b64encode(f"x-access-token:{token}".encode()).decode()
    return [(f"http.{server}/.extraheader", f"AUTHORIZATION: basic {basic}")]
