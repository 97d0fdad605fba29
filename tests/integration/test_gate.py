"""The gate as a process in real repositories: what it decides, and what it says when it cannot."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.repositories import SUITE, Repository, bench, environment, perfgate

pytestmark = pytest.mark.slow


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """A project with a benchmark and a suite, in a folder that no shell script expects."""
    project = Repository(tmp_path / "Modèle de diffusion 扩散")
    project.commit("start", perfgate_yml=SUITE, bench_py=bench())
    return project


def decision(repository: Repository) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        (repository.path / "perfgate-out" / "decision.json").read_text()
    )
    return found


def verdicts(repository: Repository) -> dict[str, str]:
    """Verdict of the only case's every judged metric, and of the case itself."""
    (case,) = decision(repository)["cases"]
    metrics = {m["name"]: m["verdict"] for m in case["metrics"] if m["judged"]}
    return {"case": case["verdict"], **metrics}


def gate(repository: Repository, *arguments: str, **environ: str) -> Any:
    return perfgate(repository.path, "gate", "--base", "HEAD~1", *arguments, **environ)


class TestDecides:
    def test_a_stage_that_got_20_percent_slower(self, repository: Repository) -> None:
        repository.commit("slower", bench_py=bench(DenoisingStage=120.0))
        done = gate(repository)
        assert done.returncode == 1, done.stdout + done.stderr
        assert verdicts(repository)["DenoisingStage"] == "regressed"
        assert "bench" in done.stdout
        assert "DenoisingStage" in done.stdout
        out = repository.path / "perfgate-out"
        assert {path.name for path in out.iterdir()} == {
            *("record.json", "decision.json", "comment.md", "summary.md", "junit.xml"),
            *(".gitignore", "charts"),
        }
        assert {path.name for path in (out / "charts").iterdir()} == {"bench.svg", "bench.png"}
        assert "DenoisingStage" in (out / "comment.md").read_text()

    def test_no_change(self, repository: Repository) -> None:
        repository.commit("nothing")
        done = gate(repository)
        assert done.returncode == 0, done.stdout + done.stderr
        assert verdicts(repository)["case"] == "passed"
        assert repository.git("status", "--porcelain") == ""

    def test_the_working_tree_is_head(self, repository: Repository) -> None:
        repository.commit("nothing")
        repository.write(bench_py=bench(DecodingStage=80.0))
        assert gate(repository).returncode == 1
        assert decision(repository)["head"]["dirty"] is True

    def test_a_tree_against_itself_says_so(self, repository: Repository) -> None:
        done = perfgate(repository.path, "gate", "--base", "HEAD")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "compares a tree with itself" in done.stdout

    def test_a_launch_that_dies_is_a_failed_row_that_says_why(self, repository: Repository) -> None:
        repository.commit("broken", bench_py="raise SystemExit('model not found: tiny-wan')")
        done = gate(repository)
        assert done.returncode == 4, done.stdout + done.stderr
        assert verdicts(repository)["case"] == "failed"
        assert "model not found: tiny-wan" in done.stdout
        assert (
            "model not found: tiny-wan"
            in (repository.path / "perfgate-out" / "comment.md").read_text()
        )

    def test_a_command_that_hangs(self, repository: Repository) -> None:
        short = SUITE.replace("{load: 20s, request: 20s}", "{load: 500ms, request: 500ms}")
        repository.commit("start", perfgate_yml=short)
        repository.commit("hangs", bench_py="import time; time.sleep(600)")
        done = gate(repository)
        assert done.returncode == 4, done.stdout + done.stderr
        assert "did not end within 2 s" in done.stdout

    @pytest.mark.parametrize(
        ("script", "told"),
        [
            ("pass", "no report was written"),
            ("open(PATH, 'w').write('{\"total')", "is not whole JSON"),
            ("open(PATH, 'w').write('hello')", "is not whole JSON"),
            ("open(PATH, 'w').write('{\"total_duration_ms\": -5}')", "is -5"),
            ("open(PATH, 'w').write('{\"total_duration_ms\": 0}')", "is 0"),
            ("open(PATH, 'w').write('{\"total_duration_ms\": NaN}')", "NaN"),
            ("open(PATH, 'w').write('{\"total_duration_ms\": 5}')", "names no stage"),
        ],
    )
    def test_a_report_that_is_no_report(
        self, repository: Repository, script: str, told: str
    ) -> None:
        path = "import os; PATH = os.environ['PERFGATE_REPORT']\n"
        repository.commit("broken", bench_py=path + script)
        done = gate(repository)
        assert done.returncode == 4, done.stdout + done.stderr
        assert told in done.stdout
        assert "Traceback" not in done.stdout + done.stderr

    def test_a_new_case_is_told_and_decides_nothing(self, repository: Repository) -> None:
        second = "  - {id: second, backend: command, command: python3 bench.py, requests: 1}\n"
        repository.commit("a new case", perfgate_yml=SUITE + second)
        done = gate(repository, "--case", "second")
        assert done.returncode == 7, done.stdout + done.stderr
        assert verdicts(repository)["case"] == "new"


def test_the_score_is_taken_once_of_what_head_left(repository: Repository) -> None:
    bench_py = bench() + "open('out.txt', 'w').write(os.environ['PERFGATE_SIDE'])\n"
    score = "echo scored >> ../scores; test $(cat out.txt) = head && echo 0.75"
    accuracy = f"    accuracy: {{command: '{score}', minimum: 0.5}}\n"
    repository.commit("a score", perfgate_yml=SUITE + accuracy, bench_py=bench_py)
    done = perfgate(repository.path, "gate", "--base", "HEAD")
    assert done.returncode == 0, done.stdout + done.stderr
    record = json.loads((repository.path / "perfgate-out" / "record.json").read_text())
    assert record["cases"][0]["accuracy"] == {"score": 0.75, "minimum": 0.5, "failure": None}
    assert (repository.path.parent / "scores").read_text() == "scored\n"


class TestItsOwnJudge:
    def test_a_wider_margin_has_no_effect(self, repository: Repository) -> None:
        wide = SUITE.replace("budget: 3m", "budget: 3m, margin: 90%, stage_margin: 90%")
        repository.commit("slower", bench_py=bench(DenoisingStage=130.0), perfgate_yml=wide)
        done = gate(repository)
        assert done.returncode == 1, done.stdout + done.stderr
        assert "changes its own gate" in done.stdout

    def test_a_changed_workload_is_not_compared(self, repository: Repository) -> None:
        other = SUITE.replace("bench.py", "bench.py --steps 4")
        repository.commit("other", perfgate_yml=other)
        done = gate(repository)
        assert done.returncode == 4, done.stdout + done.stderr
        assert verdicts(repository)["case"] == "incomparable"
        assert decision(repository)["cost"]["launches"] == 0

    @pytest.mark.parametrize(
        ("path", "told"),
        [
            ("baselines/cpu-x/bench.json", "changes baselines (baselines/cpu-x/bench.json)"),
            (
                "baselines/accepted.yml",
                "permits itself in baselines/accepted.yml counts once it is",
            ),
        ],
    )
    def test_a_changed_baseline_or_acceptance_has_no_effect(
        self, repository: Repository, path: str, told: str
    ) -> None:
        repository.commit("start", perfgate_yml="baselines: baselines/\n" + SUITE)
        repository.file(path, "{}")
        repository.commit("slower, and allowed by itself", bench_py=bench(DenoisingStage=130.0))
        done = gate(repository)
        assert done.returncode == 1, done.stdout + done.stderr
        assert told in done.stdout


class TestRefuses:
    @pytest.mark.parametrize(
        ("suite", "told"),
        [
            ("cases: [", "is not valid YAML"),
            (SUITE + "colour: red\n", "colour: unknown key"),
            (SUITE + SUITE.split("cases:\n")[1], "cases[0] has this id too"),
        ],
    )
    def test_a_broken_suite(self, repository: Repository, suite: str, told: str) -> None:
        repository.commit("broken", perfgate_yml=suite)
        done = gate(repository)
        assert done.returncode == 2
        assert told in done.stderr
        assert "→" in done.stderr
        assert told in (repository.path / "perfgate-out" / "comment.md").read_text()
        assert decision(repository)["problem"]["exit_code"] == 2

    def test_no_suite(self, repository: Repository) -> None:
        repository.commit("nothing")
        done = gate(repository, "--suite", "other.yml")
        assert done.returncode == 2
        assert "no suite file other.yml" in done.stderr

    def test_a_base_that_does_not_exist(self, repository: Repository) -> None:
        done = perfgate(repository.path, "gate", "--base", "nowhere")
        assert done.returncode == 2
        assert "the base nowhere does not exist" in done.stderr

    def test_a_change_that_no_case_is_meant_for(self, repository: Repository) -> None:
        picky = SUITE + '    when: {paths: ["python/**"]}\n'
        repository.commit("start", perfgate_yml="setup: touch was-set-up\n" + picky)
        repository.commit("docs", README_md="words")
        done = gate(repository)
        assert done.returncode == 4, done.stdout + done.stderr
        assert "not selected: bench: no change in python/**" in done.stderr
        assert "`paths:`" in done.stderr
        assert not (repository.path / "was-set-up").exists()

    def test_results_of_an_earlier_job_are_not_taken_for_this_ones(
        self, repository: Repository
    ) -> None:
        repository.commit("nothing")
        assert gate(repository).returncode == 0
        assert gate(repository, "--case", "unknown").returncode == 2
        assert decision(repository)["problem"]["problem"] == "no case is called unknown"
        assert not (repository.path / "perfgate-out" / "record.json").exists()

    def test_a_setup_that_fails(self, repository: Repository) -> None:
        repository.commit("setup", perfgate_yml="setup: echo no wheel; exit 3\n" + SUITE)
        repository.commit("nothing")
        done = gate(repository)
        assert done.returncode == 4
        assert "setup of base exited with 3" in done.stderr
        assert "no wheel" in done.stderr

    def test_both_sides_importing_one_install(self, repository: Repository, tmp_path: Path) -> None:
        site = tmp_path / "site"
        (site / "model").mkdir(parents=True)
        (site / "model" / "__init__.py").write_text("")
        purelib = 'import sysconfig; print(sysconfig.get_path("purelib"))'
        setup = f"echo {site} > $($PERFGATE_PYTHON -c '{purelib}')/shared.pth"
        suite = f"imports: [model]\nsetup: |\n  {setup}\n" + SUITE
        repository.commit("shared install", perfgate_yml=suite)
        repository.commit("nothing")
        done = gate(repository)
        assert done.returncode == 2, done.stdout + done.stderr
        assert "both import model from" in done.stderr

    def test_a_backend_that_measures_perfgate_elsewhere(self, repository: Repository) -> None:
        suite = "version: 1\ncases: [{id: wan, backend: builtin, preset: wan-tiny}]\n"
        repository.commit("builtin", perfgate_yml=suite)
        repository.commit("nothing")
        done = gate(repository)
        assert done.returncode == 2, done.stdout + done.stderr
        assert "backend: command" in done.stderr

    def test_an_output_folder_that_cannot_be_written(self, repository: Repository) -> None:
        repository.commit("nothing")
        done = gate(repository, "--output-dir", "/proc/perfgate-out")
        assert done.returncode == 2, done.stdout + done.stderr
        assert "--output-dir" in done.stderr
        assert "Traceback" not in done.stderr

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a disk that is full")
    def test_a_full_disk_takes_the_files_and_not_the_verdict(
        self, repository: Repository, tmp_path: Path
    ) -> None:
        repository.commit("slower", bench_py=bench(DenoisingStage=130.0))
        small = tmp_path / "small disk"
        small.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", "size=8k", "tmpfs", str(small)]
        if subprocess.run(mount, check=False, capture_output=True).returncode != 0:
            pytest.skip("this machine lets nobody mount a disk")
        try:
            done = gate(repository, "--output-dir", str(small))
        finally:
            subprocess.run(["umount", str(small)], check=True)
        assert done.returncode == 2, done.stdout + done.stderr
        assert "DenoisingStage" in done.stdout
        assert "No space left on device" in done.stderr
        assert "Make room" in done.stderr

    def test_an_unknown_option(self, repository: Repository) -> None:
        done = gate(repository, "--bass", "main")
        assert done.returncode == 2
        assert "--base" in done.stderr


class TestShallow:
    def test_the_missing_commit_is_fetched(self, repository: Repository, tmp_path: Path) -> None:
        repository.commit("nothing")
        shallow = repository.clone(tmp_path / "shallow", "--depth=1")
        done = gate(shallow)
        assert done.returncode == 0, done.stdout + done.stderr

    def test_without_a_remote_it_says_what_to_do(
        self, repository: Repository, tmp_path: Path
    ) -> None:
        repository.commit("nothing")
        shallow = repository.clone(tmp_path / "shallow", "--depth=1")
        shallow.git("remote", "remove", "origin")
        done = gate(shallow)
        assert done.returncode == 2
        assert "fetch-depth" in done.stderr


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["SIGINT", "SIGTERM"]
)
def test_a_signal_keeps_what_was_measured_and_ends_the_children(
    repository: Repository, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    beat = tmp_path / "beat"
    slow_start = f"open({str(beat)!r}, 'a').write('x')\n"
    repository.commit("start", bench_py=slow_start + bench(DenoisingStage=1500.0))
    repository.commit("nothing")
    child = subprocess.Popen(
        [sys.executable, "-m", "perfgate", "gate", "--base", "HEAD~1"],
        cwd=repository.path,
        env=environment(XDG_CACHE_HOME=str(tmp_path / "cache")),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while not (beat.exists() and len(beat.read_text()) >= 2):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    child.send_signal(number)
    out, err = child.communicate(timeout=60)
    # Not decided is exit 7; that something was cut off must not turn it green.
    assert child.returncode in (7, code), out + err
    record = json.loads((repository.path / "perfgate-out" / "record.json").read_text())
    assert record["interrupted"] == number.name
    assert len(record["cases"][0]["launches"]) >= 1
    assert number.name in out
    started = len(beat.read_text())
    time.sleep(0.5)
    assert len(beat.read_text()) == started
    assert repository.git("worktree", "list").count("\n") == 0
