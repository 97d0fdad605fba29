"""A proposal where the figures stand in sglang's own file, beside the launches."""

from __future__ import annotations

import json

import pytest

from tests.factories import a_case_record, a_launch
from tests.fakes.github_server import FakeGitHub
from tests.proposing import BRANCH, KEY, Job
from tests.sglang_project import FILE, SUITE

PATH = "ci/perf.json"
ENTRY = f"perfgate/{KEY}/wan.json"


@pytest.fixture
def github(tmp_path):
    with FakeGitHub(folder=tmp_path / "origin.git") as server:
        server.bare.commit("main", "start", files={"perfgate.yml": SUITE, PATH: FILE})
        yield server


@pytest.fixture
def job(github):
    job = Job(github)

    def propose(**cases):
        """Each case with the milliseconds of its decoding, beside 850 ms that never change."""
        record = job.record(suite=SUITE, **dict.fromkeys(cases, 1000))
        measured = []
        for case in record.cases:
            decoding = cases[case.id]
            stages = {"TextEncodingStage": 50.0, "DenoisingStage": 800.0, "DecodingStage": decoding}
            launch = a_launch(total=850 + decoding, steps=[400.0, 400.0], **stages)
            measured.append(
                a_case_record(
                    case.id,
                    base=(),
                    head=(launch,) * 3,
                    burn_in=launch,
                    workload_hash=case.workload_hash,
                )
            )
        return job(record.model_copy(update={"cases": tuple(measured)}))

    return propose


def scenarios(github, name=BRANCH):
    return json.loads(github.bare.text(name, PATH))["scenarios"]


def test_slower_scenario__only_its_lines_change(github, job):
    assert job(wan=400.0).what == "opened"
    assert github.bare.files(BRANCH) - github.bare.files("main") == {ENTRY}
    text = github.bare.text(BRANCH, PATH)
    assert scenarios(github)["wan"]["stages_ms"]["DecodingStage"] == 400.0
    assert scenarios(github)["wan"]["expected_e2e_ms"] == 1250.0
    assert text.startswith(FILE[: FILE.index('"wan"')])
    assert text.endswith(FILE[FILE.index('            "notes"') :])
    (pull,) = github.pulls.open
    assert pull.draft
    assert "DecodingStage" in pull.body


def test_the_figures_that_stand_there__nothing_to_propose(github, job):
    assert job(wan=150.0).what == "nothing"


def test_next_job_with_another_case__the_file_has_both(github, job):
    job(wan=50.0)
    job(flux=75.0)
    found = scenarios(github)
    assert found["wan"]["expected_e2e_ms"] == 900.0
    assert found["flux"]["expected_e2e_ms"] == 925.0


def test_back_again__its_scenario_is_as_on_base(github, job):
    job(wan=50.0, flux=75.0)
    job(wan=150.0)
    assert scenarios(github)["wan"] == scenarios(github, "main")["wan"]
    assert scenarios(github)["flux"]["expected_e2e_ms"] == 925.0


def test_base_changed_another_scenario__both_are_kept(github, job):
    job(wan=50.0)
    github.bare.commit("main", "zimage", files={PATH: FILE.replace("1.50", "1.75")})
    job(flux=75.0)
    found = scenarios(github)
    assert found["zimage"]["of tomorrow"] == 1.75
    assert found["wan"]["expected_e2e_ms"] == 900.0
    assert "somebody else" not in github.pulls.open[0].body


def test_base_changed_the_scenario__shown_and_left(github, job):
    job(wan=50.0)
    by_hand = FILE.replace("150.0", "140.0")
    github.bare.commit("main", "by hand", files={PATH: by_hand})
    job(flux=75.0)
    assert scenarios(github)["wan"] == json.loads(by_hand)["scenarios"]["wan"]
    assert f"{PATH} was changed on main" in github.pulls.open[0].body


def test_somebody_changed_the_file_on_the_branch__a_person_looks(github, job):
    job(wan=50.0)
    text = github.bare.text(BRANCH, PATH)
    tip = github.bare.commit(BRANCH, "by hand", files={PATH: text.replace("1.50", "1.75")})
    assert job(wan=60.0).what == "stuck"
    assert github.bare.tip(BRANCH) == tip
