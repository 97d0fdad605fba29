"""measure, baseline update and compare: from a tree to a baseline to a verdict, through files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from perfgate.records import Record, parse_record, to_json
from tests.factories import a_case_record, a_record
from tests.repositories import SUITE, Repository, bench, perfgate

pytestmark = pytest.mark.slow

# What real time does on a busy machine between jobs is no new level of these stages.
KEEPS = "baselines: baselines/\n" + SUITE.replace(
    "budget: 3m", "budget: 3m, margin: 30%, stage_margin: 45%"
)
UPDATE = ("baseline", "update", "--record", "perfgate-out/record.json", "--reason", "one more job")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    project = Repository(tmp_path / "project")
    project.commit("start", perfgate_yml=KEEPS, bench_py=bench())
    return project


def a_file(folder: Path, record: Record, name: str = "record.json") -> Path:
    path = folder / name
    path.write_text(to_json(record))
    return path


class TestBaselineStrategy:
    def keep_jobs(self, repository: Repository, count: int) -> None:
        for _ in range(count):
            done = perfgate(repository.path, "measure")
            assert done.returncode == 0, done.stdout + done.stderr
            done = perfgate(repository.path, *UPDATE)
            assert done.returncode == 0, done.stdout + done.stderr
        repository.commit("baselines")

    def gate(self, repository: Repository, strategy: str) -> Any:
        return perfgate(repository.path, "gate", "--base", "HEAD~1", "--strategy", strategy)

    def test_jobs_become_a_baseline_that_judges(self, repository: Repository) -> None:
        self.keep_jobs(repository, 4)
        repository.commit("much slower", bench_py=bench(DenoisingStage=200.0))
        done = self.gate(repository, "baseline")
        assert done.returncode == 1, done.stdout + done.stderr
        assert "DenoisingStage" in done.stdout
        repository.commit("as before", bench_py=bench())
        done = self.gate(repository, "baseline")
        assert done.returncode in (0, 7), done.stdout + done.stderr
        assert "regressed" not in done.stdout

    def test_too_few_jobs_decide_nothing_and_say_so(self, repository: Repository) -> None:
        self.keep_jobs(repository, 1)
        repository.commit("nothing")
        done = self.gate(repository, "baseline")
        assert done.returncode == 7, done.stdout + done.stderr
        assert "1 job" in done.stdout

    def test_no_baseline_folder(self, repository: Repository) -> None:
        repository.commit("nothing")
        done = self.gate(repository, "baseline")
        assert done.returncode == 7, done.stdout + done.stderr
        assert "no baseline for cpu-" in done.stdout

    def test_a_baseline_edited_by_hand_is_refused(self, repository: Repository) -> None:
        self.keep_jobs(repository, 1)
        (path,) = (repository.path / "baselines").glob("*/bench.json")
        data = json.loads(path.read_text())
        data["derived"]["metrics"]["DenoisingStage"]["value"] *= 2
        path.write_text(json.dumps(data))
        repository.commit("made green by hand")
        repository.commit("nothing")
        done = self.gate(repository, "auto")
        assert done.returncode == 5, done.stdout + done.stderr
        assert "derived.metrics.DenoisingStage.value says" in done.stderr

    def test_an_empty_baseline_is_refused(self, repository: Repository) -> None:
        self.keep_jobs(repository, 1)
        (path,) = (repository.path / "baselines").glob("*/bench.json")
        path.write_text("")
        repository.commit("emptied")
        repository.commit("nothing")
        done = self.gate(repository, "auto")
        assert done.returncode == 5, done.stdout + done.stderr
        assert "is not valid JSON" in done.stderr

    def test_auto__falls_back_to_the_baseline_where_base_cannot_be_built(
        self, repository: Repository
    ) -> None:
        self.keep_jobs(repository, 4)
        repository.commit("broken", perfgate_yml="setup: test -e works\n" + KEEPS)
        repository.commit("mended", works="")
        done = self.gate(repository, "auto")
        assert "no pairs, since base cannot be built" in done.stdout, done.stdout + done.stderr
        assert done.returncode in (0, 7)


class TestCompare:
    def compare(self, folder: Path, *arguments: str | Path) -> Any:
        return perfgate(folder, "compare", *map(str, arguments))

    def test_a_paired_record_is_decided_again(self, tmp_path: Path) -> None:
        slower = a_case_record(base=[1000, 1001, 999, 1000], head=[1201, 1199, 1200, 1202])
        done = self.compare(tmp_path, a_file(tmp_path, a_record([slower])))
        assert done.returncode == 1, done.stdout + done.stderr
        assert "wan_t2v_tiny" in done.stdout

    def test_explain__prints_each_pair(self, tmp_path: Path) -> None:
        slower = a_case_record(base=[1000, 1001, 999, 1000], head=[1201, 1199, 1200, 1202])
        path = a_file(tmp_path, a_record([slower]))
        done = self.compare(tmp_path, path, "--explain")
        assert done.returncode == 1, done.stdout + done.stderr
        assert "end-to-end: slower · margin 3.0 %, slower at 125" in done.stdout
        assert self.compare(tmp_path, path, "--explain", "--json").returncode == 2

    def test_explain__needs_pairs(self, tmp_path: Path) -> None:
        alone = a_file(tmp_path, a_record([a_case_record(base=[], head=[1000])]))
        done = self.compare(tmp_path, alone, "--explain")
        assert done.returncode == 2
        assert "no pair was judged" in done.stderr

    def test_json__one_document_and_nothing_else(self, tmp_path: Path) -> None:
        done = self.compare(tmp_path, "--json", a_file(tmp_path, a_record()))
        decision = json.loads(done.stdout)
        assert decision["schema"] == "perfgate.decision"
        assert done.returncode == decision["exit_code"]

    def test_two_records_of_one_job_are_pairs(self, tmp_path: Path) -> None:
        def one(ms: float, name: str) -> Path:
            case = a_case_record(base=[], head=[ms, ms + 1, ms - 1, ms])
            return a_file(tmp_path, a_record([case]).model_copy(update={"job": "7/1"}), name)

        done = self.compare(tmp_path, one(1000, "a.json"), one(1300, "b.json"))
        assert done.returncode == 1, done.stdout + done.stderr

    def test_unequal_launches__pair_as_far_as_both_go(self, tmp_path: Path) -> None:
        def one(count: int, name: str) -> Path:
            case = a_case_record(base=[], head=[1000.0 + 0.3 * k for k in range(count)])
            return a_file(tmp_path, a_record([case]).model_copy(update={"job": "7/1"}), name)

        done = self.compare(tmp_path, one(6, "a.json"), one(4, "b.json"), "--json")
        (case,) = json.loads(done.stdout)["cases"]
        assert (done.returncode, case["verdict"], case["pairs"]) == (0, "passed", 4)
        done = self.compare(tmp_path, one(6, "a.json"), one(1, "b.json"), "--json")
        (case,) = json.loads(done.stdout)["cases"]
        assert (done.returncode, case["verdict"], case["pairs"]) == (7, "inconclusive", 1)

    def test_two_records_of_two_jobs_go_by_the_baseline_rule(self, tmp_path: Path) -> None:
        case = a_case_record(base=[], head=[1000, 1001, 999])
        later = a_record([case], created_at="2026-01-02T00:00:00+00:00")
        done = self.compare(
            tmp_path,
            a_file(tmp_path, a_record([case]), "a.json"),
            a_file(tmp_path, later, "b.json"),
        )
        assert done.returncode == 7, done.stdout + done.stderr
        assert "1 job" in done.stdout

    def test_records_of_two_machines_are_not_compared(self, tmp_path: Path) -> None:
        case = a_case_record(base=[], head=[1000, 1001, 999])
        other = a_record([case], hardware_key="cpu-other-x8")
        other = other.model_copy(
            update={
                "fingerprint": other.fingerprint.model_copy(update={"must_match": {"cpu": "b"}})
            }
        )
        done = self.compare(
            tmp_path,
            a_file(tmp_path, a_record([case]), "a.json"),
            a_file(tmp_path, other, "b.json"),
        )
        assert done.returncode == 7, done.stdout + done.stderr
        assert "not comparable" in done.stdout

    def test_records_of_one_job_on_two_machines_are_not_compared(self, tmp_path: Path) -> None:
        case = a_case_record(base=[], head=[1000, 1001, 999])
        one = a_record([case]).model_copy(update={"job": "7/1"})
        moved = one.fingerprint.model_copy(update={"must_match": {"cpu": "b"}})
        other = one.model_copy(update={"fingerprint": moved})
        done = self.compare(
            tmp_path, a_file(tmp_path, one, "a.json"), a_file(tmp_path, other, "b.json")
        )
        assert done.returncode == 7, done.stdout + done.stderr
        assert "not comparable" in done.stdout

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("", "is not JSON"),
            ("{}", "neither a record nor a baseline"),
            ("[]", "neither a record nor a baseline"),
            ('{"schema": "perfgate.record", "version": 99}', "is not a record that this perfgate"),
            ('{"schema": "perfgate.record"}', "is not a record that this perfgate"),
        ],
    )
    def test_other_files_are_refused(self, tmp_path: Path, text: str, told: str) -> None:
        path = tmp_path / "x.json"
        path.write_text(text)
        done = self.compare(tmp_path, path)
        assert done.returncode == 2
        assert told in done.stderr
        assert "Traceback" not in done.stderr

    def test_a_file_that_is_not_there(self, tmp_path: Path) -> None:
        done = self.compare(tmp_path, "nowhere.json")
        assert done.returncode == 2
        assert "nowhere.json" in done.stderr


def test_a_record_survives_its_file(tmp_path: Path) -> None:
    record = a_record()
    assert parse_record(a_file(tmp_path, record).read_text(), source="x") == record
