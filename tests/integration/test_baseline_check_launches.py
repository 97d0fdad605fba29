"""perfgate baseline check where launches are kept beside sglang's files, over a real repository."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from perfgate.app.keeping.keep import Request, Tree, updated
from perfgate.suite import parse_suite
from tests.factories import a_case_record, a_record
from tests.repositories import Repository, perfgate

CASE = "wan_t2v_tiny"
FILE, LAUNCHES = "ci/perf.json", f"perfgate/cpu-test-x2/{CASE}.json"
SUITE = f"""\
version: 1
baselines: {{format: sglang, files: {{"cpu-*": {FILE}}}, state: perfgate/}}
cases:
  - {{id: {CASE}, backend: command, command: x}}
"""
UNEXPLAINED = Request(reason="because", asked_by="octocat")
GRANTED = Request(
    reason="a better picture",
    asked_by="octocat",
    issue="https://github.com/o/r/issues/7",
    expires=date(2998, 6, 30),
)


class Project:
    """A repository that keeps its baselines in sglang's format."""

    def __init__(self, path: Path) -> None:
        self.repository = Repository(path)
        self.repository.file("perfgate.yml", SUITE)
        self.repository.file(FILE, json.dumps({"metadata": {}, "scenarios": {}}, indent=4) + "\n")
        self.update(1000, day=1)

    def update(self, level: float, *, day: int, request: Request = UNEXPLAINED) -> None:
        """Bring the files up to date, as `perfgate baseline update` does, and leave them so."""
        case = a_case_record(CASE, base=[], head=[level, level * 1.001, level * 0.999])
        record = a_record([case], created_at=f"2026-01-{day:02}T00:00:00+00:00")
        files = {
            path: (self.repository.path / path).read_text()
            for path in (FILE, LAUNCHES, "perfgate/accepted.yml")
            if (self.repository.path / path).exists()
        }
        if json.loads(files[FILE])["scenarios"] == {}:
            files[FILE] = json.dumps({"metadata": {}, "scenarios": {CASE: self.first()}}, indent=4)
        suite = parse_suite(SUITE, source="perfgate.yml")
        at = Tree(commit="d" * 40, date="2026-01-01T00:00:00+00:00")
        done = updated(files, suite, [record], at=at, request=request)
        for path, text in done.texts.items():
            self.repository.file(path, text)

    @staticmethod
    def first() -> Mapping[str, Any]:
        return {"stages_ms": {}, "denoise_step_ms": {}, "expected_e2e_ms": 1000.0}

    def edit(self, path: str, *keys: str | int, value: object) -> None:
        data = json.loads((self.repository.path / path).read_text())
        place = data
        for key in keys[:-1]:
            place = place[key]
        place[keys[-1]] = value
        self.repository.file(path, json.dumps(data, indent=4) + "\n")

    def check(self, *files: str) -> tuple[int, list[tuple[str, str]], str]:
        """The exit code, each error's scenario and field, and everything that was told."""
        done = perfgate(
            self.repository.path, "baseline", "check", *files, "--against", "HEAD", "--json"
        )
        assert done.stderr == ""
        found = json.loads(done.stdout)["findings"]
        told = [(one["scenario"], one["field"]) for one in found if one["severity"] == "error"]
        return done.returncode, told, "\n".join(one["message"] for one in found)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path / "repository")
    made.repository.commit()
    return made


def test_figures_that_new_launches_gave(project: Project) -> None:
    project.update(900, day=2)
    assert project.check(FILE)[:2] == (0, [])
    assert project.check(FILE, "perfgate")[:2] == (0, [])


def test_a_figure_that_they_did_not_give(project: Project) -> None:
    project.update(900, day=2)
    project.edit(FILE, "scenarios", CASE, "stages_ms", "DecodingStage", value=160.0)
    code, errors, told = project.check(FILE)
    assert (code, errors[0]) == (5, (CASE, "stages_ms.DecodingStage"))
    assert "no new launches stand behind it" in told


def test_launches_that_were_edited_stand_behind_nothing(project: Project) -> None:
    project.update(900, day=2)
    project.repository.commit()
    project.edit(
        LAUNCHES, *("jobs", 0, "launches", 1, "reports", 0, "stages", 2, "duration_ms"), value=40.0
    )
    project.edit(FILE, "scenarios", CASE, "stages_ms", "DecodingStage", value=40.0)
    code, errors, told = project.check(FILE)
    assert code == 5
    assert errors[0] == (CASE, "")
    assert "its launches do not stand behind it" in told


def test_an_import_is_no_launch(project: Project) -> None:
    project.update(900, day=2)
    project.edit(LAUNCHES, "jobs", 0, "told", value={"imported from": FILE})
    code, errors, _ = project.check(FILE)
    assert code == 5
    assert (CASE, "expected_e2e_ms") in errors


def test_what_got_looser_needs_an_acceptance(project: Project) -> None:
    project.update(1300, day=2)
    code, errors, told = project.check(FILE)
    assert code == 5
    assert (CASE, "expected_e2e_ms") in errors
    assert "looser, 1000 → 1300 (+30.0 %): there is no acceptance" in told


def test_what_got_looser_with_an_acceptance(project: Project) -> None:
    project.update(1300, day=2, request=GRANTED)
    assert project.check(FILE, "perfgate")[:2] == (0, [])


def test_a_change_does_not_widen_its_own_margin(project: Project) -> None:
    project.update(1300, day=2)
    project.repository.file("perfgate.yml", SUITE + "gate: {margin: 90%, stage_margin: 90%}\n")
    assert project.check(FILE)[0] == 5


def test_acceptances_in_disorder(project: Project) -> None:
    project.repository.file("perfgate/accepted.yml", "version: 1\naccepted: [{case: x}]\n")
    done = perfgate(project.repository.path, "baseline", "check", FILE, "--against", "HEAD")
    assert (done.returncode, done.stdout) == (5, "")
    assert "accepted.yml" in done.stderr


def test_a_permission_stays_until_an_update_finds_it_paid(project: Project) -> None:
    project.update(1300, day=2, request=GRANTED)
    assert "a new permission: up to" in project.check("perfgate")[2]
    project.repository.commit()
    permissions = (project.repository.path / "perfgate/accepted.yml").read_text()
    project.repository.file("perfgate/accepted.yml", "version: 1\naccepted: []\n")
    code, errors, told = project.check("perfgate")
    assert (code, errors[0]) == (5, (CASE, "cpu-test-x2.DecodingStage"))
    assert "the baseline is still +30.0 % since then" in told
    project.repository.file("perfgate/accepted.yml", permissions)
    project.update(1000, day=3)
    assert "accepted: []" in (project.repository.path / "perfgate/accepted.yml").read_text()
    assert project.check("perfgate")[:2] == (0, [])
