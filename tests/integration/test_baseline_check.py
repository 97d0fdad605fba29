"""perfgate baseline check as a process, over files in a real repository."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from perfgate.baselines.accepted import render_accepted
from perfgate.baselines.entry import add_job
from perfgate.baselines.native import render_baseline
from tests.factories import a_record
from tests.repositories import Repository, perfgate

FILE = "perf_baselines/npu.json"


def a_file(**changed: Any) -> str:
    """One scenario of one run; the figures given are edited by hand."""
    scenario = {
        "stages_ms": {"DenoisingStage": 402.5, "DecodingStage": 90.5},
        "denoise_step_ms": {"0": 100.0, "1": 100.0, "2": 100.0, "3": 102.0},
        "expected_e2e_ms": 600.0,
        "expected_avg_denoise_ms": 100.5,
        "expected_median_denoise_ms": 100.0,
        **changed,
    }
    metadata = {"last_updated": "2999-01-01", "calibration_runs": [1, 2]}
    data = {"metadata": metadata, "scenarios": {"wan_t2v": scenario}}
    return json.dumps(data, indent=4) + "\n"


RAISED = {"stages_ms": {"DenoisingStage": 402.5, "DecodingStage": 190.5}}


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "repository")
    made.file(FILE, a_file())
    made.commit()
    return made


def test_a_figure_raised_by_hand(repository: Repository) -> None:
    repository.file(FILE, a_file(**RAISED))
    done = perfgate(repository.path, "baseline", "check", FILE, "--against", "HEAD", "--json")
    assert done.returncode == 5
    found = json.loads(done.stdout)
    assert (found["schema"], found["files"], found["standing"]) == ("perfgate.findings", [FILE], 1)
    assert [(one["file"], one["scenario"], one["field"]) for one in found["findings"]] == [
        (FILE, "wan_t2v", "stages_ms.DecodingStage"),
        (FILE, "wan_t2v", "expected_e2e_ms"),
    ]
    raised = found["findings"][0]
    assert (raised["stored"], raised["derived"], raised["severity"]) == (190.5, 90.5, "error")
    line = a_file(**RAISED).splitlines()[raised["line"] - 1]
    assert line.strip() == '"DecodingStage": 190.5'


def test_what_is_consistent_passes__and_warnings_do_not_fail(repository: Repository) -> None:
    done = perfgate(repository.path, "baseline", "check", FILE, "--against", "HEAD")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Nothing wrong in 1 file, against HEAD (" in done.stdout
    done = perfgate(repository.path, "baseline", "check", FILE)
    assert (done.returncode, done.stderr) == (0, "")
    assert "the date is yet to come" in done.stdout
    assert "1 warning in 1 file." in done.stdout


def test_annotations_on_a_runner_alone(repository: Repository) -> None:
    repository.file(FILE, a_file(expected_avg_denoise_ms=90.0))
    told = perfgate(
        repository.path / "perf_baselines",
        *("baseline", "check", "npu.json", "--json"),
        GITHUB_ACTIONS="true",
        GITHUB_WORKSPACE=str(repository.path),
    )
    json.loads(told.stdout)
    error, warning = told.stderr.splitlines()
    assert error == (
        f"::error file={FILE},line=22,title=perfgate%3A wan_t2v::expected_avg_denoise_ms: "
        "the mean of its 4 steps is 100.50, but 90.0 stands here"
    )
    assert warning.startswith(f"::warning file={FILE},line=3,title=perfgate%3A baselines::")
    told = perfgate(repository.path, "baseline", "check", FILE, GITHUB_ACTIONS="true")
    assert (told.stderr, told.stdout.count("::error file=")) == ("", 1)
    assert "::error" not in perfgate(repository.path, "baseline", "check", FILE).stdout


def test_against_another_file__without_a_repository(tmp_path: Path) -> None:
    (tmp_path / "new.json").write_text(a_file(**RAISED))
    (tmp_path / "old.json").write_text(a_file())
    done = perfgate(tmp_path, "baseline", "check", "new.json", "--against", "old.json")
    assert done.returncode == 5
    assert "2 errors in 1 file, against old.json; 1 finding from before" in done.stdout
    both = perfgate(tmp_path, "baseline", "check", "new.json", "old.json", "--against", "old.json")
    assert both.returncode == 2
    assert "old.json is one file, and 2 are to be compared with it" in both.stderr


def test_a_new_file_has_nothing_to_be_compared_with(repository: Repository) -> None:
    repository.file("perf_baselines/h100.json", a_file())
    done = perfgate(repository.path, "baseline", "check", "perf_baselines", "--against", "HEAD")
    assert done.returncode == 0
    assert "perf_baselines/h100.json is not in HEAD" in done.stdout
    assert "1 warning in 2 files" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nothing.json"], "nothing.json cannot be read"),
        ([FILE, "--against", "nowhere"], "nowhere"),
        ([FILE, "--max-age", "0"], "0 is not in the range"),
        (["empty"], "empty holds no baselines"),
        ([], "Missing argument 'FILE...'"),
    ],
)
def test_what_cannot_be_looked_at(repository: Repository, arguments: list[str], told: str) -> None:
    (repository.path / "empty").mkdir()
    done = perfgate(repository.path, "baseline", "check", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ('{\n "scenarios": {\n', 3, "this is not JSON"),
        ('{"scenarios": {}, "scenarios": {}}', 1, "the key 'scenarios' stands twice"),
        ("[" * 100_000, 1, "this is not JSON"),
        ('{"total": 3}', 1, "neither a baseline of perfgate nor a file of sglang's"),
        ('"\\ud800"', 1, "neither a baseline"),
        ("", 1, "this is not JSON"),
    ],
)
def test_what_is_no_baseline_is_a_finding(tmp_path: Path, text: str, line: int, told: str) -> None:
    (tmp_path / "bad.json").write_text(text)
    done = perfgate(tmp_path, "baseline", "check", "bad.json", "--json")
    assert (done.returncode, done.stderr) == (5, "")
    (error,) = json.loads(done.stdout)["findings"]
    assert (error["line"], error["severity"]) == (line, "error")
    assert told in error["message"]


def test_a_folder_of_native_files(tmp_path: Path) -> None:
    baseline = add_job(None, a_record(), "wan_t2v_tiny")
    folder = tmp_path / "baselines"
    good = folder / "cpu-test-x2" / "wan_t2v_tiny.json"
    good.parent.mkdir(parents=True)
    good.write_text(render_baseline(baseline))
    (good.parent / "calibration.json").write_text("{}")
    (good.parent / ".hidden.json").write_text("not looked at")
    (folder / "accepted.yml").write_text(render_accepted(()))
    done = perfgate(tmp_path, "baseline", "check", "baselines", "--json")
    found = json.loads(done.stdout)
    assert found["files"] == [
        "baselines/accepted.yml",
        "baselines/cpu-test-x2/calibration.json",
        "baselines/cpu-test-x2/wan_t2v_tiny.json",
    ]
    errors = [one["file"] for one in found["findings"] if one["severity"] == "error"]
    assert (done.returncode, errors) == (5, ["baselines/cpu-test-x2/calibration.json"])


def test_a_file_that_vanished_from_its_folder(repository: Repository) -> None:
    repository.file("perf_baselines/h100.json", a_file())
    repository.file("perf_baselines/notes.txt", "no baseline")
    repository.commit()
    (repository.path / FILE).unlink()
    (repository.path / "perf_baselines" / "notes.txt").unlink()
    for folder in ("perf_baselines", "./"):
        done = perfgate(repository.path, "baseline", "check", folder, "--against", "HEAD", "--json")
        (error,) = json.loads(done.stdout)["findings"]
        assert (done.returncode, error["file"]) == (5, FILE)
        assert error["message"] == "the file vanished: nothing guards what it held"


def test_a_folder_in_the_place_of_a_file(repository: Repository) -> None:
    (repository.path / FILE).unlink()
    repository.file(f"{FILE}/h100.json", a_file())
    done = perfgate(repository.path, "baseline", "check", "perf_baselines", "--against", "HEAD")
    assert done.returncode == 5
    assert "the file vanished" in done.stdout


def test_another_kind_of_file_in_the_place_of_one(repository: Repository) -> None:
    repository.file(FILE, render_baseline(add_job(None, a_record(), "wan_t2v_tiny")))
    done = perfgate(repository.path, "baseline", "check", FILE, "--against", "HEAD")
    assert done.returncode == 5
    assert "this was another kind of file: what it guarded is gone" in done.stdout


def test_links__which_a_gate_does_not_follow(repository: Repository, tmp_path: Path) -> None:
    folder = repository.path / "perf_baselines"
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "wan.json").write_text("{}")
    for name, target in (
        ("away.json", tmp_path / "nothing.json"),
        ("round.json", folder / "round.json"),
        ("key", tmp_path / "elsewhere"),
    ):
        (folder / name).symlink_to(target)
        done = perfgate(repository.path, "baseline", "check", "perf_baselines")
        assert (done.returncode, done.stdout) == (2, "")
        assert f"perf_baselines/{name} is a symbolic link" in done.stderr
        (folder / name).unlink()


def test_a_pipe_is_not_waited_for(repository: Repository) -> None:
    os.mkfifo(repository.path / "perf_baselines" / "pipe.json")
    done = perfgate(repository.path, "baseline", "check", "perf_baselines")
    assert (done.returncode, done.stdout) == (2, "")
    assert "pipe.json is no file of text" in done.stderr


def test_what_is_called_like_no_text_is_told_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "b\udcff.json").write_text(a_file())
    done = perfgate(tmp_path, "baseline", "check", ".", "--json")
    assert (done.returncode, json.loads(done.stdout)["files"]) == (0, ["b?.json"])
    assert perfgate(tmp_path, "baseline", "check", ".").returncode == 0
