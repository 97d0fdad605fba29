"""A proposal through its life: real records and files, the real client, a fake GitHub with git."""

from __future__ import annotations

from datetime import date

import pytest

from perfgate.app.proposing.pull_request import People
from perfgate.errors import ConfigurationError, ExitCode, PerfgateError
from perfgate.github.problems import GitHubError
from tests.factories import a_case_record
from tests.fakes.github_server import BOT
from tests.proposing import BRANCH, FLUX, KEY, SUITE, WAN, WHY, value


def test_first_baselines(github, job):
    done = job.propose(wan=1000, flux=2000)
    assert done.what == "opened"
    (pull,) = github.pulls.open
    assert done.url.endswith(f"/pull/{pull.number}")
    assert (pull.head, pull.base, pull.draft) == (BRANCH, "main", False)
    assert pull.title == f"perf baselines: {KEY}, 2 of 2 cases"
    assert "New or changed workload" in pull.body
    assert "https://github.com/octo/bench/actions/runs/1" in pull.body
    assert (pull.labels, pull.reviewers, pull.teams) == (["perf-baselines"], ["alice"], ["perf"])
    assert (value(github, WAN), value(github, FLUX)) == (1000, 2000)
    assert github.bare.git("rev-list", "--count", f"main..{BRANCH}") == "1"
    assert github.bare.files(BRANCH) - github.bare.files("main") == {WAN, FLUX}


def test_equal_numbers__nothing_to_propose(github, job, committed):
    done = job.propose(wan=1001, flux=999)
    assert done.what == "nothing"
    assert github.pulls.open == []


def test_slower__a_draft_until_a_reason_is_given__which_later_jobs_need_not_repeat(
    github, job, committed
):
    assert job.propose(wan=1200, flux=1000).what == "opened"
    (pull,) = github.pulls.open
    assert pull.draft
    assert "A draft until somebody says why" in pull.body
    assert "accepted.yml" not in str(github.bare.files(BRANCH))

    reason = {"ask": {"reason": "the exact | decoder", **WHY}}
    assert job.propose(wan=1201, flux=1000, rest=reason).what == "updated"
    assert not pull.draft
    assert "accepted until **2026-06-01**" in pull.body
    assert "exact \\| decoder" in pull.body
    assert "asked_by: ann" in github.bare.text(BRANCH, "baselines/accepted.yml")

    assert job.propose(wan=1199, flux=1000).what == "updated"
    assert not pull.draft
    assert "exact" in github.bare.text(BRANCH, "baselines/accepted.yml")
    assert [one.number for one in github.pulls.all] == [8, 9]


def test_slower_than_what_was_accepted_on_the_branch__a_draft_again(github, job, committed):
    job.propose(wan=1200, rest={"ask": {"reason": "the exact decoder", **WHY}})
    (pull,) = github.pulls.open
    assert not pull.draft
    job.propose(wan=1500)
    assert pull.draft


NOISY = [900, 1150, 1240, 990, 1180]


def test_one_job_that_is_noise__nothing_is_proposed(github, job, committed):
    done = job.propose(wan=NOISY, flux=1000)
    assert done.what == "nothing"
    assert any("its own launches scatter" in note for note in done.notes)
    assert job.propose(wan=[1080, 1090, 1085, 1088]).what == "opened"


def test_one_job_that_is_noise__what_is_proposed_stays(github, job, committed):
    job.propose(wan=1200)
    job.propose(wan=NOISY, flux=700)
    assert (value(github, WAN), value(github, FLUX)) == (1200, 700)


def test_same_pull_request_for_the_next_job(github, job, committed):
    job.propose(wan=800)
    first = github.bare.tip(BRANCH)
    done = job.propose(wan=790)
    assert done.what == "updated"
    assert len(github.pulls.all) == 2
    assert value(github, WAN) == 790
    assert github.bare.asks("merge-base", "--is-ancestor", first, BRANCH) is not None


def test_same_job_again__nothing_moves(github, job, committed):
    record = job.record(wan=800)
    job(record)
    tip = github.bare.tip(BRANCH)
    assert job(record).what == "unchanged"
    assert github.bare.tip(BRANCH) == tip


def test_another_job_with_another_case__both_are_kept(github, job, committed):
    job.propose(wan=800)
    job.propose(flux=700)
    (pull,) = github.pulls.open
    assert (value(github, WAN), value(github, FLUX)) == (800, 700)
    assert "2 of 2 cases" in pull.title
    assert "/runs/2" in pull.body
    assert "/runs/3" in pull.body


def test_one_case_is_back__the_other_stays(github, job, committed):
    job.propose(wan=800, flux=700)
    job.propose(wan=1000)
    (pull,) = github.pulls.open
    assert "1 of 2 cases" in pull.title
    assert value(github, WAN) == 1000
    assert value(github, FLUX) == 700


def test_all_back__closed_with_a_comment(github, job, committed):
    job.propose(wan=800)
    done = job.propose(wan=1000, flux=1001)
    assert done.what == "closed"
    assert github.pulls.open == []
    (comment,) = github.by(BOT)
    assert "**wan**, **flux** is back at what main holds" in comment["body"]
    assert job.propose(wan=790).what == "opened"
    assert value(github, WAN) == 790


def test_two_hardware_keys__two_pull_requests(github, job, committed):
    job.propose(wan=800)
    job.propose(key="cpu-other-x4", wan=700)
    heads = {pull.head for pull in github.pulls.open}
    assert heads == {BRANCH, "perfgate/baselines/main/cpu-other-x4"}


def test_changed_workload__as_the_suite_on_main_says(github, job, committed):
    suite = SUITE.replace("wan.py", "wan.py --steps 8")
    github.bare.commit("main", "more steps", files={"perfgate.yml": suite})
    assert "another workload" in job.propose(wan=1500).refused["wan"]
    job.propose(suite=suite, wan=1500)
    (pull,) = github.pulls.open
    assert not pull.draft
    assert "Each changed workload was meant to change" in pull.body


def test_expired_acceptance__asked_for_again(github, job, merge, committed):
    ended = {"reason": "the exact decoder", **WHY, "expires": date(2026, 2, 1)}
    job.propose(wan=1200, rest={"ask": ended})
    merge()
    assert job.propose(wan=1200).what == "opened"
    (pull,) = github.pulls.open
    assert pull.draft
    assert "ended on 2026-02-01" in pull.body


def test_refused_measurement__told_and_the_rest_goes_on(github, job, committed):
    record = job.record(wan=800, flux=700)
    broken = a_case_record(
        id="flux",
        base=(),
        head=[700, "exit status 1", 700],
        workload_hash=record.cases[1].workload_hash,
    )
    done = job(record.model_copy(update={"cases": (record.cases[0], broken)}))
    assert "exit status 1" in done.refused["flux"]
    (pull,) = github.pulls.open
    assert "Measured, and no baseline" in pull.body
    assert value(github, WAN) == 800


def test_the_token_of_an_app__no_word_about_workflows(github, job, committed):
    github.logins["an-app"] = "perf-app[bot]"
    job.propose(wan=800, rest={"token": "an-app"})
    assert "Approve workflows" not in github.pulls.open[0].body
    job.propose(wan=790)
    assert "Approve workflows" in github.pulls.open[0].body


def test_reviewers_and_labels_as_asked__one_that_is_refused_stops_nothing(github, job, committed):
    rest = {"people": People(reviewers=("@bob", "stranger"), labels=("perf", "bot"))}
    done = job.propose(wan=800, rest=rest)
    (pull,) = github.pulls.open
    assert (pull.reviewers, pull.labels) == (["bob"], ["perf", "bot"])
    assert any("collaborators" in note for note in done.notes)


def test_no_drafts_here__opened_and_said(github, job, committed):
    github.pulls.has_drafts = False
    done = job.propose(wan=1200)
    (pull,) = github.pulls.open
    assert not pull.draft
    assert "no drafts" in done.notes[0]
    assert "A draft until somebody says why" in pull.body


def test_measured_off_the_branch__refused(github, job, committed):
    tip = github.bare.tip("main")
    where = github.bare.commit("feature", "work", files={"a": "b"}, parents=[tip], tree_of=tip)
    with pytest.raises(ConfigurationError, match="which is not on the branch main"):
        job.propose(at=where, wan=800)


@pytest.mark.parametrize("what", ["commit", "branch"])
def test_what_github_does_not_show__may_be_a_missing_permission(github, job, committed, what):
    measured = {"at": "f" * 40} if what == "commit" else {"rest": {"base": "release"}, "at": "main"}
    with pytest.raises(GitHubError, match=f"GitHub shows no {what}") as raised:
        job.propose(wan=800, **measured)
    assert "contents: write" in raised.value.fix


def test_may_not_open__the_setting_is_named(github, job, committed):
    github.pulls.may_open = False
    with pytest.raises(PerfgateError) as raised:
        job.propose(wan=800)
    assert raised.value.exit_code is ExitCode.PUBLISH
    assert "Allow GitHub Actions to create" in raised.value.fix
