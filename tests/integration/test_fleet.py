"""A suite on several runners, as processes in a real repository: plan, shards, one decision."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from perfgate.report.words import NOTHING
from tests.repositories import Repository, bench, perfgate

CASES = """\
version: 1
gate: {strategy: paired, budget: 3m}
cases:
  - {id: wan, backend: command, command: python3 bench.py, requests: 1}
  - {id: flux, backend: command, command: python3 bench.py, requests: 1}
  - id: qwen
    backend: command
    command: python3 bench.py
    requests: 1
    runs_on: [self-hosted, H100]
    devices: 2
"""


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    project = Repository(tmp_path / "un modèle 扩散")
    project.commit("start", perfgate_yml=CASES, bench_py=bench())
    project.commit("nothing")
    return project


def plan(repository: Repository, *arguments: str, **environ: str) -> Any:
    return perfgate(repository.path, "plan", "--base", "HEAD~1", *arguments, **environ)


def written(repository: Repository) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((repository.path / "perfgate-out" / "plan.json").read_text())
    return found


class TestPlan:
    def test_a_matrix_by_labels(self, repository: Repository, tmp_path: Path) -> None:
        told = tmp_path / "output"
        done = plan(repository, "--runners", "2", GITHUB_OUTPUT=str(told))
        assert done.returncode == 0, done.stderr
        name, matrix, _ = told.read_text().splitlines()
        assert name.startswith("matrix<<")
        assert json.loads(matrix) == {
            "include": [
                {"shard": "ubuntu-latest-1", "runner": ["ubuntu-latest"]},
                {"shard": "ubuntu-latest-2", "runner": ["ubuntu-latest"]},
                {"shard": "self-hosted-h100-1", "runner": ["self-hosted", "H100"]},
            ]
        }
        assert [shard["cases"] for shard in written(repository)["shards"]] == [
            ["wan"],
            ["flux"],
            ["qwen"],
        ]
        assert repository.git("status", "--porcelain") == ""

    def test_other_runners(self, repository: Repository) -> None:
        done = plan(repository, "--runner", "self-hosted,H100", "--runners", "self-hosted,H100=1")
        assert done.returncode == 0, done.stderr
        (shard,) = written(repository)["shards"]
        assert shard["cases"] == ["wan", "flux", "qwen"]

    def test_what_is_not_known_is_told(self, repository: Repository) -> None:
        done = plan(repository, "--cost")
        text = " ".join(done.stdout.split())
        assert "no baseline tells how long a launch takes of wan, flux, qwen" in text
        assert "each counts as long as its timeouts and the budget of 3 min allow" in text
        # Two devices for the three minutes that the budget allows.
        assert f"qwen self-hosted-h100-1 {NOTHING} 2 9 to 25 {NOTHING} 6.0 min" in text

    def test_one_document(self, repository: Repository) -> None:
        done = plan(repository, "--json")
        assert json.loads(done.stdout) == written(repository)
        assert json.loads(done.stdout)["schema"] == "perfgate.plan"

    @pytest.mark.parametrize(
        ("arguments", "told"),
        [
            (("--runners", "0"), "neither a number nor LABELS=NUMBER"),
            (("--runners", "a100=2"), "no selected case runs on a100"),
            (("--runner", "self-hosted,"), "are no labels"),
            (("--runner", '["self-hosted", 2]'), "are no labels"),
            (("--runner", "x" * 300), "are no labels"),
            (("--runners", "=2"), "are no labels"),
            (("--suite", "other.yml"), "there is no suite file"),
        ],
    )
    def test_refused(self, repository: Repository, arguments: tuple[str, ...], told: str) -> None:
        done = plan(repository, *arguments)
        assert done.returncode == 2
        assert told in done.stderr
        assert "Traceback" not in done.stderr

    def test_more_shards_than_a_matrix_takes(self, repository: Repository) -> None:
        many = "".join(
            f"  - {{id: case_{number}, backend: command, command: 'true'}}\n"
            for number in range(300)
        )
        repository.commit("many", perfgate_yml=f"version: 1\ncases:\n{many}")
        done = plan(repository, "--runners", "300")
        assert done.returncode == 2
        assert "301 shards, and a workflow's matrix takes 256" in done.stderr


def shard(repository: Repository, name: str, into: Path) -> Any:
    plan_file = str(repository.path / "perfgate-out" / "plan.json")
    return perfgate(
        repository.path,
        *("gate", "--plan", plan_file, "--shard", name, "--output-dir", str(into / name)),
    )


@pytest.mark.slow
class TestMerge:
    def test_three_shards_one_of_them_slower_and_one_lost(
        self, repository: Repository, tmp_path: Path
    ) -> None:
        slower = CASES.replace("python3 bench.py\n    requests", "python3 slow.py\n    requests")
        repository.commit("a case of its own", perfgate_yml=slower, slow_py=bench())
        repository.commit("slower", slow_py=bench(DenoisingStage=130.0))
        assert plan(repository, "--runners", "2", "--runner", "x").returncode == 0
        left = tmp_path / "the shards"
        done = shard(repository, "x-1", left)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "1/3 of the whole suite's rate: 0.333 %" in " ".join(done.stdout.split())
        assert shard(repository, "self-hosted-h100-1", left).returncode == 1
        merged = perfgate(repository.path, "merge", str(left))
        assert merged.returncode == 1, merged.stdout + merged.stderr
        out = repository.path / "perfgate-out"
        decision = json.loads((out / "decision.json").read_text())
        verdicts = {case["id"]: case["verdict"] for case in decision["cases"]}
        assert verdicts == {"wan": "passed", "flux": "missing", "qwen": "regressed"}
        assert decision["base"]["commit"] == repository.git("rev-parse", "HEAD~1")
        assert {path.name for path in (out / "records").iterdir()} == {
            "x-1.json",
            "self-hosted-h100-1.json",
        }
        assert {path.name for path in (out / "charts").iterdir()} == {"qwen.svg", "qwen.png"}
        for text in ("comment.md", "summary.md"):
            assert "shard x-2 left no record" in (out / text).read_text()
        # The same again, and what the shard decided itself is what was decided of it here.
        again = perfgate(repository.path, "merge", str(left), "--json")
        assert json.loads(again.stdout) == decision
        own = json.loads((left / "x-1" / "decision.json").read_text())
        assert own["cases"] == [case for case in decision["cases"] if case["id"] == "wan"]

    def test_records_that_are_not_of_the_plan(self, repository: Repository, tmp_path: Path) -> None:
        assert plan(repository, "--runners", "1", "--runner", "self-hosted,H100").returncode == 0
        left = tmp_path / "shards"
        assert shard(repository, "self-hosted-h100-1", left).returncode == 0
        shutil.copytree(left / "self-hosted-h100-1", left / "copy")
        (left / "broken").mkdir()
        (left / "broken" / "record.json").write_text("{", encoding="utf-8")
        merged = perfgate(repository.path, "merge", str(left))
        assert merged.returncode == 4, merged.stdout + merged.stderr
        told = " ".join(merged.stdout.split())
        assert "broken/record.json is refused: it is damaged" in told
        assert "copy/record.json and self-hosted-h100-1/record.json" in told

    def test_a_shard_goes_on_from_its_record(self, repository: Repository, tmp_path: Path) -> None:
        unsure = CASES.replace("budget: 3m", "budget: 3m, max_pairs: 2, margin: 0.2%")
        repository.commit("a margin that two pairs cannot decide", perfgate_yml=unsure)
        repository.commit("nothing")
        assert plan(repository, "--runners", "1", "--runner", "x").returncode == 0
        left = tmp_path / "shards"
        first = shard(repository, "x-1", left)
        more = ("gate", "--continue", "--output-dir", str(left / "x-1"))
        again = perfgate(repository.path, *more)
        assert "cannot go on" not in again.stderr, first.stdout + again.stderr
        record = json.loads((left / "x-1" / "record.json").read_text())
        assert record["continued"] == 1
        assert (record["share"]["shard"], record["share"]["judged"]) == ("x-1", 2)
        assert record["policy"]["false_block"] == pytest.approx(0.01 * 2 / 3)
        merged = perfgate(repository.path, "merge", str(left), "--json")
        verdicts = {case["id"]: case["verdict"] for case in json.loads(merged.stdout)["cases"]}
        assert verdicts["qwen"] == "missing"
        assert "missing" not in (verdicts["wan"], verdicts["flux"])

    def test_numbers_that_no_job_leaves(self, repository: Repository, tmp_path: Path) -> None:
        """A record is a stranger's document: it may be of the plan, and say anything."""
        assert plan(repository, "--runners", "1", "--runner", "self-hosted,H100").returncode == 0
        left = tmp_path / "shards"
        assert shard(repository, "self-hosted-h100-1", left).returncode == 0
        path = left / "self-hosted-h100-1" / "record.json"
        record = json.loads(path.read_text())
        record["fingerprint"]["hardware_key"] = "../../main"
        path.write_text(json.dumps(record), encoding="utf-8")
        merged = perfgate(repository.path, "merge", str(left))
        assert merged.returncode == 4, merged.stdout + merged.stderr
        assert "'../../main' is no hardware key" in " ".join(merged.stdout.split())
        record["fingerprint"]["hardware_key"] = "cpu-x"
        record["cases"][0]["launches"][0]["order"] = -1
        path.write_text(json.dumps(record), encoding="utf-8")
        merged = perfgate(repository.path, "merge", str(left))
        assert "numbers its launches as no job does" in " ".join(merged.stdout.split())
        assert "Traceback" not in merged.stderr

    def test_a_plan_of_other_commits(self, repository: Repository, tmp_path: Path) -> None:
        assert plan(repository).returncode == 0
        repository.commit("meanwhile")
        left = tmp_path / "shards"
        done = shard(repository, "ubuntu-latest-1", left)
        assert done.returncode == 2
        assert "the plan is of another head" in done.stderr
        merged = perfgate(repository.path, "merge", str(left))
        assert merged.returncode == 2
        assert "the plan is of another head" in merged.stderr
        decision = json.loads((repository.path / "perfgate-out" / "decision.json").read_text())
        assert decision["problem"]["exit_code"] == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ("--plan", "perfgate-out/plan.json"),
        ("--shard", "x-1"),
        ("--plan", "perfgate-out/plan.json", "--shard", "x-1", "--case", "wan"),
        ("--plan", "perfgate-out/plan.json", "--shard", "x-1", "--continue"),
    ],
)
def test_options_that_do_not_go_together(
    repository: Repository, arguments: tuple[str, ...]
) -> None:
    done = perfgate(repository.path, "gate", *arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_a_shard_that_the_plan_has_not(repository: Repository) -> None:
    assert plan(repository, "--runners", "1").returncode == 0
    arguments = ("--plan", "perfgate-out/plan.json", "--shard", "h100-9")
    done = perfgate(repository.path, "gate", *arguments)
    assert done.returncode == 2
    assert "It has: ubuntu-latest-1, self-hosted-h100-1." in done.stderr
