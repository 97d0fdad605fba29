"""A fork's finished run is judged anew by its base, whatever its record says."""

from __future__ import annotations

import pytest

from perfgate.baselines.native import render_baseline
from perfgate.errors import ExitCode
from perfgate.records import Origin, Tree
from tests.finished_runs import SLOWER, STEADY, SUITE, a_baseline, verdicts


def test_publish_run__the_record_is_judged_and_the_artifacts_own_decision_is_not_read(
    project, publish
):
    project.uploads(project.record(project.case("wan", head=SLOWER), project.case("flux")))
    found = publish(project.run())
    assert verdicts(found.decision) == {"wan": "regressed", "flux": "passed"}
    assert found.decision.conclusion == "failure"
    assert found.decision.measured_by_fork
    (about,) = found.about
    assert (about.pull_request, about.head_sha, about.is_fork) == (7, project.head, True)
    (folder,) = found.folders
    for name in ("comment.md", "summary.md"):
        assert "Measured by the fork's own code" in (folder / name).read_text()
    assert found.code == ExitCode.OK


def test_publish_run__a_case_that_is_left_out_is_missing(project, publish):
    project.uploads(project.record(project.case("wan")))
    found = publish(project.run())
    assert verdicts(found.decision) == {"wan": "passed", "flux": "missing"}
    assert found.decision.conclusion == "failure"
    assert "the record has no launch of it" in (found.folders[0] / "comment.md").read_text()


def test_publish_run__a_case_without_launches_is_missing(project, publish):
    empty = project.case("flux", base=(), head=(), burn_in=None, stopped="all fine, trust me")
    project.uploads(project.record(project.case("wan"), empty))
    assert verdicts(publish(project.run()).decision) == {"wan": "passed", "flux": "missing"}


def test_publish_run__no_excuse_by_a_workload_that_did_not_change(project, publish):
    """The change does not touch the suite, so that no case can compute something else."""
    excused = project.case("flux", base=(), head=(), burn_in=None, origin=Origin.WORKLOAD_CHANGED)
    project.uploads(project.record(project.case("wan"), excused))
    assert verdicts(publish(project.run()).decision)["flux"] == "missing"


def test_publish_run__the_suites_own_conditions_are_looked_at(github, project, publish):
    project.head = github.bare.commit(
        "theirs", "docs", files={"docs/x.md": "x\n"}, parents=[project.head]
    )
    github.bare.git("update-ref", "refs/pull/7/head", project.head)
    project.merge = project.merged(project.base)
    project.uploads(project.record())
    assert verdicts(publish(project.run()).decision)["docs"] == "missing"


def test_publish_run__policy_and_permissions_are_the_bases(project, publish):
    slower = project.case(
        "wan", head=SLOWER, allow={"output": "all of it"}, origin=Origin.NEW, stopped="no"
    )
    record = project.record(slower, project.case("flux"), margin=5.0, missing="neutral")
    project.uploads(record.model_copy(update={"notes": ("reviewed by @alice: merge it",)}))
    found = publish(project.run())
    assert verdicts(found.decision) == {"wan": "regressed", "flux": "passed"}
    assert "another policy than the base's" in found.decision.notes[0]
    assert "alice" not in (found.folders[0] / "comment.md").read_text()


def test_publish_run__a_suite_of_the_change_judges_nothing(github, project, publish):
    lax = SUITE.replace("margin: 3%", "margin: 300%")
    project.head = github.bare.commit(
        "theirs", "lax", files={"perfgate.yml": lax}, parents=[project.head]
    )
    github.bare.git("update-ref", "refs/pull/7/head", project.head)
    project.merge = project.merged(project.base)
    project.uploads(project.record(project.case("wan", head=SLOWER), project.case("flux")))
    found = publish(project.run())
    assert verdicts(found.decision)["wan"] == "regressed"
    assert any("changes its own gate (perfgate.yml)" in note for note in found.decision.notes)
    assert found.suites == [None]


def test_publish_run__a_new_case_is_told_and_not_judged(project, publish):
    new = project.case("their_own", head=SLOWER)
    project.uploads(project.record(project.case("wan"), project.case("flux"), new))
    found = publish(project.run())
    assert verdicts(found.decision)["their_own"] == "new"
    assert found.decision.conclusion == "neutral"


def test_publish_run__a_permission_counts_from_the_newest_base(github, project, publish):
    accepted = """\
version: 1
accepted:
  - case: wan
    metric: end-to-end
    hardware: cpu-test-x2
    reference: {value: 1000.0, unit: ms, commit: %s}
    ceiling: 1.5
    reason: the new sampler
    issue: https://example.org/55
    expires: 2026-12-31
    asked_by: ann
""" % ("c" * 40)
    github.bare.commit("main", "accept", files={"baselines/accepted.yml": accepted})
    project.uploads(
        project.record(
            project.case(
                "wan",
                head=[{"total": ms, "DenoisingStage": ms} for ms in SLOWER],
                base=[{"total": ms, "DenoisingStage": ms} for ms in STEADY],
            ),
            project.case("flux"),
        )
    )
    found = publish(project.run())
    rows = {row.name: str(row.verdict) for row in found.decision.cases[0].metrics}
    assert rows["end-to-end"] == "accepted"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"head": Tree(commit="e" * 40, ref="x")}, "neither the last commit of pull request 7"),
        ({"base": Tree(commit="e" * 40, ref="x")}, "is no commit of this repository"),
        ({"base": Tree(commit="main", ref="x")}, "names no commits"),
        ({"base": None}, "names no commits"),
        ({"hardware_key": "../../x"}, "is no hardware key"),
    ],
)
def test_publish_run__a_record_of_something_else_is_refused(project, publish, change, told):
    project.uploads(project.record(**change))
    found = publish(project.run())
    assert told in found.decision.problem.problem
    assert found.decision.conclusion == "failure"


def test_publish_run__a_merge_into_their_own_commit_is_refused(github, project, publish):
    """A base of their own making would make any change look fast."""
    slow = github.bare.commit(
        "slow", "slow", files={"a.txt": "c\n"}, parents=[project.base], tree_of=project.base
    )
    record = project.record(
        base=Tree(commit=slow, ref="main"), head=Tree(commit=project.merged(slow), ref="merge")
    )
    project.uploads(record)
    assert "is not on the branch main" in publish(project.run()).decision.problem.problem


def test_publish_run__older_rules_cannot_be_chosen(github, project, publish):
    """A merge into an old commit of the base, whose suite was laxer, is judged by today's."""
    old = project.base
    strict = SUITE.replace("{id: flux,", "{id: flux, requests: 1,")
    project.base = github.bare.commit("main", "strict", files={"perfgate.yml": strict})
    record = project.record(
        base=Tree(commit=old, ref="main"), head=Tree(commit=project.merged(old), ref="merge")
    )
    project.uploads(record)
    told = publish(project.run()).decision.problem.problem
    assert "flux computes something else than the base's suite says" in told


def test_publish_run__the_head_commit_itself(github, project, publish):
    """Where their job checked out the last commit, its base is where it left the branch."""
    project.uploads(project.record(head=Tree(commit=project.head, ref="faster")))
    assert publish(project.run()).decision.conclusion == "success"


def test_publish_run__baselines_and_calibration_of_the_base_that_cannot_be_trusted(
    github, project, publish
):
    base = github.bare.commit(
        "main", "broken", files={"baselines/cpu-test-x2/wan.json": "{}", "x": "y"}
    )
    record = project.record(
        base=Tree(commit=base, ref="main"), head=Tree(commit=project.merged(base), ref="merge")
    )
    project.uploads(record)
    found = publish(project.run())
    assert found.decision.exit_code == ExitCode.BASELINE


def test_publish_run__against_the_stored_jobs_of_the_base(github, project, publish):
    """What the base keeps of the record's machine decides; the change's own copy is not read."""
    path = "baselines/cpu-test-x2/wan.json"
    stored = render_baseline(a_baseline([STEADY] * 8, project.hashes["wan"]))
    theirs = render_baseline(a_baseline([SLOWER] * 8, project.hashes["wan"]))
    suite = SUITE.replace("strategy: paired", "strategy: baseline")
    base = github.bare.commit("main", "kept", files={"perfgate.yml": suite, path: stored})
    project.head = github.bare.commit(
        "theirs", "lax", files={path: theirs}, parents=[base], tree_of=base
    )
    github.bare.git("update-ref", "refs/pull/7/head", project.head)
    record = project.record(
        project.case("wan", head=SLOWER, base=()),
        project.case("flux", base=()),
        base=Tree(commit=base, ref="main"),
        head=Tree(commit=project.merged(base), ref="merge"),
    )
    project.uploads(record)
    found = publish(project.run())
    assert verdicts(found.decision) == {"wan": "regressed", "flux": "new"}
    assert any(f"changes its own gate ({path})" in note for note in found.decision.notes)
