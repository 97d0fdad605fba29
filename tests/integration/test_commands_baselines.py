"""Requests from comments in the baseline pull request, and the job that carries them out."""

from __future__ import annotations

from datetime import date

import pytest

from perfgate.baselines.accepted import parse_accepted
from tests.commanding import INPUTS, Talk, a_change
from tests.fakes.github_server import BOT
from tests.proposing import BRANCH, KEY, WAN, WHY, merge, value

ACCEPT = "/perfgate accept wan until 2026-12-31 because of the exact decoder #55"
UPDATE = "/perfgate update-baseline wan"


@pytest.fixture
def talk(github, committed):
    github.people.roles.update(ann="write", bob="write")
    github.people.workflows["perfgate.yml"] = INPUTS
    a_change(github)
    return Talk(github)


@pytest.fixture
def baselines(github):
    """The open pull request with baselines."""

    def baselines():
        (found,) = [one for one in github.pulls.open if one.head == BRANCH]
        return found

    return baselines


def accepted(github, branch=BRANCH):
    text = github.bare.text(branch, "baselines/accepted.yml")
    return {(one.case, one.metric): one for one in parse_accepted(text, source="x")}


def test_nothing_proposed_yet__a_draft_without_figures(github, talk, baselines):
    comment = talk(ACCEPT)
    pull = baselines()
    assert pull.draft
    assert pull.title == f"perf baselines: {KEY}, 1 request"
    assert "**wan** may be slower until **2026-12-31**" in pull.body
    assert "of the exact decoder ([issue](https://ghe.example.org/octo/bench/issues/55))" in (
        pull.body
    )
    assert github.bare.files(BRANCH) == github.bare.files("main")
    assert f"Asked for in [#{pull.number}]" in talk.comment
    assert talk.reactions(comment) == ["eyes", "+1"]


def test_asked_before_the_merge__accepted_after_it_with_the_jobs_figures(
    github, job, talk, baselines
):
    talk(ACCEPT)
    assert job.propose(wan=1000, flux=1000).what == "unchanged"
    assert baselines().draft
    assert "It waits: nothing of it is slower on main." in baselines().body

    done = job.propose(wan=1200, flux=1000)
    assert done.what == "updated"
    pull = baselines()
    assert not pull.draft
    assert pull.title == f"perf baselines: {KEY}, 1 of 2 cases"
    assert value(github, WAN) == 1200
    granted = accepted(github)[("wan", "end-to-end")]
    assert (granted.asked_by, granted.expires) == ("ann", date(2026, 12, 31))
    assert granted.reason == "of the exact decoder"
    assert granted.issue == "https://ghe.example.org/octo/bench/issues/55"
    assert granted.ceiling < 1.3
    assert "Asked for" not in pull.body
    assert "accepted until **2026-12-31**" in pull.body

    assert job.propose(wan=1201, flux=1000).what == "updated"
    assert not baselines().draft


def test_asked_where_a_draft_waits_for_a_reason__ready_after_the_next_job(
    github, job, talk, baselines
):
    job.propose(wan=1200)
    assert baselines().draft
    talk(ACCEPT)
    assert len(github.pulls.open) == 2
    said = [one["body"] for one in github.by(BOT) if one["pull_request"] == baselines().number]
    assert any("may be slower until **2026-12-31**" in one for one in said)
    job.propose(wan=1200)
    assert not baselines().draft


def test_metric_that_is_named__no_other_is_accepted(github, job, talk, baselines):
    talk(ACCEPT.replace("wan until", "wan DenoisingStage until"))
    job.propose(wan=1200)
    pull = baselines()
    assert pull.draft
    assert {metric for _, metric in accepted(github)} == {"DenoisingStage"}
    assert "### Asked for" not in pull.body
    talk(ACCEPT, author="bob")
    job.propose(wan=1200)
    assert not baselines().draft
    assert accepted(github)[("wan", "end-to-end")].asked_by == "bob"


def test_metric_that_is_not_slower__waits(github, job, talk, baselines):
    talk(ACCEPT.replace("wan until", "wan DenoisingStage until"))
    job.propose(wan=700)
    assert not baselines().draft
    assert "**wan DenoisingStage** may be slower" in baselines().body
    assert "not slower by more than its margin" in baselines().body


def test_newer_request_for_the_same__counts(github, job, talk, baselines):
    talk(ACCEPT)
    talk(ACCEPT.replace("2026-12-31", "2026-06-30"), author="bob")
    job.propose(wan=1200)
    assert accepted(github)[("wan", "end-to-end")].asked_by == "bob"
    assert "### Asked for" not in baselines().body


def test_update_baseline__figures_that_did_not_move(github, job, talk, baselines):
    talk(UPDATE)
    assert baselines().draft
    assert job.propose(wan=1001, flux=1000).what == "updated"
    pull = baselines()
    assert not pull.draft
    assert "asked for by ann" in pull.body
    assert github.bare.text(BRANCH, WAN) != github.bare.text("main", WAN)
    assert job.propose(wan=999, flux=1000).what == "updated"
    merge(github, baselines())
    assert job.propose(wan=1000, flux=1000).what == "nothing"


def test_no_job_has_measured_the_case__it_waits(github, job, talk, baselines):
    talk(UPDATE)
    job.propose(flux=700)
    assert "no job has measured it since" in baselines().body
    assert not baselines().draft
    merge(github, baselines())
    job.propose(flux=700)
    assert baselines().draft
    assert "**wan**: its newest figures" in baselines().body
    job.propose(wan=1000, flux=700)
    assert not baselines().draft


def test_closed_by_a_person__the_request_is_taken_back(github, job, talk, baselines):
    talk(ACCEPT)
    github.pulls.close(baselines())
    job.propose(wan=1200)
    assert baselines().draft
    assert "baselines/accepted.yml" not in github.bare.files(BRANCH)


def test_asked_again_after_a_close__a_new_beginning(github, job, talk, baselines):
    job.propose(wan=1200)
    first = baselines()
    github.pulls.close(first)
    talk(ACCEPT)
    assert baselines().number != first.number
    assert github.bare.text(BRANCH, WAN) == github.bare.text("main", WAN)
    job.propose(wan=1200)
    assert not baselines().draft


def test_asked_after_a_merge__a_new_beginning(github, job, talk, baselines):
    job.propose(wan=800)
    merge(github, baselines())
    talk(ACCEPT)
    assert baselines().draft
    job.propose(wan=1000)
    assert not baselines().draft


def test_last_day_is_past__told_and_closed(github, job, talk, baselines):
    talk(ACCEPT)
    number = baselines().number
    job.today = date(2027, 1, 1)
    assert job.propose(wan=1000, flux=1000).what == "closed"
    said = [one["body"] for one in github.by(BOT) if one["pull_request"] == number]
    assert any("cannot be carried out: its last day is past" in one for one in said)


def test_case_that_left_the_suite__told(github, job, talk, baselines):
    talk(ACCEPT)
    number = baselines().number
    suite = github.bare.text("main", "perfgate.yml").replace("wan", "sora")
    github.bare.commit("main", "rename", files={"perfgate.yml": suite})
    done = job.propose(suite=suite, flux=1000)
    assert done.what == "closed"
    assert any("no such case" in note for note in done.notes)
    said = [one["body"] for one in github.by(BOT) if one["pull_request"] == number]
    assert sum("cannot be carried out" in one for one in said) == 1


def test_somebody_elses_commit_on_the_branch__stays_theirs(github, job, talk, baselines):
    job.propose(wan=800, flux=700)
    theirs = github.bare.text(BRANCH, WAN).replace('"protocol"', '"protocol" ')
    github.bare.commit(BRANCH, "by hand", files={WAN: theirs})
    talk("/perfgate update-baseline flux")
    job.propose(wan=810, flux=700)
    assert github.bare.text(BRANCH, WAN) == theirs
    assert "somebody else" in baselines().body


def test_two_kinds_of_machines__asked_for_on_both(github, job, talk, baselines):
    other = "cpu-other-x4"
    job.propose(key=other, wan=1000)
    (pull,) = [one for one in github.pulls.open if one.head.endswith(other)]
    merge(github, pull)
    talk(ACCEPT)
    heads = {one.head for one in github.pulls.open if one.number != 7}
    assert heads == {BRANCH, f"perfgate/baselines/main/{other}"}


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("/perfgate update-baseline sora", "has no case **sora**: wan, flux"),
        (ACCEPT.replace("wan", "wan DreamStage"), "has no such metric; it has: "),
    ],
)
def test_what_nobody_has__refused_at_once(github, talk, line, told):
    comment = talk(line)
    assert told in talk.comment
    assert talk.reactions(comment) == ["eyes", "confused"]
    assert [one.number for one in github.pulls.open] == [7]


def test_no_baseline_of_the_case__refused(github, job):
    github.people.roles["ann"] = "write"
    a_change(github)
    talk = Talk(github)
    talk(UPDATE)
    assert "No baseline of **wan** is on main" in talk.comment


def test_suite_that_cannot_be_read__told(github, talk):
    github.bare.commit("main", "break", files={"perfgate.yml": "version: 1\ncases: ["})
    talk(ACCEPT)
    assert "perfgate.yml on main" in talk.comment
    talk("/perfgate help")


def test_job_run_again__one_commit_and_one_pull_request(github, talk):
    comment = talk(ACCEPT)
    tip = github.bare.tip(BRANCH)
    github.comments = [one for one in github.comments if one["author"] != BOT]
    talk.hear(comment, ACCEPT)
    assert github.bare.tip(BRANCH) == tip
    assert len(github.pulls.all) == 3


@pytest.mark.parametrize("how", ["lose", "drop", "truncate"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/git/commits$"),
        ("PATCH", "/git/refs/"),
        ("POST", "/pulls$"),
        ("GET", "/git/ref/"),
        ("GET", "/compare/"),
    ],
)
def test_one_fault__the_same_in_the_end(github, talk, job, baselines, method, path, how):
    github.fail(method, path, how=how)
    talk(ACCEPT)
    assert len([one for one in github.pulls.all if one.head == BRANCH]) == 2
    job.propose(wan=1200)
    assert accepted(github)[("wan", "end-to-end")].asked_by == "ann"


def test_cut_between_branch_and_pull_request__the_next_job_opens_it(github, talk, job, baselines):
    github.fail("POST", r"/pulls$", status=500, message="no", times=99)
    comment = talk(ACCEPT)
    assert talk.reactions(comment) == ["eyes", "confused"]
    github.faults.clear()
    job.propose(wan=1000, flux=1000)
    assert "**wan** may be slower" in baselines().body


def test_two_comments_at_once__both_are_kept(github, talk, job, baselines):
    github.meanwhile("PATCH", r"/git/refs/", lambda: talk(UPDATE, author="bob"))
    talk(ACCEPT)
    job.propose(flux=1000)
    assert "may be slower" in baselines().body
    assert "its newest figures" in baselines().body


def test_no_right_to_push__named(github, talk):
    github.fail("PATCH", r"/git/refs/", status=403, message="Resource not accessible", times=9)
    talk(ACCEPT)
    assert "contents: write" in talk.comment


def test_reason_of_the_job__holds_where_nothing_was_asked(github, job, talk, baselines):
    talk(ACCEPT.replace("wan", "flux"))
    job.propose(wan=1200, flux=1200, rest={"ask": {"reason": "new driver", **WHY}})
    granted = accepted(github)
    assert granted[("wan", "end-to-end")].asked_by == "ann"
    assert granted[("wan", "end-to-end")].reason == "new driver"
    assert granted[("flux", "end-to-end")].reason == "of the exact decoder"
