"""Commands in comments, heard and answered: the real client against a fake GitHub."""

from __future__ import annotations

import pytest

from perfgate.errors import ExitCode
from perfgate.report.answers import with_answers
from perfgate.report.comment import belongs_to, render_comment
from tests.commanding import INPUTS, Talk, a_change, a_run, push
from tests.factories import a_decision
from tests.fakes.github_people import Run
from tests.fakes.github_server import BOT


@pytest.fixture
def head(github):
    """The head commit of a pull request of the repository's own."""
    github.people.roles.update(ann="write", admin="admin", mia="maintain", tom="triage")
    github.people.workflows["perfgate.yml"] = INPUTS
    return a_change(github)


@pytest.fixture
def fork_head(github):
    github.people.roles.update(ann="write")
    github.people.workflows["perfgate.yml"] = INPUTS
    return a_change(github, fork="eve/bench")


@pytest.fixture
def talk(github):
    return Talk(github)


def test_help__reactions_and_an_answer(github, talk, head):
    comment = talk("/perfgate help")
    assert talk.reactions(comment) == ["eyes", "+1"]
    assert belongs_to(talk.comment, "perfgate")
    assert "/perfgate accept" in talk.comment
    assert f"#issuecomment-{comment}" in talk.comment


def test_answer__inside_the_comment_with_the_result(github, talk, head):
    result = render_comment(a_decision())
    github.add_comment(result, author=BOT)
    talk("/perfgate help")
    assert talk.comment.startswith(result.rstrip())
    assert with_answers(talk.comment, ()) == result
    again = render_comment(a_decision(), answers=talk.answers)
    assert "/perfgate accept" in again


def test_another_tools_comment__not_ours_to_write_into(github, talk, head):
    copied = render_comment(a_decision())
    number = github.add_comment(copied, author="eve")
    talk("/perfgate help")
    assert github.comments[0]["id"] == number
    assert github.comments[0]["body"] == copied
    assert len(github.by(BOT)) == 1


@pytest.mark.parametrize("author", ["ann", "mia", "admin"])
def test_who_may_write__may_command(github, talk, head, author):
    comment = talk("/perfgate help", author=author)
    assert talk.reactions(comment) == ["eyes", "+1"]


@pytest.mark.parametrize("author", ["eve", "tom", "_gone"])
def test_who_may_not_write__one_polite_refusal(github, talk, head, author):
    first = talk("/perfgate rerun", author=author)
    second = talk("/perfgate rerun\n/perfgate explain wan", author=author)
    assert talk.reactions(first) == talk.reactions(second) == ["eyes", "confused"]
    assert github.people.started == []
    assert talk.comment.count("only from people who may write") == 1
    talk("/perfgate help", author="other")
    assert talk.comment.count("only from people who may write") == 2


@pytest.mark.parametrize(
    ("body", "how"),
    [
        ("thanks", {}),
        ("> /perfgate rerun", {}),
        ("/perfgate rerun", {"is_new": False}),
        ("/perfgate rerun", {"author": BOT}),
        ("/perfgate rerun", {"author": "dependabot[bot]"}),
        ("/perfgate rerun", {"author": ""}),
        ("/perfgate rerun", {"number": None}),
    ],
    ids=["no command", "a quote", "edited", "own", "a bot", "nobody", "an issue"],
)
def test_comment_that_is_not_for_us__nothing_is_asked_of_github(github, talk, head, body, how):
    talk(body, **how)
    assert github.exchanges == []
    assert "Nothing to answer" in talk.said[0][1]


def test_comment_by_our_own_account__a_persons_token(github, talk, head):
    github.logins["a-token"] = "ann"
    comment = talk("/perfgate rerun")
    assert talk.reactions(comment) == []
    assert github.people.started == []


def test_role_of_an_odd_name__what_it_contains_counts(github, talk, head):
    github.people.roles["eve"] = "admin-of-nothing"
    comment = talk("/perfgate rerun", author="eve")
    assert talk.reactions(comment) == ["eyes", "confused"]


def test_wrong_command__told_with_its_spelling(github, talk, head):
    comment = talk("/perfgate accept wan until 2020-01-01")
    assert talk.reactions(comment) == ["eyes", "confused"]
    assert "2020-01-01 is not in the future" in talk.comment
    assert "no issue" in talk.comment
    assert "write it like this" in talk.comment


def test_hostile_command__shown_as_text(github, talk, head):
    talk("/perfgate explain @octo/all <img src=x> [x](https://evil.example)")
    assert "<img" not in talk.comment
    assert "@octo" not in talk.comment
    assert "](https://evil" not in talk.comment


def test_several_commands__one_answer_each(github, talk, head):
    comment = talk("/perfgate help\n/perfgate nonsense")
    (one,) = talk.answers
    assert (one.comment, one.state) == (comment, "failed")
    assert "is no command" in one.text


class TestRerun:
    def test_same_repository__the_commit_of_then_and_its_cases(self, github, talk, head):
        comment = talk("/perfgate rerun wan flux")
        ((workflow, ref, inputs),) = github.people.started
        assert (workflow, ref) == ("perfgate.yml", "main")
        assert inputs == {
            "cases": "wan,flux",
            "pull-request": "7",
            "head": head,
            "base": "main",
            "labels": "perf\na,b",
            "request": str(comment),
        }
        assert f"`{head[:7]}" in talk.comment
        assert "https://ghe.example.org/octo/bench/actions/workflows/perfgate.yml" in talk.comment
        assert talk.reactions(comment) == ["eyes", "+1"]

    def test_job_run_again__nothing_is_started_twice(self, github, talk, head):
        comment = talk("/perfgate rerun")
        talk.hear(comment, "/perfgate rerun")
        github.comments = [one for one in github.comments if one["author"] != BOT]
        talk.hear(comment, "/perfgate rerun")
        assert len(github.people.started) == 1
        assert len(talk.answers) == 1
        assert talk.reactions(comment) == ["eyes", "+1"]

    def test_lost_answer_to_the_start__found_and_not_started_again(self, github, talk, head):
        github.fail("POST", r"/dispatches$", how="lose")
        talk("/perfgate rerun")
        assert len(github.people.started) == 1
        assert "again" in talk.comment

    def test_head_moved_since__refused(self, github, talk, head):
        moved = push(github, at="2026-03-01T12:00:06Z")
        comment = talk("/perfgate rerun")
        assert github.people.started == []
        assert f"was at `{head[:7]}" in talk.comment
        assert f"is at `{moved[:7]}" in talk.comment
        assert talk.reactions(comment) == ["eyes", "confused"]

    def test_head_moved_in_that_very_second__refused(self, github, talk, head):
        push(github, at="2026-03-01T12:00:05Z")
        talk("/perfgate rerun")
        assert github.people.started == []

    def test_head_moved_before__the_newer_one_is_measured(self, github, talk, head):
        moved = push(github, at="2026-03-01T11:59:00Z")
        talk("/perfgate rerun")
        assert github.people.started[0][2]["head"] == moved

    def test_moved_away_and_back__what_the_author_saw_is_another(self, github, talk, head):
        a_run(github, "e" * 40, at="2026-03-01T11:30:00Z", id=502)
        a_run(github, head, at="2026-03-01T12:30:00Z", id=503)
        talk("/perfgate rerun")
        assert github.people.started == []

    def test_runs_of_others__tell_nothing(self, github, talk, head):
        github.people.runs.clear()
        a_run(github, head, head_branch="other")
        a_run(github, head, repository="eve/bench", id=501)
        a_run(github, head, event="push", id=502)
        talk("/perfgate rerun")
        assert "No workflow run" in talk.comment
        assert github.people.started == []

    def test_comment_without_a_time__refused(self, github, talk, head):
        talk("/perfgate rerun", written=None)
        assert "No workflow run" in talk.comment

    def test_closed_pull_request(self, github, talk, head):
        github.pulls.close(github.pulls.all[0])
        talk("/perfgate rerun")
        assert "is closed" in talk.comment
        assert github.people.started == []

    def test_workflow_without_the_trigger__its_run_again(self, github, talk, head):
        github.people.workflows["perfgate.yml"] = None
        comment = talk("/perfgate rerun wan")
        assert github.people.runs[0].attempt == 2
        assert "cases cannot be chosen" in talk.comment
        assert talk.reactions(comment) == ["eyes", "+1"]

    @pytest.mark.parametrize("inputs", [{}, {"perfgate.yml": frozenset({"cases"})}])
    def test_workflow_that_cannot_be_started__told_with_what_to_do(
        self, github, talk, head, inputs
    ):
        github.people.workflows = inputs
        comment = talk("/perfgate rerun")
        assert "cannot be started" in talk.comment
        assert "PERFGATE\\_WORKFLOW" in talk.comment or "PERFGATE_WORKFLOW" in talk.comment
        assert talk.reactions(comment) == ["eyes", "confused"]

    def test_missing_permission__named(self, github, talk, head):
        github.people.may_act = False
        talk("/perfgate rerun")
        assert "actions: write" in talk.comment

    def test_fork__its_own_run_again(self, github, talk, fork_head):
        comment = talk("/perfgate rerun wan")
        (run,) = github.people.runs
        assert (run.attempt, run.status) == (2, "queued")
        assert github.people.started == []
        assert "cannot be chosen" in talk.comment
        assert talk.reactions(comment) == ["eyes", "+1"]

    def test_fork__its_run_is_running_by_now(self, github, talk, fork_head):
        github.people.runs[0].status = "in_progress"
        talk("/perfgate rerun")
        assert github.people.runs[0].attempt == 1
        assert talk.answers[0].state == "done"

    def test_fork__nobody_approved_its_run(self, github, talk, fork_head):
        github.people.runs[0].conclusion = "action_required"
        talk("/perfgate rerun")
        assert "approved" in talk.comment
        assert github.people.runs[0].attempt == 1

    def test_fork__another_workflow_ran(self, github, talk, fork_head):
        github.people.runs[0] = Run(
            id=500, head_sha=fork_head, head_repository="eve/bench", workflow="ci.yml"
        )
        talk("/perfgate rerun")
        assert "no run of .github/workflows/perfgate.yml" in talk.comment


class TestFaults:
    def test_reaction_refused__answered_all_the_same(self, github, talk, head):
        github.fail("POST", r"/reactions$", status=403, message="Resource not", times=9)
        comment = talk("/perfgate rerun")
        assert len(github.people.started) == 1
        assert talk.reactions(comment) == []
        assert [kind for kind, _ in talk.said] == ["warning", "warning", "notice"]

    def test_answer_cannot_be_written__strict_says_so(self, github, talk, head):
        github.fail("POST", r"/issues/7/comments$", status=403, message="Resource not", times=9)
        comment = github.add_comment("/perfgate help", author="ann")
        assert talk.hear(comment, "/perfgate help", strict=True) == ExitCode.PUBLISH
        assert talk.hear(comment, "/perfgate help") == ExitCode.OK
        assert "pull-requests: write" in talk.said[-1][1]

    def test_cut_before_the_answer__the_next_job_repairs(self, github, talk, head):
        github.fail("POST", r"/issues/7/comments$", status=500, message="no", times=9)
        comment = talk("/perfgate rerun")
        assert github.by(BOT) == []
        github.faults.clear()
        talk.hear(comment, "/perfgate rerun")
        assert len(github.people.started) == 1
        assert talk.reactions(comment) == ["eyes", "+1"]

    @pytest.mark.parametrize("how", ["lose", "drop", "truncate"])
    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("GET", "/permission$"),
            ("GET", "/actions/runs$"),
            ("GET", "/pulls/7$"),
            ("POST", "/reactions$"),
            ("POST", "/dispatches$"),
            ("POST", "/issues/7/comments$"),
        ],
    )
    def test_one_fault__the_same_in_the_end(self, github, talk, head, method, path, how):
        github.fail(method, path, how=how)
        comment = talk("/perfgate rerun")
        assert len(github.people.started) == 1
        assert len(talk.answers) == 1
        assert talk.reactions(comment) == ["eyes", "+1"]

    def test_no_token(self, github, talk, head):
        assert talk.hear(1, "/perfgate help", token="", strict=True) == ExitCode.PUBLISH
        assert github.exchanges == []
