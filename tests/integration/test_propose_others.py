"""A proposal beside other people and other jobs, who change base, branch and pull request."""

from __future__ import annotations

import pytest

from perfgate.baselines.proposal import proposal_message, read_offers
from tests.fakes.github_server import BOT
from tests.proposing import BRANCH, FLUX, WAN, WHY, value


def test_base_moved__rebuilt_on_its_newest_commit(github, job, committed):
    job.propose(wan=800)
    moved = github.bare.commit("main", "other work", files={"src.py": "1\n"})
    assert job.propose(flux=700).what == "updated"
    assert github.bare.asks("merge-base", "--is-ancestor", moved, BRANCH) is not None
    changed = github.bare.git("diff", "--name-only", f"main...{BRANCH}").split()
    assert changed == [FLUX, WAN]


def test_somebody_changed_the_file_on_base__shown_and_never_overwritten(github, job, committed):
    job.propose(wan=800, flux=700)
    theirs = github.bare.text("main", WAN).replace('"protocol"', '"protocol" ')
    github.bare.commit("main", "by hand", files={WAN: theirs})
    done = job.propose(flux=701)
    (pull,) = github.pulls.open
    assert github.bare.text(BRANCH, WAN) == theirs
    assert value(github, FLUX) == 701
    assert f"{WAN} was changed on main" in pull.body
    assert "1 of 2 cases" in pull.title
    assert any(WAN in note for note in done.notes)


def test_base_changed_after_the_measured_commit__left_as_it_is(github, job, committed):
    measured = github.bare.tip("main")
    theirs = github.bare.text("main", WAN).replace('"protocol"', '"protocol" ')
    github.bare.commit("main", "by hand", files={WAN: theirs})
    done = job.propose(at=measured, wan=800, flux=700)
    assert github.bare.text(BRANCH, WAN) == theirs
    assert any("Measure again" in note for note in done.notes)


def test_somebody_pushed_to_the_branch__their_file_stays(github, job, committed):
    job.propose(wan=800, flux=700)
    theirs = github.bare.text(BRANCH, WAN).replace('"protocol"', '"protocol" ')
    github.bare.commit(BRANCH, "by hand", files={WAN: theirs, "notes.md": "see above\n"})
    job.propose(wan=810, flux=701)
    assert github.bare.text(BRANCH, WAN) == theirs
    assert github.bare.text(BRANCH, "notes.md") == "see above\n"
    assert value(github, FLUX) == 701
    assert "somebody else" in github.pulls.open[0].body


def test_message_that_tells_other_figures__the_files_are_told(github, job, committed):
    job.propose(wan=1200)
    (offer,) = read_offers(github.bare.git("show", "--no-patch", "--format=%B", BRANCH))
    faster = [one.model_copy(update={"new": 900.0}) for one in offer.change.metrics]
    change = offer.change.model_copy(update={"metrics": tuple(faster), "unexplained": ()})
    message = proposal_message("x", [], [offer.model_copy(update={"change": change})])
    tip = github.bare.tip(BRANCH)
    github.bare.commit(BRANCH, message, files={}, parents=[tip])
    job.propose(flux=700)
    (pull,) = github.pulls.open
    assert "+20.0 %" in pull.body
    assert pull.draft


def test_file_on_the_branch_that_contradicts_itself__left_out(github, job, committed):
    job.propose(wan=800)
    message = github.bare.git("show", "--no-patch", "--format=%B", BRANCH)
    text = github.bare.text(BRANCH, WAN).replace('"launches": 5', '"launches": 50')
    assert text != github.bare.text(BRANCH, WAN)
    tip = github.bare.tip(BRANCH)
    github.bare.commit(BRANCH, message, files={WAN: text}, parents=[tip])
    job.propose(flux=700)
    (pull,) = github.pulls.open
    assert "1 of 2 cases" in pull.title
    assert "what the branch holds of it is left out" in pull.body
    assert value(github, WAN) == 1000


def test_somebody_updated_the_branch_from_base__goes_on(github, job, committed):
    job.propose(wan=800)
    main = github.bare.commit("main", "other work", files={"src.py": "1\n"})
    tip = github.bare.tip(BRANCH)
    files = {"src.py": "1\n"}
    github.bare.commit(BRANCH, "Merge branch 'main'", files=files, parents=[tip, main])
    assert job.propose(wan=790).what == "updated"
    assert value(github, WAN) == 790
    assert "somebody else" not in github.pulls.open[0].body


def test_reviewer_writes_the_acceptance_on_the_branch(github, job, committed):
    job.propose(wan=1200, rest={"ask": {"reason": "the exact decoder", **WHY}})
    permission = github.bare.text(BRANCH, "baselines/accepted.yml")
    github.pulls.close(github.pulls.open[0])
    job.propose(wan=1200)
    assert github.pulls.open[0].draft
    github.bare.commit(BRANCH, "accept", files={"baselines/accepted.yml": permission})
    job.propose(wan=1201)
    assert not github.pulls.open[0].draft
    assert "the exact decoder" in github.bare.text(BRANCH, "baselines/accepted.yml")


def test_broken_acceptances_on_the_branch__a_person_looks(github, job, committed):
    job.propose(wan=1200)
    broken = {"baselines/accepted.yml": "version: 1\naccepted: [{case: wan}]\n"}
    tip = github.bare.commit(BRANCH, "accept", files=broken)
    done = job.propose(wan=1200)
    assert done.what == "stuck"
    assert "On this branch baselines/accepted.yml" in done.notes[0]
    assert github.bare.tip(BRANCH) == tip


def test_both_sides_changed_a_file_of_theirs__a_person_looks(github, job, committed):
    job.propose(wan=800)
    github.bare.commit(BRANCH, "by hand", files={"notes.md": "a\n"})
    github.bare.commit("main", "by hand", files={"notes.md": "b\n"})
    tip = github.bare.tip(BRANCH)
    done = job.propose(wan=790)
    assert done.what == "stuck"
    assert "merge the two by hand" in done.notes[0]
    (comment,) = github.by(BOT)
    assert "merge the two by hand" in comment["body"]
    assert github.bare.tip(BRANCH) == tip


def test_closed_by_a_person__the_next_job_does_not_carry_its_figures(github, job, committed):
    job.propose(wan=800)
    github.pulls.close(github.pulls.open[0])
    job.propose(flux=700)
    (pull,) = github.pulls.open
    assert "1 of 2 cases" in pull.title
    assert value(github, WAN) == 1000


@pytest.mark.parametrize("when", ["before it is created", "before it is moved"])
def test_two_jobs_at_once__no_figure_is_lost(github, job, committed, when):
    if when == "before it is moved":
        job.propose(flux=690)
    else:
        github.bare.git("update-ref", "-d", f"refs/heads/{BRANCH}")
    late, pauses = job.record(flux=700), []
    method, path = ("POST", "/git/refs$") if when.endswith("created") else ("PATCH", "/git/refs/")
    github.meanwhile(method, path, lambda: job.propose(wan=800))
    job(late, pauses=pauses)
    (pull,) = github.pulls.open
    assert (value(github, WAN), value(github, FLUX)) == (800, 700)
    assert "2 of 2 cases" in pull.title
    assert pauses


@pytest.mark.parametrize("open_already", [False, True])
def test_other_job_comes_between_push_and_body__the_body_tells_both(
    github, job, committed, open_already
):
    if open_already:
        job.propose(flux=690)
    method, path = ("PATCH", r"/pulls/\d+$") if open_already else ("POST", "/pulls$")
    github.meanwhile(method, path, lambda: job.propose(wan=800))
    job.propose(flux=700)
    (pull,) = github.pulls.open
    assert (value(github, WAN), value(github, FLUX)) == (800, 700)
    assert "2 of 2 cases" in pull.title


def test_closing_while_another_job_pushes__stays_open(github, job, committed):
    job.propose(wan=800)
    github.meanwhile("PATCH", r"/pulls/\d+$", lambda: job.propose(flux=700))
    job.propose(wan=1000)
    (pull,) = github.pulls.open
    assert value(github, FLUX) == 700
    assert "1 of 2 cases" in pull.title
