"""Which pull request a finished run is published under, or that it is none."""

from __future__ import annotations

import pytest

from perfgate.errors import ExitCode
from tests.finished_runs import BRANCH, FORK


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"head_sha": "e" * 40}, "is at another commit than eeeeeeeeeeee by now"),
        ({"head_branch": "other"}, "no open pull request is from mallory/bench:other"),
        ({"head_repository": "mallory/copy"}, "no open pull request is from mallory/copy:faster"),
        ({"head_owner": "", "head_repository": ""}, "is gone"),
        ({"event": "push"}, "was for push"),
        ({"event": "workflow_dispatch"}, "was for workflow_dispatch"),
        ({"event": "issue_comment"}, "was for issue_comment"),
    ],
)
def test_publish_run__nothing_where_the_pull_request_is_not_sure(project, publish, change, told):
    project.uploads(project.record())
    found = publish(project.run(**change))
    assert found.folders == []
    assert told in found.log.text
    assert "Nothing is published" in found.log.text
    assert found.code == ExitCode.OK


def test_publish_run__nothing_where_two_pull_requests_are_of_one_commit(github, project, publish):
    github.pulls.from_fork(FORK, BRANCH, project.head, number=9)
    project.uploads(project.record())
    found = publish(project.run())
    assert found.folders == []
    assert "several pull requests" in found.log.text


def test_publish_run__nothing_for_a_closed_pull_request(github, project, publish):
    github.pulls.close(project.pull)
    project.uploads(project.record())
    assert publish(project.run()).folders == []


def test_publish_run__a_pull_request_of_the_same_repository(github, project, publish):
    github.bare.git("update-ref", "refs/heads/mine", project.head)
    pull = github.pulls.from_fork(github.repository, "mine", project.head, number=11)
    project.uploads(project.record())
    run = project.run(head_branch="mine", head_owner="octo", head_repository=github.repository)
    found = publish(run)
    assert not found.decision.measured_by_fork
    assert (found.about[0].pull_request, found.about[0].is_fork) == (pull.number, False)


def test_publish_run__a_merge_group_has_no_pull_request_and_gets_its_check(
    github, project, publish
):
    group = f"gh-readonly-queue/main/pr-7-{project.base}"
    github.bare.git("update-ref", f"refs/heads/{group}", project.merge)
    project.uploads(project.record())
    run = project.run(
        event="merge_group",
        head_branch=group,
        head_sha=project.merge,
        head_owner="octo",
        head_repository=github.repository,
    )
    found = publish(run)
    assert found.decision.conclusion == "success"
    assert (found.about[0].pull_request, found.about[0].head_sha) == (None, project.merge)
