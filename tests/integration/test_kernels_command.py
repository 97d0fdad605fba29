"""``perfgate kernels`` and a gate of a kernel, as processes: a user's own file, in real launches.

No time is asserted, but that twice the work is found to be slower.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from perfgate import process
from perfgate.backends.backend import SideContext
from perfgate.backends.kernel import KernelBackend
from perfgate.backends.launch import LaunchPlace, launch
from perfgate.records import Launch, Side
from perfgate.records.kernels import KernelListing, KernelResults
from perfgate.suite import Case
from tests.repositories import Repository, environment, perfgate
from tests.timed_kernels import KERNEL_FILE

pytestmark = pytest.mark.slow

OWN_PYTHON = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
"""A side without a setup runs the first python3 on PATH."""
SUITE = """\
version: 1
gate: {strategy: paired, budget: 5m, margin: 20%}
cases:
  - id: double
    backend: kernel
    kernel: {name: double, variant: twice, shape: B4096 D256, file: mine.py}
    requests: 1
    timeout: {load: 60s, request: 20s}
"""
TWICE = 'lambda given: given["x"] * 2'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mine.py").write_text(KERNEL_FILE)
    (tmp_path / "broken.py").write_text("import no_such_package\n")
    return tmp_path


def kernels(folder: Path, *arguments: str, **environ: str) -> Any:
    return perfgate(folder, "kernels", *arguments, **environ)


def ran(folder: Path, *arguments: str) -> tuple[KernelResults, int]:
    done = kernels(folder, "run", "--json", "--rounds", "6", "--device", "cpu", *arguments)
    assert done.stdout, done.stderr
    return KernelResults.model_validate_json(done.stdout), done.returncode


class TestList:
    def test_perfgates_own_and_those_of_a_file(self, folder: Path) -> None:
        done = kernels(folder, "list", "--json", "--file", "mine.py")
        assert done.returncode == 0, done.stderr
        listing = KernelListing.model_validate_json(done.stdout)
        found = {kernel.name: kernel for kernel in listing.kernels}
        assert {"causal_conv1d_update.slots", "attention", "double", "fatal"} <= set(found)
        assert found["attention"].file == ""
        assert found["double"].file == str(folder / "mine.py")
        assert [one.name for one in found["double"].variants] == ["twice", "thrice", "gone"]
        assert found["double"].shapes == ("B4 D8 float32", "B64 D8 float32")

    def test_a_file_that_does_not_import_is_named_and_the_others_are_listed(
        self, folder: Path
    ) -> None:
        done = kernels(folder, "list", "--file", "broken.py", "--file", "mine.py")
        assert done.returncode == 4
        # A long path may end its line.
        assert "broken.py does not import: ModuleNotFoundError" in " ".join(done.stdout.split())
        assert "double" in done.stdout
        assert "Traceback" not in done.stdout + done.stderr


class TestRun:
    def test_every_kernel_of_a_file(self, folder: Path) -> None:
        """One variant is wrong, one is not there, and one kernel is killed: each ends alone."""
        results, code = ran(folder, "--file", "mine.py", "--file", "broken.py")
        assert code == 4
        assert [(table.kernel, table.shape) for table in results.tables] == [
            ("double", "B4 D8 float32"),
            ("double", "B64 D8 float32"),
            ("fatal", "Q1 float32"),
        ]
        for table in results.tables[:2]:
            assert {row.name: row.state for row in table.variants} == {
                "reference": "timed",
                "twice": "timed",
                "thrice": "hazard",
                "gone": "not available",
            }
            assert table.bound is not None
        assert "was killed by SIGKILL" in results.tables[2].failure
        assert ["broken.py does not import" in problem for problem in results.problems] == [True]
        assert results.device == "cpu"
        assert results.build.startswith("torch ")

    def test_a_variant_at_a_shape_of_its_own(self, folder: Path) -> None:
        told = ("--kernel", "double", "--variant", "twice", "--shape", "D16 B2")
        done = kernels(folder, "run", "--file", "mine.py", "--rounds", "6", *told)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "double, B2 D16 float32, warm cache, copy at" in done.stdout
        assert "1 table: 2 of 2 rows timed." in done.stdout
        assert "thrice" not in done.stdout
        assert "double B2 D16 float32: 2 of 2 variants timed" in done.stderr

    def test_nothing_timed_is_never_green(self, folder: Path) -> None:
        results, code = ran(folder, "--file", "mine.py", "--variant", "gone", "--shape", "B4 D8")
        assert code == 4
        assert results.failed
        results, code = ran(folder, "--file", "broken.py")
        assert (results.tables, code) == ((), 4)

    def test_a_shape_that_does_not_fit_the_memory_is_skipped(self, folder: Path) -> None:
        large = "B4000000000 D4096"
        chosen = ("--file", "mine.py", "--variant", "twice")
        results, code = ran(folder, *chosen, "--shape", large, "--shape", "B4 D8")
        assert [bool(table.skipped) for table in results.tables] == [True, False]
        assert results.tables[0].skipped.startswith("does not fit: the inputs take")
        assert code == 0

    def test_names_that_are_nowhere_are_told_with_those_that_are(self, folder: Path) -> None:
        done = kernels(folder, "run", "--file", "mine.py", "--kernel", "doubler")
        assert done.returncode == 2
        assert "there is no kernel 'doubler', did you mean double?" in done.stderr
        assert done.stdout == ""


def launched(tree: Path, **kernel: str) -> Launch:
    told = {"name": "double", "variant": "twice", "shape": "B4 D8", "file": "mine.py", **kernel}
    case = Case.model_validate({"id": "double", "backend": "kernel", "kernel": told})
    scratch = tree / "scratch"
    scratch.mkdir()
    side = SideContext(path=tree, python=Path(sys.executable), env=environment())
    return launch(
        case,
        backend=KernelBackend(),
        context=side,
        place=LaunchPlace(side=Side.HEAD, pair=0, order=0, started_at="2026-01-01", timeout_s=120),
        scratch=scratch,
        run=process.run,
    )


class TestLaunch:
    def test_reports_of_a_call_with_raw_samples(self, folder: Path) -> None:
        made = launched(folder)
        assert made.ok, made.log_tail
        assert len(made.reports) == 2
        (stage,) = made.reports[0].stages
        assert (stage.name, stage.duration_ms) == (
            "KernelStage",
            made.reports[0].total_duration_ms,
        )
        assert made.reports[0].output is not None
        (row,) = made.reports[0].extra["kernel"]["variants"]
        assert len(row["times"]["samples_us"]) == 15
        assert made.imported["mine.py"] == str(folder / "mine.py")

    @pytest.mark.parametrize(
        ("kernel", "why"),
        [
            ({"variant": "thrice"}, "failed: thrice is wrong and was not timed, hazard reference"),
            ({"variant": "gone"}, "failed: gone is not available here: needs the package doubling"),
            ({"shape": "B4000000000 D4096"}, "out of memory: does not fit"),
            ({"variant": "twise"}, "the benchmark exited with 2"),
            ({"file": "broken.py"}, "the benchmark exited with 2"),
            ({"file": "absent.py"}, "the benchmark exited with 2"),
        ],
        ids=lambda value: "-".join(value.values()) if isinstance(value, dict) else "",
    )
    def test_what_cannot_be_timed_is_a_failed_launch(
        self, folder: Path, kernel: dict[str, str], why: str
    ) -> None:
        made = launched(folder, **kernel)
        assert made.failure is not None
        assert made.failure.startswith(why), made.failure
        assert made.log_tail or "exited" not in made.failure
        assert "Traceback" not in made.log_tail


class TestGate:
    def gated(self, repository: Repository) -> tuple[dict[str, Any], int]:
        done = perfgate(
            repository.path, "gate", "--base", "HEAD~1", "--device", "cpu", PATH=OWN_PYTHON
        )
        path = repository.path / "perfgate-out" / "decision.json"
        return json.loads(path.read_text()), done.returncode

    def test_a_kernel_that_does_its_work_twice_is_slower(self, tmp_path: Path) -> None:
        repository = Repository(tmp_path / "project")
        repository.commit("start", perfgate_yml=SUITE, mine_py=KERNEL_FILE)
        slower = KERNEL_FILE.replace(TWICE, 'lambda given: (given["x"] * 2, given["x"] * 2)[1]')
        repository.commit("slower", mine_py=slower)
        decision, code = self.gated(repository)
        (case,) = decision["cases"]
        assert (case["verdict"], case["output"], code) == ("regressed", "same", 1)
        assert "double" in (repository.path / "perfgate-out" / "comment.md").read_text()

    def test_a_kernel_that_is_wrong_has_no_time(self, tmp_path: Path) -> None:
        repository = Repository(tmp_path / "project")
        repository.commit("start", perfgate_yml=SUITE, mine_py=KERNEL_FILE)
        repository.commit("wrong", mine_py=KERNEL_FILE.replace(TWICE, "lambda given: given['x']"))
        decision, code = self.gated(repository)
        (case,) = decision["cases"]
        assert (case["verdict"], code) == ("failed", 4)
        assert "twice is wrong and was not timed, hazard reference" in json.dumps(case)
