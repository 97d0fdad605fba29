"""Branches and pull requests of the real client, against a server over a real git repository."""

import pytest

from perfgate.github.branches import Snapshot
from perfgate.github.problems import GitHubError
from perfgate.github.pulls import GitHubPulls
from tests.fakes.github_server import FakeGitHub

BRANCH = "perfgate/baselines/main/cpu-test-x2"


@pytest.fixture
def github(tmp_path):
    with FakeGitHub(folder=tmp_path / "origin.git") as server:
        files = {"baselines/cpu/a.json": "1\n", "baselines/cpu/b.json": "2\n", "old.txt": "x\n"}
        server.bare.commit("main", "start", files=files)
        yield server


@pytest.fixture
def api(github):
    with GitHubPulls(
        token="a-token", repository=github.repository, api_url=github.url, seconds_between_writes=0
    ) as api:
        yield api


@pytest.fixture
def base(api):
    return api.tip("main")


def a_commit(api, base, text="3\n", **files):
    files = {"baselines/cpu/a.json": api.store(text), **files}
    return api.make_commit(onto=base, files=files, message="change\n\nwhy", parents=[base])


def test_files_of_a_commit(api, base):
    files = Snapshot(api=api, commit=base)
    assert files.text("baselines/cpu/a.json") == "1\n"
    assert files.text("baselines/cpu") is None
    assert files.text("baselines/cpu/a.json/more") is None
    assert files.text("elsewhere/a.json") is None


def test_commit__only_the_named_files_differ(api, github, base):
    made = a_commit(api, base, text="größe\n", **{"old.txt": None})
    api.create_branch(BRANCH, made.sha)
    assert api.tip(BRANCH) == made.sha
    assert github.bare.text(BRANCH, "baselines/cpu/a.json") == "größe\n"
    assert github.bare.files(BRANCH) == {"baselines/cpu/a.json", "baselines/cpu/b.json"}
    assert api.commit(made.sha) == made
    assert (made.parents, made.message) == ((base,), "change\n\nwhy")
    difference = api.compare(base, made.sha)
    assert difference.merge_base == base
    assert difference.files["old.txt"] is None
    assert api.text(difference.files["baselines/cpu/a.json"]) == "größe\n"


def test_what_is_not_there(api):
    assert api.tip("no/such/branch") is None
    assert api.commit("0" * 40) is None
    assert api.pull_requests(head=BRANCH, base="main") == ()


def test_two_at_once__the_second_is_asked_to_try_again(api, base):
    ours, theirs = a_commit(api, base), a_commit(api, base, text="4\n")
    api.create_branch(BRANCH, theirs.sha)
    open_it = {"head": BRANCH, "base": "main", "title": "t", "body": "b", "draft": False}
    api.open_pull_request(**open_it)
    for late in (
        lambda: api.create_branch(BRANCH, ours.sha),
        lambda: api.move_branch(BRANCH, ours.sha),
        lambda: api.open_pull_request(**open_it),
    ):
        with pytest.raises(GitHubError) as raised:
            late()
        assert raised.value.wait_s == 0
    assert api.tip(BRANCH) == theirs.sha


def test_pull_request__through_its_life(api, github, base):
    api.create_branch(BRANCH, a_commit(api, base).sha)
    made = api.open_pull_request(head=BRANCH, base="main", title="t", body="b", draft=True)
    api.edit_pull_request(made.number, title="T", body="B")
    api.set_draft(made.number, draft=False)
    api.add_labels(made.number, ["perf"])
    api.request_reviews(made.number, users=["alice"], teams=["perf"])
    api.set_open(made.number, is_open=False)
    (found,) = api.pull_requests(head=BRANCH, base="main")
    assert (found.title, found.body, found.is_open, found.draft) == ("T", "B", False, False)
    (pull,) = github.pulls.all
    assert (pull.labels, pull.reviewers, pull.teams) == (["perf"], ["alice"], ["perf"])
    api.set_open(made.number, is_open=True)
    assert api.pull_requests(head=BRANCH, base="main")[0].is_open


@pytest.mark.parametrize(
    ("state", "fix"),
    [("read_only", "contents: write"), ("may not open", "Allow GitHub Actions to create")],
)
def test_missing_permission__is_named(api, github, base, state, fix):
    made = a_commit(api, base)
    api.create_branch(BRANCH, made.sha)
    if state == "read_only":
        github.read_only = True
    github.pulls.may_open = False
    with pytest.raises(GitHubError) as raised:
        api.open_pull_request(head=BRANCH, base="main", title="t", body="b", draft=False)
    assert fix in raised.value.fix


def test_refusal_that_is_a_code__names_the_field(api, github, base):
    errors = [{"resource": "PullRequest", "field": "head", "code": "invalid"}]
    body = {"message": "Validation Failed", "errors": errors}
    github.fail("POST", "/pulls$", status=422, body=body)
    with pytest.raises(GitHubError, match="Validation Failed: head invalid"):
        api.open_pull_request(head=BRANCH, base="main", title="t", body="b", draft=False)


@pytest.mark.parametrize(
    ("path", "ask"),
    [
        ("/octo/bench$", lambda api, base: api.default_branch()),
        ("/git/ref/", lambda api, base: api.tip("main")),
        ("/git/commits/", lambda api, base: api.commit(base)),
        ("/git/trees/", lambda api, base: api.tree(base)),
        ("/compare/", lambda api, base: api.compare(base, base)),
    ],
    ids=["repository", "branch", "commit", "folder", "comparison"],
)
def test_answer_of_another_shape__is_told_and_asked_again(api, github, base, path, ask):
    github.fail("GET", path, body={"unexpected": []}, times=9)
    with pytest.raises(GitHubError, match="could not be read") as raised:
        ask(api, base)
    assert raised.value.wait_s == 0


def test_a_file_that_is_no_text(api, github):
    github.bare.git("update-ref", "refs/heads/binary", _binary_commit(github))
    with pytest.raises(GitHubError, match="could not be read"):
        Snapshot(api=api, commit=api.tip("binary")).text("picture")


def test_a_folder_that_comes_cut_off(api, github, base):
    body = {"sha": base, "url": github.url, "tree": [], "truncated": True}
    github.fail("GET", "/git/trees/", body=body)
    with pytest.raises(GitHubError, match="more than GitHub lists"):
        Snapshot(api=api, commit=base).text("baselines/cpu/a.json")


def _binary_commit(github):
    blob = github.bare.blob(b"\xff\xfe\x00")
    tree = github.bare.tree([("100644", "picture", blob)], base=None)
    return github.bare.make_commit(tree, "binary", [])
