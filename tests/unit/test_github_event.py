"""The event payload and the environment become one checked value."""

import json
from datetime import UTC, datetime

import pytest

from perfgate.errors import ConfigurationError
from perfgate.github.event import Event, FinishedRun, WrittenComment, read_event

HEAD, BASE = "a" * 40, "b" * 40


def environment(name="pull_request", **overrides):
    return {
        "GITHUB_EVENT_NAME": name,
        "GITHUB_EVENT_PATH": "/event.json",
        "GITHUB_REPOSITORY": "octo/bench",
        "GITHUB_SHA": "c" * 40,
        "GITHUB_RUN_ID": "77",
        "GITHUB_RUN_ATTEMPT": "2",
    } | overrides


def a_pull_request(**overrides):
    fields = {
        "number": 7,
        "head": {"sha": HEAD, "repo": {"full_name": "octo/bench"}},
        "base": {"sha": BASE, "ref": "main"},
        "labels": [{"name": "perf"}, {"name": "ünïcode label"}],
    }
    return {"pull_request": fields | overrides}


def read(payload, name="pull_request", **overrides):
    return read_event(environment(name, **overrides), lambda _: json.dumps(payload))


def test_pull_request():
    assert read(a_pull_request()) == Event(
        name="pull_request",
        repository="octo/bench",
        pull_request=7,
        head_sha=HEAD,
        base_sha=BASE,
        base_ref="main",
        labels=("perf", "ünïcode label"),
        run_id=77,
        run_attempt=2,
        run_url="https://github.com/octo/bench/actions/runs/77/attempts/2",
    )


def test_merge_group():
    group = {
        "head_sha": HEAD,
        "base_sha": BASE,
        "base_ref": "refs/heads/main",
        "head_ref": "refs/heads/gh-readonly-queue/main/pr-7",
    }
    event = read({"merge_group": group}, "merge_group")
    assert (event.pull_request, event.head_sha, event.base_sha) == (None, HEAD, BASE)
    assert event.base_ref == "main"


@pytest.mark.parametrize("before", ["0" * 40, "d" * 40])
def test_push__previous_tip_is_no_base(before):
    event = read({"ref": "refs/heads/main", "before": before}, "push")
    assert (event.head_sha, event.base_sha, event.base_ref) == ("c" * 40, None, "main")


@pytest.mark.parametrize("name", ["schedule", "workflow_dispatch"])
def test_events_without_a_change(name):
    event = read({"inputs": None, "schedule": "5 4 * * *"}, name)
    assert (event.name, event.pull_request, event.base_sha) == (name, None, None)


def test_local():
    assert read_event({"GITHUB_EVENT_NAME": ""}, lambda _: "never read") == Event(name="local")


@pytest.mark.parametrize(
    ("source", "is_fork"),
    [
        ({"full_name": "octo/bench"}, False),
        ({"full_name": "Octo/Bench"}, False),
        ({"full_name": "someone/bench"}, True),
        (None, True),
    ],
    ids=["same", "other case", "fork", "deleted fork"],
)
def test_fork(source, is_fork):
    assert read(a_pull_request(head={"sha": HEAD, "repo": source})).is_fork is is_fork


def a_written_comment(**overrides):
    comment = {"id": 901, "user": {"login": "mona-cat_octo"}, "body": "/perfgate help"}
    return {
        "action": "created",
        "issue": {"number": 9, "pull_request": {"url": "x"}},
        "comment": comment,
    } | overrides


def test_comment_on_a_pull_request():
    event = read(a_written_comment(), "issue_comment")
    assert event.pull_request == 9
    assert event.comment == WrittenComment(
        id=901, author="mona-cat_octo", body="/perfgate help", is_new=True
    )


def test_comment__says_when_it_was_written():
    payload = a_written_comment()
    payload["comment"]["created_at"] = "2026-03-01T12:00:05Z"
    written = read(payload, "issue_comment").comment.created_at
    assert written == datetime(2026, 3, 1, 12, 0, 5, tzinfo=UTC)


@pytest.mark.parametrize("when", ["yesterday", "2026-03-01T12:00:05", "2026-13-01T00:00:00Z"])
def test_comment__written_at_no_time(when):
    payload = a_written_comment()
    payload["comment"]["created_at"] = when
    with pytest.raises(ConfigurationError, match="created_at"):
        read(payload, "issue_comment")


def asked_by_hand(**overrides):
    inputs = {"pull-request": "7", "head": HEAD, "base": "main", "cases": "wan", "labels": "a\nb c"}
    return {"inputs": inputs | overrides, "repository": {"default_branch": "main"}}


def test_run_by_hand_for_a_pull_request__is_as_one_of_its_own_event():
    event = read(asked_by_hand(), "workflow_dispatch", GITHUB_REF="refs/heads/main")
    assert (event.name, event.pull_request, event.head_sha) == ("pull_request", 7, HEAD)
    assert (event.base_sha, event.base_ref, event.labels) == (None, "main", ("a", "b c"))
    assert not event.on_default_branch
    assert not event.is_fork


@pytest.mark.parametrize("inputs", [None, {}, {"cases": "wan"}, {"pull-request": ""}])
def test_run_by_hand__for_no_pull_request(inputs):
    payload = {"inputs": inputs, "repository": {"default_branch": "main"}}
    event = read(payload, "workflow_dispatch", GITHUB_REF="refs/heads/main")
    assert (event.name, event.pull_request) == ("workflow_dispatch", None)
    assert event.on_default_branch


@pytest.mark.parametrize(
    "wrong",
    [
        {"pull-request": "7; rm"},
        {"pull-request": "0"},
        {"pull-request": 7},
        {"head": ""},
        {"head": "main"},
        {"base": ""},
        {"base": "a b"},
    ],
    ids=repr,
)
def test_run_by_hand_for_a_pull_request__damaged(wrong):
    with pytest.raises(ConfigurationError, match=r"inputs\."):
        read(asked_by_hand(**wrong), "workflow_dispatch")


def test_comment__on_an_issue():
    assert read(a_written_comment(issue={"number": 9}), "issue_comment").pull_request is None


@pytest.mark.parametrize("action", ["edited", "deleted", None])
def test_comment__not_a_new_one(action):
    comment = read(a_written_comment(action=action), "issue_comment").comment
    assert comment is not None
    assert not comment.is_new


def test_comment__of_an_account_that_is_gone():
    payload = a_written_comment(comment={"id": 901, "user": None, "body": None})
    comment = read(payload, "issue_comment").comment
    assert comment is not None
    assert (comment.author, comment.body) == ("", "")


def test_comment__body_stays_out_of_messages():
    comment = read(a_written_comment(), "issue_comment").comment
    assert "help" not in repr(comment)


def a_finished_run(**overrides):
    run = {
        "id": 55,
        "run_attempt": 3,
        "event": "pull_request",
        "conclusion": "failure",
        "head_sha": HEAD,
        "head_branch": "fix/ünïcode",
        "head_repository": {"full_name": "someone/bench"},
        "pull_requests": [],
    }
    return {"action": "completed", "workflow_run": run | overrides}


def test_workflow_run():
    event = read(a_finished_run(), "workflow_run")
    assert event.finished == FinishedRun(
        id=55,
        attempt=3,
        event="pull_request",
        conclusion="failure",
        head_sha=HEAD,
        head_branch="fix/ünïcode",
        head_owner="someone",
        head_repository="someone/bench",
    )


def test_workflow_run__never_names_a_pull_request():
    event = read(a_finished_run(pull_requests=[{"number": 4}]), "workflow_run")
    assert event.pull_request is None


def test_workflow_run__of_a_deleted_fork():
    finished = read(a_finished_run(head_repository=None, head_branch=None), "workflow_run").finished
    assert finished is not None
    assert (finished.head_owner, finished.head_repository, finished.head_branch) == ("", "", "")


@pytest.mark.parametrize(
    ("name", "payload"),
    [
        ("workflow_run", {}),
        ("workflow_run", a_finished_run(id=None)),
        ("workflow_run", a_finished_run(id="55")),
        ("workflow_run", a_finished_run(run_attempt=-1)),
        ("workflow_run", a_finished_run(event="pull request")),
        ("workflow_run", a_finished_run(conclusion="x\n::error::")),
        ("workflow_run", a_finished_run(head_sha=None)),
        ("workflow_run", a_finished_run(head_sha="main")),
        ("workflow_run", a_finished_run(head_branch="a\nb")),
        ("workflow_run", a_finished_run(head_branch="a" * 501)),
        ("workflow_run", a_finished_run(head_repository={"full_name": "../bench"})),
        ("workflow_run", a_finished_run(head_repository="someone/bench")),
        ("issue_comment", {"issue": {"number": 9}}),
        ("issue_comment", a_written_comment(issue=None)),
        ("issue_comment", a_written_comment(comment={"body": "no id"})),
        ("issue_comment", a_written_comment(comment={"id": 1, "user": {"login": "a b"}})),
        ("issue_comment", a_written_comment(comment={"id": 1, "body": ["/perfgate"]})),
        ("push", {"repository": {"default_branch": "a b"}}),
    ],
    ids=repr,
)
def test_damaged_payload__of_other_events(name, payload):
    with pytest.raises(ConfigurationError, match="event payload") as raised:
        read(payload, name)
    assert "\n::" not in str(raised.value)
    assert len(raised.value.problem) < 300


@pytest.mark.parametrize(
    "payload",
    [
        [],
        "text",
        {},
        {"pull_request": 7},
        a_pull_request(number="7"),
        a_pull_request(number=True),
        a_pull_request(number=-1),
        a_pull_request(number=10**30),
        a_pull_request(number=None),
        a_pull_request(head=None),
        a_pull_request(head={"sha": "--upload-pack=evil"}),
        a_pull_request(head={"sha": HEAD, "repo": []}),
        a_pull_request(base={"sha": BASE, "ref": 3}),
        a_pull_request(labels={"name": "perf"}),
        a_pull_request(labels=["perf"]),
        a_pull_request(labels=[{"name": 3}]),
    ],
    ids=repr,
)
def test_damaged_payload(payload):
    with pytest.raises(ConfigurationError, match="event payload") as raised:
        read(payload)
    assert "unset GITHUB_EVENT_NAME" in raised.value.fix
    assert len(raised.value.problem) < 300


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, '{"a": ' + "9" * 10_000 + "}", "\0"])
def test_payload_is_not_json(text):
    with pytest.raises(ConfigurationError, match="event payload"):
        read_event(environment(), lambda _: text)


def test_payload_file_is_missing():
    def missing(path):
        raise FileNotFoundError(path)

    with pytest.raises(ConfigurationError, match="FileNotFoundError"):
        read_event(environment(), missing)
    with pytest.raises(ConfigurationError, match="GITHUB_EVENT_PATH is not set"):
        read_event(environment(GITHUB_EVENT_PATH=""), missing)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("GITHUB_EVENT_NAME", "pull request\n::error::x"),
        ("GITHUB_REPOSITORY", "../../etc"),
        ("GITHUB_REPOSITORY", ""),
        ("GITHUB_API_URL", "file:///etc/passwd"),
        ("GITHUB_SERVER_URL", "https://x\n::set-output name=verdict::passed"),
    ],
)
def test_hostile_variable(variable, value):
    with pytest.raises(ConfigurationError, match=variable) as raised:
        read(a_pull_request(), **{variable: value})
    assert "\n::" not in str(raised.value)


@pytest.mark.parametrize("number", ["", "x", "-1", "0", "9" * 17, "٣"])
def test_run__number_that_is_none(number):
    event = read(a_pull_request(), GITHUB_RUN_ID=number, GITHUB_RUN_ATTEMPT=number)
    assert (event.run_id, event.run_attempt, event.run_url) == (None, None, None)


def test_run__number_without_attempt():
    event = read(a_pull_request(), GITHUB_RUN_ATTEMPT="")
    assert event.run_url == "https://github.com/octo/bench/actions/runs/77"


def test_commit_variable_is_checked():
    with pytest.raises(ConfigurationError, match="GITHUB_SHA"):
        read({}, "push", GITHUB_SHA="main")


@pytest.mark.parametrize(
    ("name", "payload", "ref", "on_it"),
    [
        ("push", {"repository": {"default_branch": "main"}}, "refs/heads/main", True),
        ("push", {"repository": {"default_branch": "main"}}, "refs/heads/topic", False),
        ("push", {"repository": {"default_branch": "main"}}, "refs/tags/main", False),
        ("push", {}, "refs/heads/main", False),
        ("workflow_dispatch", {"repository": {"default_branch": "m"}}, "refs/heads/m", True),
        ("workflow_dispatch", {"repository": {"default_branch": "m"}}, "refs/heads/x", False),
        ("schedule", {}, "refs/heads/main", True),
        ("pull_request", a_pull_request(), "refs/heads/main", False),
    ],
)
def test_the_default_branch__answers_for_what_is_on_it(name, payload, ref, on_it):
    assert read(payload, name, GITHUB_REF=ref).on_default_branch is on_it


@pytest.mark.parametrize("repository", [{"default_branch": "main"}, {}, None])
def test_the_default_branch__is_named_where_the_payload_names_it(repository):
    expected = (repository or {}).get("default_branch")
    assert read({"repository": repository}, "push").default_branch == expected
