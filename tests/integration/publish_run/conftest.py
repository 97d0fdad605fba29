"""A fake GitHub with a fork's pull request, and the publishing of its finished run."""

from __future__ import annotations

import pytest

from perfgate.app.publishing.publish_run import PublishRun, publish_run
from perfgate.errors import ExitCode
from perfgate.github.artifacts import GitHubRuns
from perfgate.github.event import Event
from tests.fakes.github_server import FakeGitHub
from tests.finished_runs import Log, Project, Published


@pytest.fixture
def github(tmp_path):
    with FakeGitHub(token="a-s3cret-token", folder=tmp_path / "origin.git") as server:
        yield server


@pytest.fixture
def project(github):
    return Project(github)


@pytest.fixture
def publish(github, tmp_path):
    def publish(run, *, suites=("perfgate.yml",)):
        published = Published(Log())

        def publish_folder(folder, about, suite):
            published.folders.append(folder)
            published.suites.append(suite)
            published.about.append(about)
            return ExitCode.OK

        event = Event(name="workflow_run", repository=github.repository, finished=run)
        request = PublishRun(event=event, suites=suites, output_dir=tmp_path / "out")
        with GitHubRuns(
            token="a-s3cret-token",
            repository=github.repository,
            api_url=github.url,
            seconds_between_writes=0,
        ) as api:
            published.code = publish_run(
                request, published.log, api=api, publish_folder=publish_folder
            )
        return published

    return publish
