"""Reading real folders of result files through DuckDB."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from perfgate.errors import ConfigurationError
from perfgate.history.compact import compact
from perfgate.history.folder import Folder
from perfgate.history.names import result_name
from perfgate.history.read import read_history
from perfgate.records.history import History
from perfgate.records.results import FailureKind
from tests.result_files import NOW, START, a_cell, a_folder, a_results


def read(folder: Path, **wanted: object) -> History:
    return read_history(a_folder(folder), now=NOW, **wanted)


def test_a_line_has_the_median_least_and_greatest_sample_of_each_night(tmp_path: Path) -> None:
    store = a_folder(
        tmp_path,
        a_results(a_cell(1000, 1030, 1010), day=0),
        a_results(a_cell(990, 1000), day=1),
    )

    (line,) = read_history(store, now=NOW).lines

    assert (line.key.case, line.key.metric, line.key.unit) == ("wan_t2v_tiny", "e2e", "ms")
    assert line.values.tolist() == [1010, 995]
    assert line.lows.tolist() == [1000, 990]
    assert line.highs.tolist() == [1030, 1000]
    assert line.counts.tolist() == [3, 2]
    assert line.seconds.tolist() == [int(START.timestamp()), int(START.timestamp()) + 86_400]
    assert (line.values.dtype, line.counts.dtype) == (np.float64, np.int32)


def test_points_are_in_order_of_time__whatever_order_they_came_in(tmp_path: Path) -> None:
    nights = [a_results(a_cell(1000.0 + day), day=day) for day in (3, 0, 2, 1)]

    (line,) = read_history(a_folder(tmp_path, *nights), now=NOW).lines

    assert line.values.tolist() == [1000, 1001, 1002, 1003]


def test_runs_are_told_once_and_lines_point_at_them(tmp_path: Path) -> None:
    store = a_folder(
        tmp_path, a_results(a_cell(1000, step=(3.0,)), day=5), a_results(a_cell(900), day=4)
    )

    history = read_history(store, now=NOW)

    assert [run.id for run in history.runs] == ["1004", "1005"]
    assert history.runs[1].url == "https://github.com/o/r/actions/runs/1005"
    e2e, step = history.lines
    assert (e2e.runs.tolist(), step.runs.tolist()) == ([0, 1], [1])


@pytest.mark.parametrize(
    "other",
    [
        {"case": "flux_tiny"},
        {"framework": "diffusers"},
        {"workload_hash": "f" * 16},
    ],
)
def test_another_case_framework_or_workload_is_a_line_of_its_own(
    tmp_path: Path, other: dict[str, str]
) -> None:
    store = a_folder(
        tmp_path, a_results(a_cell(1000), day=0), a_results(a_cell(2000, **other), day=1)
    )

    lines = read_history(store, now=NOW).lines

    assert sorted(line.values.tolist() for line in lines) == [[1000], [2000]]


def test_memory_is_in_mebibytes(tmp_path: Path) -> None:
    history = read_history(a_folder(tmp_path, a_results(a_cell(1, memory=(512,)))), now=NOW)

    assert [(line.key.metric, line.key.unit) for line in history.lines] == [
        ("e2e", "ms"),
        ("peak_memory", "MiB"),
    ]


def test_a_cell_without_a_number_is_missed__one_with_a_number_is_not(tmp_path: Path) -> None:
    store = a_folder(tmp_path, a_results(a_cell("out of memory"), a_cell(5, "crashed", case="b")))

    history = read_history(store, now=NOW)

    (missed,) = history.missed
    assert (missed.case, missed.kind) == ("wan_t2v_tiny", FailureKind.MEMORY)
    assert missed.text == "it said: out of memory"
    assert history.runs[missed.run].id == "1000"
    assert [line.key.case for line in history.lines] == ["b"]


def test_an_empty_folder_is_an_empty_history(tmp_path: Path) -> None:
    history = read(tmp_path / "not there yet")

    assert (history.lines, history.runs, history.missed, history.problems) == ((), (), (), ())


def test_since_and_cases_leave_the_rest_out(tmp_path: Path) -> None:
    for day in range(40):
        a_folder(tmp_path, a_results(a_cell(day + 1), a_cell(7, case="other"), day=day))

    history = read(tmp_path, since=START + timedelta(days=35), cases={"other"})

    (line,) = history.lines
    assert line.key.case == "other"
    assert len(line) == 5
    assert len(history.runs) == 5


def put(folder: Path, document: dict[str, object], *, day: int = 0) -> str:
    """A document under the name that its content asks for."""
    content = json.dumps(document).encode()
    name = result_name(a_results(day=day), content)
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)
    return name


def a_document(**changed: object) -> dict[str, object]:
    return {**a_results().model_dump(mode="json"), **changed}


@pytest.mark.parametrize(
    ("document", "told"),
    [
        (a_document(schema="perfgate.record"), "it is no perfgate.results"),
        (a_document(version=2), "reads version 1 of perfgate.results, not 2"),
        (a_document(version="x"), "reads version 1"),
        (a_document(measured_at="yesterday"), "it does not say when it was measured"),
        (a_document(measured_at="2026-03-20T02:00:00"), "it does not say when it was measured"),
        (a_document(measured_at="2031-01-01T00:00:00Z"), "it is from the future: 2031-01-01"),
        (a_document(hardware_key="H100 <b>"), "it names no hardware"),
        (a_document(cells=[]), "it holds no cell"),
        (a_document(cells="all"), "it holds no cell"),
        (a_document(cells=[7]), "1 of its cells cannot be read"),
        (a_document(cells=[{"case": "../../etc"}]), "1 of its cells cannot be read"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_and_the_rest_goes_on(
    tmp_path: Path, document: dict[str, object], told: str
) -> None:
    store = a_folder(tmp_path, a_results(a_cell(1000), day=1))
    name = put(tmp_path, document)

    history = read_history(store, now=NOW)

    (problem,) = history.problems
    assert problem.startswith(f"{name}: ")
    assert told in problem
    assert [line.values.tolist() for line in history.lines] == [[1000]]


@pytest.mark.parametrize("sample", [None, -1, "NaN", "Infinity", "many"])
def test_a_cell_with_an_impossible_sample_is_left_out_and_counted(
    tmp_path: Path, sample: object
) -> None:
    cell = a_cell(1000).model_dump(mode="json")
    cell["metrics"][0]["samples"] = [1000, sample]
    whole = a_cell(7, case="whole").model_dump(mode="json")
    name = put(tmp_path, a_document(cells=[cell, whole]))

    history = read(tmp_path)

    assert history.problems == (f"{name}: 1 of its cells cannot be read",)
    assert [line.key.case for line in history.lines] == ["whole"]


def test_a_cell_that_names_a_metric_twice_is_left_out(tmp_path: Path) -> None:
    cell = a_cell(1000).model_dump(mode="json")
    cell["metrics"] *= 2
    name = put(tmp_path, a_document(cells=[cell]))

    assert read(tmp_path).problems == (f"{name}: 1 of its cells cannot be read",)


def test_a_half_written_file_is_told_by_its_name(tmp_path: Path) -> None:
    a_folder(tmp_path, a_results())
    (path,) = tmp_path.rglob("*.json")
    path.write_bytes(path.read_bytes()[:200])

    history = read(tmp_path)

    assert "cut short or changed since" in history.problems[0]
    assert history.lines == ()


def test_bytes_that_are_no_text_are_told(tmp_path: Path) -> None:
    content = b"\xff\xfe{}"
    name = result_name(a_results(), content)
    (tmp_path / name).parent.mkdir(parents=True)
    (tmp_path / name).write_bytes(content)

    assert read(tmp_path).problems == (f"{name}: it is no JSON",)


def test_files_that_are_none_of_ours_are_named_and_counted(tmp_path: Path) -> None:
    a_folder(tmp_path, a_results())
    for number in range(7):
        (tmp_path / "results" / f"note {number}.txt").write_text("x")

    (problem,) = read(tmp_path).problems

    assert "results/note 0.txt" in problem
    assert "and 2 more: is no file of a history" in problem


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    store = a_folder(tmp_path / "store", a_results())
    (real,) = (tmp_path / "store").rglob("*.json")
    elsewhere = tmp_path / "elsewhere.json"
    real.rename(elsewhere)
    real.symlink_to(elsewhere)

    assert read_history(store, now=NOW).lines == ()


def test_a_giant_file_is_told_and_not_read(tmp_path: Path) -> None:
    store = a_folder(tmp_path, a_results(day=1))
    giant = tmp_path / result_name(a_results(), b"")
    with giant.open("wb") as stream:
        stream.truncate(32 * 2**20 + 1)

    history = read_history(store, now=NOW)

    assert history.problems == (f"{giant.relative_to(tmp_path)}: it is larger than 32 MiB",)
    assert [len(line) for line in history.lines] == [1]


def test_an_attempt_that_is_no_number_of_one_is_the_first(tmp_path: Path) -> None:
    put(tmp_path, a_document(run={"id": "7", "attempt": 10**30}))

    assert [run.attempt for run in read(tmp_path).runs] == [1]


@pytest.mark.parametrize("depth", [1_000, 200_000])
def test_deep_nesting_is_no_danger(tmp_path: Path, depth: int) -> None:
    text = json.dumps(a_document()).replace(
        '{"model": "tiny"}', '{"a":' * depth + "1" + "}" * depth
    )
    a_folder(tmp_path, a_results(day=1))
    name = result_name(a_results(), text.encode())
    (tmp_path / name).write_text(text)

    history = read(tmp_path)

    assert sum(len(line) for line in history.lines) + len(history.problems) == 2


@dataclass(frozen=True, kw_only=True)
class Compacting(Folder):
    """A folder that another job compacts: files that were listed are gone."""

    def names(self) -> tuple[str, ...]:
        listed = super().names()
        (self.root / listed[-1]).unlink()
        return listed


@pytest.mark.parametrize("finished", [False, True])
def test_files_that_went_while_they_were_read_are_told(tmp_path: Path, finished: bool) -> None:
    store = a_folder(tmp_path, a_results(day=0))
    if finished:
        compact(store, before=NOW.date(), now=NOW)

    with pytest.raises(ConfigurationError, match="a file of the history cannot be read") as raised:
        read_history(Compacting(root=tmp_path, told="h"), now=NOW)

    assert "Run the same command again" in raised.value.fix
