"""One launch as a real process: its report, its output files, and whose code it ran."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from perfgate import process
from perfgate.backends.backend import Invocation, SideContext
from perfgate.backends.builtin import BuiltinBackend
from perfgate.backends.command import CommandBackend
from perfgate.backends.launch import LaunchPlace, launch
from perfgate.errors import ConfigurationError
from perfgate.records import Launch, Side
from perfgate.suite import Case
from tests.repositories import bench, environment

PLACE = LaunchPlace(side=Side.HEAD, pair=0, order=3, started_at="2026-11-20", timeout_s=60)


def a_context(tree: Path) -> SideContext:
    return SideContext(path=tree, python=Path(sys.executable), env=environment())


def launched(tree: Path, script: str, *outputs: str, requests: int = 2, **env: str) -> Launch:
    (tree / "bench.py").write_text(script)
    case = Case(
        id="bench",
        backend="command",
        command="python3 bench.py",
        outputs=outputs,
        requests=requests,
        env=env,
    )
    scratch = tree.parent / "scratch"
    scratch.mkdir(exist_ok=True)
    made = launch(
        case,
        backend=CommandBackend(),
        context=a_context(tree),
        place=PLACE,
        scratch=scratch,
        run=process.run,
    )
    assert list(scratch.iterdir()) == []
    return made


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    path = tmp_path / "tree"
    path.mkdir()
    return path


def test_what_the_report_says_is_kept_raw(tree: Path) -> None:
    made = launched(tree, bench())
    assert made.ok
    assert (made.side, made.pair, made.order) == (Side.HEAD, 0, 3)
    (report,) = made.reports
    assert [stage.name for stage in report.stages] == [
        "TextEncodingStage",
        "DenoisingStage",
        "DecodingStage",
    ]
    assert made.duration_s * 1000 > report.total_duration_ms > 160


def test_the_case_tells_the_process_what_to_do(tree: Path) -> None:
    script = "import os, sys; sys.exit(' '.join(os.environ[n] for n in %r))" % [
        "PERFGATE_REQUESTS",
        "PERFGATE_DEVICES",
        "OMP_NUM_THREADS",
        "STEPS",
    ]
    made = launched(tree, script, requests=1, STEPS="8", OMP_NUM_THREADS="3")
    assert made.log_tail == "1 1 3 8"


def test_a_launch_that_dies_keeps_the_end_of_its_log(tree: Path) -> None:
    made = launched(tree, "print('loading'); raise SystemExit('out of memory')")
    assert made.failure == "the benchmark exited with 1"
    assert made.log_tail.splitlines() == ["loading", "out of memory"]
    assert made.reports == ()


def test_a_report_of_a_launch_that_died_afterwards_does_not_count(tree: Path) -> None:
    made = launched(tree, bench() + "\nraise SystemExit(3)")
    assert made.failure == "the benchmark exited with 3"
    assert made.reports == ()


@pytest.mark.parametrize("make", ["mkfifo", "mkdir"])
def test_a_report_that_is_no_file_is_a_failed_launch(tree: Path, make: str) -> None:
    made = launched(tree, f"import os; os.{make}(os.environ['PERFGATE_REPORT'])")
    assert made.failure == "the report is no plain file"


def test_outputs__their_content_is_hashed(tree: Path) -> None:
    write = "\nopen('out.png', 'w').write({!r})"
    first = launched(tree, bench() + write.format("a"), "out.png")
    again = launched(tree, bench() + write.format("a"), "out.png")
    other = launched(tree, bench() + write.format("b"), "out.png")
    assert first.output_files == again.output_files
    assert first.output_files != other.output_files


def test_outputs__one_that_is_missing(tree: Path) -> None:
    assert launched(tree, bench(), "out.png").failure == "the output out.png was not written"


def test_outputs__an_older_file_is_not_this_launchs(tree: Path) -> None:
    (tree / "out.png").write_text("from an earlier launch")
    made = launched(tree, bench(), "out.png")
    assert made.failure == "the output out.png is an older file: this launch did not write it"


class ForeignBackend(CommandBackend):
    """A benchmark that says it imported the model from ``place``."""

    proves_imports = True

    def __init__(self, place: Path | None) -> None:
        self._place = place

    def invocation(self, case: Case, side: SideContext, *, report: Path) -> Invocation:
        dump: dict[str, object] = {
            "total_duration_ms": 5,
            "steps": [{"name": "DenoisingStage", "duration_ms": 5}],
        }
        if self._place:
            dump["perfgate"] = {"imported": {"model": str(self._place)}}
        report.write_text(json.dumps(dump))
        return Invocation(command=("true",), env=side.env)

    def must_import(self, side: SideContext) -> Mapping[str, Path]:
        return {"model": side.path}


@pytest.mark.parametrize("place", ["../other/model.py", None])
def test_a_launch_that_ran_another_trees_code_is_no_measurement(
    tree: Path, place: str | None
) -> None:
    with pytest.raises(ConfigurationError, match="the head launch ran model from") as caught:
        launch(
            Case(id="bench", backend="command", command="true"),
            backend=ForeignBackend(tree / place if place else None),
            context=a_context(tree),
            place=PLACE,
            scratch=tree,
            run=process.run,
        )
    assert "PYTHONPATH" in caught.value.fix


def test_builtin__an_unknown_preset_is_told_before_anything_runs() -> None:
    case = Case(id="wan", backend="builtin", preset="wan-tyni")
    with pytest.raises(ConfigurationError) as caught:
        BuiltinBackend().check(case)
    assert "wan-tiny" in str(caught.value)
