"""An artifact on its way from GitHub's storage: without the token, and only as far as allowed."""

from __future__ import annotations

import pytest

from perfgate.errors import ConfigurationError
from perfgate.github.artifacts import GitHubRuns
from perfgate.github.problems import GitHubError
from tests.fakes.github_server import FakeGitHub

LIMIT = 200_000


@pytest.fixture
def github():
    with FakeGitHub(token="a-s3cret-token") as server:
        yield server


@pytest.fixture
def api(github):
    with GitHubRuns(
        token="a-s3cret-token", repository=github.repository, api_url=github.url
    ) as api:
        yield api


def refusal(api, number):
    with pytest.raises(GitHubError) as refused:
        api.download(number, limit_bytes=LIMIT)
    return refused.value


def test_artifacts__of_all_pages(github, api):
    for number in range(130):
        github.artifacts.add(42, f"perfgate-{number}", b"x")
    github.artifacts.add(43, "of another run", b"x")
    found = api.artifacts(42)
    assert [one.name for one in found] == [f"perfgate-{number}" for number in range(130)]


def test_download__every_byte_and_no_token(github, api):
    data = bytes(range(256)) * 700
    assert api.download(github.artifacts.add(42, "perfgate", data), limit_bytes=LIMIT) == data
    (asked,) = github.artifacts.storage.headers
    assert "authorization" not in asked
    assert not any("s3cret" in value for value in asked.values())


def test_download__no_password_of_the_users_own_either(github, api, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password s3cret-of-mine\n")
    monkeypatch.setenv("NETRC", str(netrc))
    api.download(github.artifacts.add(42, "perfgate", b"x"), limit_bytes=LIMIT)
    (asked,) = github.artifacts.storage.headers
    assert "authorization" not in asked


def test_download__is_given_up_where_it_gets_too_large(github, api):
    """The storage tells no size, and GitHub's may be wrong: bytes are counted as they come."""
    number = github.artifacts.add(42, "perfgate", b"0" * 50_000_000)
    with pytest.raises(ConfigurationError, match="larger than 200000 bytes"):
        api.download(number, limit_bytes=LIMIT)


def test_download__expired(github, api):
    error = refusal(api, github.artifacts.add(42, "perfgate", b"x", expired=True))
    assert (error.status, error.wait_s) == (410, None)
    assert "expired" in error.problem


def test_download__no_permission(github, api):
    github.fail("GET", "/zip", status=403, message="Resource not accessible by integration")
    assert "actions: read" in refusal(api, 5000).fix


@pytest.mark.parametrize("status", [301, 403, 500])
def test_download__a_storage_that_answers_something_else_is_asked_again(github, api, status):
    github.artifacts.storage.status = status
    error = refusal(api, github.artifacts.add(42, "perfgate", b"x"))
    assert f"answered {status}" in error.problem
    assert error.wait_s == 0.0
    assert "/signed/" not in f"{error}"


@pytest.mark.parametrize("place", ["", "ftp://example.org/x", "file:///etc/passwd", "http://["])
def test_download__a_place_that_is_none(github, api, place):
    headers = {"Location": place} if place else {}
    github.fail("GET", "/zip", status=302, headers=headers)
    assert "could not be read" in refusal(api, 5000).problem


def test_download__a_storage_that_is_not_there(github, api):
    github.fail("GET", "/zip", status=302, headers={"Location": "http://127.0.0.1:9/signed/x?k=s"})
    error = refusal(api, 5000)
    assert "http://127.0.0.1" in error.problem
    assert "k=s" not in f"{error}"
