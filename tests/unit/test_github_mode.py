"""What each event calls for, as one table, and that what may write never measures."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfgate.github.event import Event, FinishedRun, WrittenComment
from perfgate.github.mode import mode_of

RUN = FinishedRun(
    id=1,
    attempt=1,
    event="pull_request",
    conclusion="success",
    head_sha="a" * 40,
    head_branch="topic",
    head_owner="someone",
    head_repository="someone/bench",
)


MAY = ("comments", "checks", "proposes", "remembers")


def a_comment(*, is_new=True):
    return WrittenComment(id=1, author="ann", body="/perfgate help", is_new=is_new)


@pytest.mark.parametrize(
    ("event", "task", "may"),
    [
        (Event(name="pull_request", pull_request=7), "measure", {"comments", "checks"}),
        (Event(name="pull_request", pull_request=7, is_fork=True), "measure", set()),
        (Event(name="pull_request_review", pull_request=7), "measure", {"comments", "checks"}),
        (Event(name="pull_request_review", pull_request=7, is_fork=True), "measure", set()),
        (Event(name="pull_request_target", pull_request=7), "refuse", {"comments", "checks"}),
        (Event(name="workflow_run", finished=RUN), "publish-run", {"comments", "checks"}),
        (
            Event(name="push", on_default_branch=True),
            "measure",
            {"checks", "proposes", "remembers"},
        ),
        (Event(name="push", base_ref="topic"), "measure", {"checks"}),
        (
            Event(name="schedule", on_default_branch=True),
            "measure",
            {"checks", "proposes", "remembers"},
        ),
        (Event(name="workflow_dispatch"), "measure", {"checks"}),
        (
            Event(name="workflow_dispatch", on_default_branch=True),
            "measure",
            {"checks", "proposes", "remembers"},
        ),
        (Event(name="merge_group"), "measure", {"checks"}),
        (Event(name="repository_dispatch"), "measure", {"checks"}),
        (
            Event(name="issue_comment", pull_request=7, comment=a_comment()),
            "answer",
            {"comments"},
        ),
        (
            Event(name="issue_comment", pull_request=7, comment=a_comment(is_new=False)),
            "nothing",
            set(),
        ),
        (Event(name="issue_comment", comment=a_comment()), "nothing", set()),
        (Event(name="local"), "measure", set()),
    ],
    ids=lambda one: one.name if isinstance(one, Event) else None,
)
def test_the_table(event, task, may):
    mode = mode_of(event)
    granted = {name for name in MAY if getattr(mode, name)}
    assert (mode.task, granted) == (task, may)


def test_a_fork__told_where_its_result_is_commented():
    why = mode_of(Event(name="pull_request", pull_request=7, is_fork=True)).why
    assert "publish workflow" in why
    assert "artifact" in why


def test_a_finished_run_whose_pull_request_was_found__is_published_as_that_of_a_fork():
    event = Event(name="workflow_run", finished=RUN, pull_request=7, is_fork=True)
    assert mode_of(event).comments


@given(
    name=st.from_regex(r"[a-z_]{1,20}", fullmatch=True)
    | st.sampled_from(["pull_request", "push", "workflow_run", "pull_request_target"]),
    number=st.none() | st.integers(1, 9),
    is_fork=st.booleans(),
    on_default_branch=st.booleans(),
)
def test_any_event__baselines_come_from_the_default_branch_and_a_fork_writes_nothing(
    name, number, is_fork, on_default_branch
):
    event = Event(
        name=name, pull_request=number, is_fork=is_fork, on_default_branch=on_default_branch
    )
    mode = mode_of(event)
    assert mode.why.endswith((".", ")."))
    assert not ((mode.proposes or mode.remembers) and not on_default_branch)
    assert not (mode.remembers and name.startswith("pull_request"))
    if name == "pull_request" and is_fork:
        assert not any(getattr(mode, one) for one in MAY)
