"""measure, baseline update, import and export with sglang's own files, as processes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from perfgate.baselines.native import parse_baseline
from perfgate.records import to_json
from perfgate.suite import parse_suite
from tests.factories import a_case_record, a_launch, a_record
from tests.repositories import Repository, perfgate
from tests.sglang_project import FILE, SUITE

pytestmark = pytest.mark.slow

KEY = "cpu-test-x2"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    project = Repository(tmp_path / "project")
    (project.path / "ci").mkdir()
    (project.path / "ci" / "perf.json").write_bytes(FILE.encode())
    project.commit("start", perfgate_yml=SUITE)
    return project


def the_file(repository: Repository, name: str = "ci/perf.json") -> str:
    return (repository.path / name).read_bytes().decode()


def run(repository: Repository, *arguments: str, code: int = 0) -> str:
    done = perfgate(repository.path, "baseline", *arguments)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def a_record_file(repository: Repository, day: int, **stages: float) -> str:
    """The record of a job with three launches of ``wan`` that took these stages."""
    shares = {"TextEncodingStage": 50.0, "DenoisingStage": 800.0, "DecodingStage": 150.0, **stages}
    launch: Any = a_launch(
        total=sum(shares.values()), steps=[shares["DenoisingStage"] / 2] * 2, **shares
    )
    workload = parse_suite(SUITE, source="perfgate.yml").cases[0].workload_hash()
    record = a_record(
        [a_case_record("wan", base=(), head=(launch,) * 3, burn_in=launch, workload_hash=workload)],
        created_at=f"2026-01-0{day}T00:00:00+00:00",
    )
    path = repository.path.parent / f"record{day}.json"
    path.write_text(to_json(record))
    return str(path)


def update(repository: Repository, record: str, **options: Any) -> str:
    return run(repository, "update", "--record", record, "--reason", "measured", **options)


def test_update__writes_the_scenario_and_its_launches(repository: Repository) -> None:
    told = update(repository, a_record_file(repository, 1, DenoisingStage=780.0))
    assert "wrote ci/perf.json" in told
    assert f"wrote perfgate/{KEY}/wan.json" in told
    changed = [
        now.strip()
        for was, now in zip(FILE.split("\r\n"), the_file(repository).split("\r\n"), strict=True)
        if was != now
    ]
    assert changed == [
        (
            '"stages_ms": {"DenoisingStage": 780.0, "DecodingStage": 150.0, '
            '"TextEncodingStage": 50.0},'
        ),
        '"denoise_step_ms": {"0": 390.0, "1": 390.0},',
        '"expected_e2e_ms": 980.0,',
        '"expected_avg_denoise_ms": 390.0,',
        '"expected_median_denoise_ms": 390.0,',
    ]


def test_update__of_a_slower_stage_needs_a_reason_and_leaves_the_file(
    repository: Repository,
) -> None:
    told = update(repository, a_record_file(repository, 1, DecodingStage=300.0), code=5)
    assert "DecodingStage" in told
    assert the_file(repository) == FILE
    assert not (repository.path / "perfgate").exists()


def test_update__that_would_leave_an_old_figure_is_refused(repository: Repository) -> None:
    loads = FILE.replace('"notes"', '"expected_load_ms": 3.0, "notes"')
    (repository.path / "ci" / "perf.json").write_bytes(loads.encode())
    told = update(repository, a_record_file(repository, 1), code=5)
    assert "ci/perf.json: wan: these launches do not tell expected_load_ms" in told
    assert the_file(repository) == loads


def test_export__begins_a_file_or_writes_into_one(repository: Repository) -> None:
    update(repository, a_record_file(repository, 1))
    written = the_file(repository)
    assert "wrote wan to new.json" in run(repository, "export", "new.json")
    new = json.loads(the_file(repository, "new.json"))
    entry = json.loads(written)["scenarios"]["wan"]
    assert new["scenarios"]["wan"]["stages_ms"] == {
        "TextEncodingStage": 50.0,
        **{name: entry["stages_ms"][name] for name in ("DenoisingStage", "DecodingStage")},
    }
    (repository.path / "ci" / "perf.json").write_bytes(FILE.encode())
    run(repository, "export", "ci/perf.json", "--hardware-key", KEY, "--case", "wan")
    assert the_file(repository) == written


def test_import__makes_an_entry_that_later_launches_follow(repository: Repository) -> None:
    told = run(repository, "import", "ci/perf.json", "--hardware-key", KEY)
    assert f"wrote perfgate/{KEY}/wan.json" in told
    assert "zimage" not in told
    update(repository, a_record_file(repository, 1, DenoisingStage=780.0))
    entry = parse_baseline(the_file(repository, f"perfgate/{KEY}/wan.json"), source="wan.json")
    assert entry.first["end-to-end"].value == 1000.0
    assert entry.derived.metrics["end-to-end"].value == pytest.approx(980.0)
    told = run(repository, "import", "ci/perf.json", "--hardware-key", KEY, code=5)
    assert f"wan has an entry for {KEY} already" in told


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("import", "ci/perf.json", "--hardware-key", "../x"), 2, "'../x' is no hardware key"),
        (("import", "none.json", "--hardware-key", KEY), 2, "none.json cannot be read"),
        (("import", "ci/perf.json", "--hardware-key", KEY, "--case", "x"), 2, "no case x"),
        (
            ("import", "ci/perf.json", "--hardware-key", KEY, "--case", "flux"),
            5,
            "perf.json has no scenario 'flux'",
        ),
        (("import", "perfgate.yml", "--hardware-key", KEY), 5, "is not valid JSON"),
        (("export", "x.json"), 2, "no launches are kept"),
        (("export", "x.json", "--hardware-key", KEY), 5, "no launches are kept in perfgate"),
    ],
)
def test_refusals(repository: Repository, arguments: tuple[str, ...], code: int, told: str) -> None:
    assert told in run(repository, *arguments, code=code)


def test_import__leaves_out_what_no_launch_can_have_given(repository: Repository) -> None:
    wrong = FILE.replace('"expected_avg_denoise_ms": 400.0', '"expected_avg_denoise_ms": 300.0')
    (repository.path / "ci" / "perf.json").write_bytes(wrong.encode())
    told = run(repository, "import", "ci/perf.json", "--hardware-key", KEY, code=5)
    assert "the mean of its 2 steps is 400.00, but 300.0 stands here" in told
    assert not (repository.path / "perfgate").exists()
