"""`perfgate init` in real repositories: what it finds, writes, measures, leaves alone and tells."""

from __future__ import annotations

import json
import os
import re
import shlex
from pathlib import Path

import pytest

from perfgate.suite import Suite, parse_suite
from tests.repositories import Repository, bench, perfgate
from tests.sglang_tree import a_tree

WRITTEN = [
    *(".github/CODEOWNERS", ".github/workflows/perfgate-publish.yml"),
    *(".github/workflows/perfgate.yml", "perfgate.yml"),
]


@pytest.fixture
def project(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "my project")


def new_files(project: Repository) -> list[str]:
    return project.git("ls-files", "--others", "--exclude-standard").splitlines()


def suite(project: Repository) -> Suite:
    return parse_suite((project.path / "perfgate.yml").read_text(), source="perfgate.yml")


class TestWhatItWrites:
    def test_files_for_a_benchmark_that_leaves_a_report(self, project: Repository) -> None:
        project.git("remote", "add", "origin", "git@github.com:acme/video.git")
        project.commit("start", bench_py=bench(), pyproject_toml="[tool.ruff]\n")
        done = perfgate(project.path, "init", "--no-measure")
        assert done.returncode == 0, done.stdout + done.stderr
        assert new_files(project) == WRITTEN
        assert [case.command for case in suite(project).cases] == ["python3 bench.py"]
        assert suite(project).setup is None
        owners = (project.path / ".github/CODEOWNERS").read_text()
        assert owners.endswith("\n/baselines/ @acme\n")
        assert "bench.py leaves a report" in done.stdout
        assert "Nothing is measured: asked not to." in done.stdout

    @pytest.mark.parametrize(
        ("origin", "owner"),
        [
            ("https://github.com/acme/video.git", "@acme"),
            ("https://x-access-token:t0ken@github.com/acme/video", "@acme"),
            ("ssh://git@github.example.org:2222/acme/video.git", "@acme"),
            ("https://git.example.org:8443/acme/video/", "@acme"),
            ("file:///home/somebody/video", "@ACCOUNT"),
            ("../mirrors/video", "@ACCOUNT"),
        ],
    )
    def test_owner_of_new_baselines(self, project: Repository, origin: str, owner: str) -> None:
        project.git("remote", "add", "origin", origin)
        project.commit("start")
        assert perfgate(project.path, "init", "--no-measure").returncode == 0
        owners = (project.path / ".github/CODEOWNERS").read_text()
        assert owners.endswith(f"/baselines/ {owner}\n")

    def test_dry_run_writes_nothing_and_prints_it_all(self, project: Repository) -> None:
        project.commit("start", bench_py=bench())
        dry = perfgate(project.path, "init", "--dry-run")
        assert dry.returncode == 0, dry.stdout + dry.stderr
        assert new_files(project) == []
        assert perfgate(project.path, "init", "--no-measure").returncode == 0
        for path in WRITTEN:
            for line in (project.path / path).read_text().splitlines():
                assert line.strip() in dry.stdout

    def test_what_stands_is_never_changed(self, project: Repository) -> None:
        own = "version: 1\ncases: [{id: mine, backend: command, command: 'true'}]\n"
        project.commit("start", perfgate_yml=own, CODEOWNERS="/src/ @me\n")
        project.file(".github/workflows/perfgate.yml", "name: mine\n")
        before = {path: path.read_bytes() for path in project.path.rglob("*") if path.is_file()}
        done = perfgate(project.path, "init")
        assert done.returncode == 0, done.stdout + done.stderr
        assert {path: path.read_bytes() for path in before} == before
        assert "stays       perfgate.yml" in done.stdout
        assert "stays       .github/workflows/perfgate.yml" in done.stdout
        publishing = (project.path / ".github/workflows/perfgate-publish.yml").read_text()
        assert '    workflows: ["mine"] ' in publishing
        assert not (project.path / ".github/CODEOWNERS").exists()
        assert "the suite names no folder for baselines" in done.stdout

    def test_lines_that_codeowners_lacks_are_a_command(self, project: Repository) -> None:
        project.git("remote", "add", "origin", "https://github.com/acme/video")
        project.commit("start", CODEOWNERS="/src/ @me\n")
        done = perfgate(project.path, "init")
        (command,) = [line.strip() for line in done.stdout.splitlines() if ">> CODEOWNERS" in line]
        assert shlex.split(command) == [
            *("printf", "\\n%s\\n", "/baselines/ @acme", ">>", "CODEOWNERS"),
        ]
        assert (project.path / "CODEOWNERS").read_text() == "/src/ @me\n"

    def test_a_link_that_leads_nowhere_is_no_place_to_write(self, project: Repository) -> None:
        project.commit("start")
        (project.path / "perfgate.yml").symlink_to("/nowhere/perfgate.yml")
        done = perfgate(project.path, "init")
        assert done.returncode == 2
        assert "there is no suite file perfgate.yml" in done.stderr

    def test_a_folder_that_leads_out_of_the_repository(
        self, project: Repository, tmp_path: Path
    ) -> None:
        project.commit("start")
        (tmp_path / "elsewhere").mkdir()
        (project.path / ".github").symlink_to(tmp_path / "elsewhere")
        done = perfgate(project.path, "init")
        assert done.returncode == 2
        assert "leads out of the repository" in done.stderr
        assert list((tmp_path / "elsewhere").iterdir()) == []
        assert not (project.path / "perfgate.yml").exists()

    def test_a_file_in_the_place_of_a_folder(self, project: Repository) -> None:
        project.commit("start")
        project.file(".github", "no folder")
        done = perfgate(project.path, "init")
        assert done.returncode == 2
        assert "cannot be written" in done.stderr
        assert "Traceback" not in done.stderr

    def test_below_the_root_the_files_are_the_repositorys(self, project: Repository) -> None:
        project.file("docs/index.md", "x")
        project.commit("start")
        done = perfgate(project.path / "docs", "init")
        assert done.returncode == 0, done.stdout + done.stderr
        assert new_files(project) == WRITTEN
        assert "      cd ..\n" in done.stdout
        assert done.stdout.index("      cd ..\n") < done.stdout.index("git add")

    @pytest.mark.parametrize(
        "path",
        [
            *("", ".", "sub/", "../other.yml", "/tmp/other.yml", "a\nb.yml", ".git/perfgate.yml"),
            *(".github/workflows/perfgate.yml", ".github/CODEOWNERS", "C:/perfgate.yml"),
        ],
    )
    def test_a_suite_that_no_workflow_could_name(self, project: Repository, path: str) -> None:
        project.commit("start")
        done = perfgate(project.path, "init", f"--suite={path}")
        assert done.returncode == 2
        assert "is no place for a suite" in done.stderr
        assert new_files(project) == []

    def test_a_suite_of_another_name(self, project: Repository) -> None:
        project.commit("start")
        done = perfgate(project.path, "init", "--suite", "perf/my suite.yml")
        assert done.returncode == 0, done.stdout + done.stderr
        assert (project.path / "perf/my suite.yml").is_file()
        calls = (project.path / ".github/workflows/perfgate.yml").read_text()
        assert "suite: perf/my suite.yml" in calls
        assert "perfgate init --suite 'perf/my suite.yml'" in done.stdout

    def test_outside_of_a_repository(self, tmp_path: Path) -> None:
        done = perfgate(tmp_path, "init")
        assert done.returncode == 2
        assert "is in no git repository" in done.stderr
        assert "git init" in done.stderr


class TestWhatItFinds:
    def test_scripts_that_leave_a_report_and_no_tests(self, project: Repository) -> None:
        project.file("tools/measure.sh", '#!/usr/bin/env bash\nrun > "$PERFGATE_REPORT"\n')
        project.file("tests/test_bench.py", "# PERFGATE_REPORT\n")
        project.file("bench_old.py", "print('none')\n")
        project.file("ignored/bench.py", "# PERFGATE_REPORT\n")
        project.commit("start", bench_py=bench(), gitignore="")
        project.file(".gitignore", "ignored/\n")
        project.git("rm", "--quiet", "--cached", "-r", "ignored")
        assert perfgate(project.path, "init", "--no-measure").returncode == 0
        assert {case.command for case in suite(project).cases} == {
            *("python3 bench.py", "bash tools/measure.sh"),
        }

    def test_a_benchmark_by_its_name_is_not_measured_yet(self, project: Repository) -> None:
        project.file("scripts/benchmark_all.py", "print('12 ms')\n")
        project.commit("start", benchmark_py="print('12 ms')\n")
        done = perfgate(project.path, "init")
        assert done.returncode == 0, done.stdout + done.stderr
        assert [case.command for case in suite(project).cases] == ["python3 benchmark.py"]
        assert "the benchmark is still to be written" in done.stdout
        assert "Let benchmark.py write its report" in done.stdout

    def test_a_benchmark_that_is_told(self, project: Repository) -> None:
        project.commit("start", bench_py=bench())
        command = "python3 other.py --steps 4"
        done = perfgate(project.path, "init", "--no-measure", "--command", command)
        assert done.returncode == 0, done.stdout + done.stderr
        assert [(case.id, case.command) for case in suite(project).cases] == [("other", command)]

    @pytest.mark.parametrize(
        ("files", "setup"),
        [
            ({"pyproject_toml": "[project]\nname = 'x'\n"}, "pip install -e ."),
            ({"setup_py": ""}, "pip install -e ."),
            ({"requirements_txt": "torch\n"}, "pip install -r requirements.txt"),
            ({"pyproject_toml": "[tool.x]\n"}, None),
            ({"pyproject_toml": "damaged ["}, None),
        ],
        ids=["a-project", "setup.py", "requirements", "settings-alone", "damaged"],
    )
    def test_how_the_project_is_installed(
        self, project: Repository, files: dict[str, str], setup: str | None
    ) -> None:
        project.commit("start", **files)
        assert perfgate(project.path, "init").returncode == 0
        assert suite(project).setup == setup

    def test_baselines_of_sglang(self, project: Repository) -> None:
        folder = "python/sglang/multimodal_gen/test/server"
        project.file(f"{folder}/perf_baselines/h100.json", "{}")
        project.file(f"{folder}/ascend/perf_baselines_npu.json", "{}")
        project.commit("start")
        done = perfgate(project.path, "init")
        assert f"sglang      {folder}/perf_baselines/h100.json" in done.stdout
        assert f"sglang      {folder}/ascend/perf_baselines_npu.json" in done.stdout
        (command,) = [
            line.strip() for line in done.stdout.splitlines() if "init --from sglang" in line
        ]
        made, instead = command.split(" && ")
        assert instead == "perfgate init --from sglang"
        assert sorted(shlex.split(made)) == sorted(["rm", *WRITTEN])

    def test_a_suite_of_sglangs_files(self, project: Repository) -> None:
        a_tree(project.path)
        project.commit("start")
        done = perfgate(project.path, "init", "--from", "sglang")
        assert done.returncode == 0, done.stdout + done.stderr
        assert suite(project).sglang is not None
        assert suite(project).gate.margin == 0.03
        assert "not taken   " in done.stdout
        assert "its cases may want another machine than this one" in done.stdout
        owned = (project.path / ".github/CODEOWNERS").read_text()
        assert "# /perfgate/ @ACCOUNT" in owned
        assert "perf_baselines/h100.json @ACCOUNT" in owned
        workflow = (project.path / ".github/workflows/perfgate.yml").read_text()
        assert "\n      host: true " in workflow
        assert "perfgate plan --cost --base HEAD\n" in done.stdout

    def test_a_suite_of_files_that_are_not_there(self, project: Repository) -> None:
        project.commit("start")
        done = perfgate(project.path, "init", "--from", "sglang")
        assert done.returncode == 2
        assert "no baseline file" in done.stderr
        assert new_files(project) == []

    @pytest.mark.parametrize("setting", ["color.ui=always", "submodule.recurse=true"])
    def test_a_benchmark_whatever_git_is_set_to(self, project: Repository, setting: str) -> None:
        project.git("config", *setting.split("="))
        project.commit("start", measure_py=bench())
        done = perfgate(project.path, "init", "--dry-run")
        assert "measure.py leaves a report" in done.stdout

    def test_names_that_can_hardly_be_read(self, project: Repository) -> None:
        for name in (b"b\xff.sh", b" begins with a blank.sh", b"a\rb.sh"):
            (project.path / os.fsdecode(name)).write_text("# PERFGATE_REPORT\n")
        project.commit("start", bench_py=bench())
        done = perfgate(project.path, "init", "--no-measure")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "python3 bench.py" in [case.command for case in suite(project).cases]

    def test_names_that_a_runner_would_obey(self, project: Repository) -> None:
        name = "bench\x1b[2J::error::x.py"
        project.file(name, "# PERFGATE_REPORT\n")
        project.commit("start")
        done = perfgate(project.path, "init", "--no-measure")
        assert done.returncode == 0, done.stderr
        assert "\x1b" not in done.stdout
        assert "::error::" not in done.stdout
        (case,) = suite(project).cases
        assert shlex.split(case.command or "") == ["python3", name]


class TestWhatItMeasures:
    def test_before_the_first_commit_nothing(self, project: Repository) -> None:
        project.write(bench_py=bench())
        done = perfgate(project.path, "init")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "there is no commit yet" in done.stdout
        (commit,) = [line for line in done.stdout.splitlines() if "git add -- bench.py" in line]
        assert commit.strip().endswith("git push")
        assert "perfgate init\n" in done.stdout

    def test_no_pull_requests_own_figures(self, project: Repository, tmp_path: Path) -> None:
        project.commit("start", bench_py=bench())
        done = perfgate(project.path, "init", GITHUB_EVENT_NAME="pull_request")
        assert "a pull request's own figures are not kept" in done.stdout
        assert not (project.path / "baselines").exists()

    @pytest.mark.slow
    def test_calibration_and_baseline_which_a_gate_then_reads(self, project: Repository) -> None:
        project.commit("start", bench_py=bench())
        done = perfgate(project.path, "init")
        assert done.returncode == 0, done.stdout + done.stderr
        measured = sorted(path for path in new_files(project) if path.startswith("baselines/"))
        assert [Path(path).name for path in measured] == ["bench.json", "calibration.json"]
        runs = json.loads((project.path / measured[1]).read_text())["cases"][0]["runs"]
        assert [len(run["differences"]) for run in runs] == [10]
        assert len(json.loads((project.path / measured[0]).read_text())["jobs"]) == 1
        assert perfgate(project.path, "baseline", "check", *measured).returncode == 0

        again = perfgate(project.path, "init")
        assert again.returncode == 0, again.stdout + again.stderr
        assert re.search(r"Nothing is measured: there are figures of \S+ already\.", again.stdout)

        project.commit("gated")
        project.commit("slower", bench_py=bench(DecodingStage=80.0))
        gate = perfgate(project.path, "gate", "--base", "HEAD~1")
        assert gate.returncode == 1, gate.stdout + gate.stderr
        assert "DecodingStage" in gate.stdout

    def test_a_benchmark_that_fails_is_told_below_what_to_do_next(
        self, project: Repository
    ) -> None:
        project.commit("start", bench_py="# PERFGATE_REPORT\nraise SystemExit('no model here')\n")
        done = perfgate(project.path, "init")
        assert done.returncode == 4, done.stdout + done.stderr
        assert "no model here" in done.stderr
        assert "Next:" in done.stdout
        assert new_files(project) == WRITTEN
