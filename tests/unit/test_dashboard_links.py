"""Addresses: only into the repository that was named, whatever a result file says."""

from __future__ import annotations

import pytest

from perfgate.errors import ConfigurationError
from perfgate.report.dashboard.links import Links

HERE = Links.to("https://github.com/o/r")
RUN = "https://github.com/o/r/actions/runs/17/attempts/2"


@pytest.mark.parametrize(
    "named", ["https://github.com/o/r", "https://github.com/o/r/", "https://github.com/o/r.git"]
)
def test_repository__in_every_spelling(named):
    assert Links.to(named).repository == "https://github.com/o/r"


@pytest.mark.parametrize(
    "named",
    [
        "github.com/o/r",
        "javascript:alert(1)",
        "https://github.com/o",
        'https://github.com/o/r"onclick="x',
        "https://user@evil.example/o/r",
        "file:///etc/passwd",
    ],
)
def test_repository__refused(named):
    with pytest.raises(ConfigurationError, match="no address of a repository"):
        Links.to(named)


def test_commit_and_what_lies_between_two():
    assert HERE.commit("a" * 40) == f"https://github.com/o/r/commit/{'a' * 40}"
    assert HERE.between("a" * 40, "b" * 40).endswith(f"/compare/{'a' * 40}...{'b' * 40}")
    assert HERE.between("a" * 40, "a" * 40) == ""


@pytest.mark.parametrize("commit", ["", "HEAD", "../../x", "abc", "a" * 65, "AAAAAAA", "a" * 6])
def test_commit__that_is_none_has_no_link(commit):
    assert HERE.commit(commit) == ""
    assert HERE.between(commit, "a" * 40) == ""


def test_job__in_the_repository():
    assert HERE.job(RUN) == RUN
    assert HERE.job_path(RUN) == "/actions/runs/17/attempts/2"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://github.com/o/r",
        "https://github.com/o/r2/actions/runs/17",
        "https://github.com/o/r.evil/x",
        "https://evil.example/o/r/actions/runs/17",
        "https://github.com/o/r/../../evil/x",
        'https://github.com/o/r/actions"onmouseover="x',
        "https://github.com/o/r/actions?next=https://evil.example",
        "javascript:alert(1)//https://github.com/o/r/x",
        "https://github.com/o/r/" + "x/" * 30,
    ],
)
def test_job__elsewhere_has_no_link(url):
    assert HERE.job(url) == ""


def test_issue__on_the_same_server():
    assert HERE.on_server("https://github.com/other/p/issues/7") != ""
    assert HERE.on_server("https://evil.example/o/r/issues/7") == ""
    assert HERE.on_server("https://github.com.evil.example/o/r") == ""


def test_no_repository__no_link_at_all():
    nowhere = Links.to("")
    assert not any(
        (
            nowhere.commit("a" * 40),
            nowhere.between("a" * 40, "b" * 40),
            nowhere.job("/x"),
            nowhere.on_server("/x"),
        )
    )
