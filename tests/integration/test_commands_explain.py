"""`/perfgate explain`: a case's evidence from a finished run's artifact, with nothing run."""

from __future__ import annotations

import pytest

from perfgate.records import Tree, to_json
from perfgate.report.answers import MAX_TEXT_BYTES
from perfgate.report.tables import size
from perfgate.suite import parse_suite
from tests.commanding import Talk, a_change
from tests.factories import a_case_record, a_record
from tests.fakes.github_artifacts import packed
from tests.proposing import SUITE

SLOWER = [1200, 1201, 1199, 1200, 1202, 1198]
STEADY = [1000, 1001, 999, 1000, 1002, 998]


@pytest.fixture
def talk(github):
    github.people.roles["ann"] = "write"
    return Talk(github)


@pytest.fixture
def measured(github):
    """Let the run of the pull request's head leave a record of these cases' milliseconds."""

    def measured(*, fork=None, head=None, run=500, **cases):
        head = head or a_change(github, fork=fork)
        hashes = {one.id: one.workload_hash() for one in parse_suite(SUITE, source="x").cases}
        record = a_record(
            [
                a_case_record(name, base=STEADY, head=values, workload_hash=hashes[name])
                for name, values in cases.items()
            ],
            suite="perfgate",
            base=Tree(commit=github.bare.tip("main"), ref="main"),
            head=Tree(commit=head, ref="feature"),
        )
        files = {"record.json": to_json(record), "decision.json": "{}"}
        github.artifacts.add(run, "perfgate-suite", packed(files))
        return head

    return measured


def test_slower_case__its_sentence_table_and_pairs(github, talk, measured):
    head = measured(wan=SLOWER, flux=STEADY)
    comment = talk("/perfgate explain wan")
    (answer,) = talk.answers
    assert answer.state == "done"
    assert "end-to-end" in answer.text
    assert "+20.0 %" in answer.text
    assert "evidence: slower" in answer.text
    assert f"`{head[:7]}" in answer.text
    assert "/actions/runs/500" in answer.text
    assert "flux" not in answer.text
    assert size(answer.text) <= MAX_TEXT_BYTES
    assert talk.reactions(comment) == ["eyes", "+1"]


def test_fork__said_whose_code_measured(github, talk, measured):
    measured(fork="eve/bench", wan=SLOWER, flux=STEADY)
    talk("/perfgate explain wan")
    assert "measured by the fork's own code" in talk.comment


def test_unknown_case__the_others_are_named(github, talk, measured):
    measured(wan=STEADY, flux=STEADY)
    comment = talk("/perfgate explain sora")
    assert "It has: wan, flux" in talk.comment
    assert talk.reactions(comment) == ["eyes", "confused"]


def test_no_run_has_ended(github, talk, measured):
    measured(wan=STEADY)
    github.people.runs[0].status = "in_progress"
    talk("/perfgate explain wan")
    assert "nothing to explain yet" in talk.comment


def test_run_without_an_artifact__said(github, talk):
    a_change(github)
    talk("/perfgate explain wan")
    assert "no artifact" in talk.comment


def test_artifact_that_is_no_record__said(github, talk):
    a_change(github)
    hostile = packed({"record.json": '{"@all": "<img src=x>"}'})
    github.artifacts.add(500, "perfgate-suite", hostile)
    talk("/perfgate explain wan")
    (answer,) = talk.answers
    assert answer.state == "failed"
    assert "<img" not in talk.comment
    assert "@all" not in talk.comment


def test_record_of_another_commit__refused(github, talk, measured):
    head = a_change(github)
    other = github.bare.commit("elsewhere", "other", files={"x": "1"})
    measured(head=other, wan=SLOWER)
    talk("/perfgate explain wan")
    assert "+20" not in talk.comment
    assert head != other


def test_missing_permission__named(github, talk, measured):
    measured(wan=SLOWER)
    github.fail("GET", r"/artifacts$", status=403, message="Resource not accessible", times=9)
    talk("/perfgate explain wan")
    assert "actions: read" in talk.comment
