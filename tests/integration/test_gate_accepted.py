"""Permissions to be slower over real git: whose file counts, and what a gate makes of it."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from perfgate.app.measuring.selection import Selection
from perfgate.app.permissions import Found, find_permissions
from perfgate.baselines.accepted import render_accepted
from perfgate.errors import BaselineError
from perfgate.github.event import Event
from perfgate.records import GatePolicy
from perfgate.sides.git import open_repository
from perfgate.verdict.acceptance import Acceptance
from tests.factories import an_acceptance
from tests.repositories import SUITE, Repository, bench, environment, perfgate

PATH = "baselines/accepted.yml"
LOCAL = Event(name="local")
TO_MAIN = Event(name="pull_request", base_ref="main")
ON_MAIN = Event(name="push", base_ref="main", on_default_branch=True)


@pytest.fixture
def upstream(tmp_path: Path) -> Repository:
    """A repository whose main permitted one metric first, and another one later."""
    project = Repository(tmp_path / "upstream")
    project.commit("start")
    project.file(PATH, render_accepted([an_acceptance(metric="first")]))
    project.commit("permit one")
    return project


def permit_more(upstream: Repository) -> None:
    upstream.file(PATH, render_accepted([an_acceptance(metric="newer")]))
    upstream.commit("permit another")


def found(
    repository: Repository, event: Event, base: str, folder: str | None = "baselines"
) -> Found:
    selection = Selection(
        name="s", policy=GatePolicy(), state_folder=folder, sglang=None, chosen=()
    )
    return find_permissions(
        open_repository(repository.path, environment()),
        selection,
        event,
        base_commit=base,
        now="2026-05-01T10:00:00+00:00",
    )


def metrics(where: Found) -> list[str]:
    return [one.metric for one in where.permissions.acceptances]


class TestWhoseFileCounts:
    def test_a_pull_request__reads_the_newest_of_its_base_branch(
        self, upstream: Repository, tmp_path: Path
    ) -> None:
        clone = upstream.clone(tmp_path / "clone", "--depth=1")
        base = clone.git("rev-parse", "HEAD")
        permit_more(upstream)
        assert metrics(found(clone, TO_MAIN, base)) == ["newer"]
        assert not found(clone, TO_MAIN, base).permissions.answers_for_debt

    def test_fetching_it__leaves_a_whole_clone_whole(
        self, upstream: Repository, tmp_path: Path
    ) -> None:
        clone = upstream.clone(tmp_path / "clone")
        permit_more(upstream)
        assert metrics(found(clone, TO_MAIN, clone.git("rev-parse", "HEAD"))) == ["newer"]
        assert clone.git("rev-parse", "--is-shallow-repository") == "false"

    def test_where_it_cannot_be_fetched__the_base_commit_counts_and_it_is_said(
        self, upstream: Repository
    ) -> None:
        where = found(upstream, TO_MAIN, upstream.git("rev-parse", "HEAD"))
        assert metrics(where) == ["first"]
        (note,) = where.notes
        assert "the newest of main could not be fetched" in note

    @pytest.mark.parametrize("event", [TO_MAIN, LOCAL])
    def test_a_change__grants_itself_nothing_and_is_told(
        self, upstream: Repository, tmp_path: Path, event: Event
    ) -> None:
        clone = upstream.clone(tmp_path / "clone")
        base = clone.git("rev-parse", "HEAD")
        permit_more(clone)
        where = found(clone, event, base)
        assert metrics(where) == ["first"]
        (note,) = where.notes
        assert f"permits itself in {PATH} counts once it is on the base" in note

    def test_what_is_on_the_default_branch__reads_its_own_and_answers_for_it(
        self, upstream: Repository
    ) -> None:
        base = upstream.git("rev-parse", "HEAD")
        permit_more(upstream)
        where = found(upstream, ON_MAIN, base)
        assert metrics(where) == ["newer"]
        assert where.permissions.answers_for_debt
        assert where.permissions.today == date(2026, 5, 1)
        assert where.notes == ()

    def test_no_folder_or_no_file__permits_nothing(self, upstream: Repository) -> None:
        base = upstream.git("rev-parse", "HEAD")
        assert metrics(found(upstream, LOCAL, base, None)) == []
        assert metrics(found(upstream, LOCAL, base, "elsewhere")) == []

    def test_a_file_that_cannot_be_trusted__is_an_error(self, upstream: Repository) -> None:
        upstream.file(PATH, "accepted: everything")
        base = upstream.commit("slip")
        with pytest.raises(BaselineError, match=PATH):
            found(upstream, LOCAL, base)


@pytest.mark.slow
class TestAGate:
    """As a process: a slowdown of a half in a stage that takes most of the time."""

    @pytest.fixture
    def repository(self, tmp_path: Path) -> Repository:
        project = Repository(tmp_path / "project")
        project.commit("start", perfgate_yml="baselines: baselines/\n" + SUITE, bench_py=bench())
        return project

    def gate(self, repository: Repository, **environ: str) -> dict[str, Any]:
        done = perfgate(repository.path, "gate", "--base", "HEAD~1", **environ)
        text = (repository.path / "perfgate-out/decision.json").read_text()
        decision: dict[str, Any] = json.loads(text)
        assert done.returncode == decision["exit_code"], done.stdout + done.stderr
        return {**decision, "stdout": done.stdout}

    def permissions(self, decision: dict[str, Any], *, days: int) -> list[Acceptance]:
        """One for each judged metric, of the figure that base has."""
        return [
            an_acceptance(
                case="bench",
                metric=metric["name"],
                hardware=decision["hardware_key"],
                reference=metric["base"],
                ceiling=2.0,
                expires=datetime.now(UTC).date() + timedelta(days=days),
            )
            for metric in decision["cases"][0]["metrics"]
        ]

    def test_a_permission_on_base__accepts_until_it_ends(self, repository: Repository) -> None:
        repository.commit("slower", bench_py=bench(DenoisingStage=150.0))
        slower = self.gate(repository)
        assert (slower["verdict"], slower["exit_code"]) == ("regressed", 1)
        for days, verdict, code in ((9, "accepted", 0), (-1, "regressed", 1)):
            repository.git("reset", "--quiet", "--hard", "HEAD~1")
            repository.file(PATH, render_accepted(self.permissions(slower, days=days)))
            repository.commit("permit it")
            repository.commit("slower", bench_py=bench(DenoisingStage=150.0))
            decision = self.gate(repository)
            assert (decision["verdict"], decision["exit_code"]) == (verdict, code)
        assert "which is over" in decision["stdout"]

    def event(self, repository: Repository, name: str) -> dict[str, str]:
        """What GitHub tells of a run for the newest of main, or for a pull request to it."""
        head = repository.git("rev-parse", "HEAD")
        payload = {
            "repository": {"default_branch": "main"},
            "ref": "refs/heads/main",
            "pull_request": {
                "number": 7,
                "head": {"sha": head, "repo": {"full_name": "octo/bench"}},
                "base": {"sha": head, "ref": "main"},
            },
        }
        path = repository.path.parent / "event.json"
        path.write_text(json.dumps(payload))
        return {
            "GITHUB_EVENT_NAME": name,
            "GITHUB_EVENT_PATH": str(path),
            "GITHUB_REPOSITORY": "octo/bench",
            "GITHUB_REF": "refs/heads/main",
            "GITHUB_SHA": head,
        }

    def test_when_it_is_over__main_fails_and_a_change_that_makes_nothing_worse_is_told(
        self, repository: Repository
    ) -> None:
        record = json.loads(done_well(repository, "measure"))
        permission = an_acceptance(
            case="bench",
            hardware=record["fingerprint"]["hardware_key"],
            reference=100.0,
            ceiling=9.0,
            expires=datetime.now(UTC).date() - timedelta(days=1),
        )
        repository.file(PATH, render_accepted([permission]))
        repository.commit("permit it")
        repository.commit("nothing")
        on_main = self.gate(repository, **self.event(repository, "push"))
        assert (on_main["verdict"], on_main["exit_code"]) == ("regressed", 1)
        assert "fix https://github.com/o/r/issues/7, or renew it" in " ".join(on_main["notes"])
        asked = self.gate(repository, **self.event(repository, "pull_request"))
        assert asked["verdict"] != "regressed"
        assert "makes it no worse" in " ".join(asked["notes"])


def done_well(repository: Repository, *arguments: str) -> str:
    done = perfgate(repository.path, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return (repository.path / "perfgate-out/record.json").read_text()
