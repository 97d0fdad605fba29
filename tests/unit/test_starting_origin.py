"""Which repository the texts name, from what pip wrote down about the installation."""

from __future__ import annotations

import json

import pytest

from perfgate.app.starting.origin import UNKNOWN, repository_of, schema_address

COMMIT = {"vcs": "git", "commit_id": "1" * 40}


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/acme/perfgate",
        "https://github.com/acme/perfgate.git",
        "https://token@github.com/acme/perfgate.git",
        "ssh://git@github.com/acme/perfgate.git",
        "git@github.com:acme/perfgate.git",
    ],
)
def test_repository__of_a_git_installation(url: str) -> None:
    assert repository_of(json.dumps({"url": url, "vcs_info": COMMIT})) == "acme/perfgate"


@pytest.mark.parametrize(
    "told",
    [
        None,
        "not json",
        "[]",
        json.dumps({"url": "file:///home/me/perfgate", "dir_info": {"editable": True}}),
        json.dumps({"url": "https://example.org/acme/perfgate", "vcs_info": COMMIT}),
        json.dumps({"url": "https://github.com/acme/perfgate/archive/x.zip", "archive_info": {}}),
        json.dumps({"url": "https://github.com/acme/per\ngate", "vcs_info": COMMIT}),
    ],
    ids=["nothing", "damaged", "no-mapping", "a-folder", "elsewhere", "an-archive", "two-lines"],
)
def test_repository__unknown(told: str | None) -> None:
    assert repository_of(told) == UNKNOWN


def test_schema_address__of_the_newest_release() -> None:
    assert schema_address("suite", "acme/perfgate") == (
        "https://raw.githubusercontent.com/acme/perfgate/v1/schemas/suite.json"
    )
