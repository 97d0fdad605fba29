"""What is taken from a finished run's artifacts, and what several of them make."""

from __future__ import annotations

import pytest

from perfgate.records import Tree
from tests.fakes.github_artifacts import packed
from tests.finished_runs import RUN, SLOWER, SUITE, verdicts


def test_publish_run__the_token_never_leaves_github(github, project, publish):
    project.uploads(project.record())
    publish(project.run())
    (asked,) = github.artifacts.storage.headers
    assert "authorization" not in asked
    assert all("s3cret" not in value for value in asked.values())


def test_publish_run__nothing_without_artifacts_of_ours(github, project, publish):
    github.artifacts.add(RUN, "coverage", packed({"record.json": "{}"}))
    found = publish(project.run())
    assert found.folders == []
    assert "no artifact whose name starts with perfgate" in found.log.text


def test_publish_run__expired(project, publish):
    project.uploads(project.record(), expired=True)
    found = publish(project.run())
    assert found.folders == []
    assert "perfgate-tiny has expired" in found.log.text


def test_publish_run__of_two_attempts_the_newest(project, publish):
    project.uploads(project.record(project.case("wan", head=SLOWER), project.case("flux")))
    project.uploads(project.record())
    assert publish(project.run()).decision.conclusion == "success"


@pytest.mark.parametrize(
    ("record", "told"),
    [
        (b"\xff", "UTF-8"),
        ("{}", "is not a record"),
        ("[" * 100_000, "is not a record"),
        ('{"schema": "perfgate.decision"}', "is not a record"),
    ],
)
def test_publish_run__an_artifact_that_holds_no_record_is_refused_aloud(
    project, publish, record, told
):
    project.uploads(record)
    found = publish(project.run())
    assert found.decision.conclusion == "failure"
    assert told in found.decision.problem.problem
    assert "warning: Not used: artifact perfgate-tiny" in found.log.text
    assert found.about[0].pull_request == 7


def test_publish_run__parts_of_a_suite_are_one(project, publish):
    project.uploads(project.record(project.case("wan")), name="perfgate-a")
    project.uploads(project.record(project.case("flux")), name="perfgate-b")
    found = publish(project.run())
    assert verdicts(found.decision) == {"wan": "passed", "flux": "passed"}


def test_publish_run__machines_stand_apart_the_worst_first(project, publish):
    project.uploads(project.record(), name="perfgate-a")
    slower = project.record(project.case("wan", head=SLOWER), project.case("flux"))
    other = slower.fingerprint.model_copy(update={"hardware_key": "cpu-other-x4"})
    project.uploads(slower.model_copy(update={"fingerprint": other}), name="perfgate-b")
    found = publish(project.run())
    told = [(one.hardware_key, one.conclusion) for one in found.decisions]
    assert told == [("cpu-other-x4", "failure"), ("cpu-test-x2", "success")]
    assert len({str(folder) for folder in found.folders}) == 2


def test_publish_run__each_suite_by_its_own_name(github, project, publish):
    other = SUITE.replace("name: tiny", "name: large")
    github.bare.commit("main", "another suite", files={"large.yml": other})
    base = github.bare.tip("main")
    where = {
        "base": Tree(commit=base, ref="main"),
        "head": Tree(commit=project.merged(base), ref="merge"),
    }
    project.uploads(project.record(**where), name="perfgate-tiny")
    project.uploads(project.record(**where, suite="large"), name="perfgate-large")
    project.uploads(project.record(**where, suite="::error::x"), name="perfgate-x")
    found = publish(project.run(), suites=("perfgate.yml", "large.yml"))
    assert {one.suite for one in found.decisions} == {"tiny", "large"}
    assert "is of the suite '::error::x', which is not published" in found.log.text


def test_publish_run__a_base_without_a_suite(project, publish):
    project.uploads(project.record())
    found = publish(project.run(), suites=("other.yml",))
    assert found.folders == []
    assert "no suite file other.yml" in found.log.text


def test_publish_run__an_answer_that_is_lost_is_asked_for_again(github, project, publish):
    project.uploads(project.record())
    github.fail("GET", "/zip", status=502)
    github.fail("GET", "/pulls", how="drop")
    found = publish(project.run())
    assert found.decision.conclusion == "success"
    assert len(found.log.slept) == 2
