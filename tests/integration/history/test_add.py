"""Results and records into a real folder: what is taken, and what is named and left out."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from perfgate.history.query import query
from perfgate.records import Conditions
from perfgate.records.text import to_json
from tests.adding import add, read, store
from tests.factories import a_case_record, a_launch, a_record, a_report
from tests.nightly_files import a_night, write
from tests.result_files import NOW, a_cell, a_results


def test_results_are_kept_as_they_are(tmp_path: Path) -> None:
    file = write(tmp_path, "results.json", to_json(a_results(a_cell(1000, 1010), day=3)))

    done = add(tmp_path, file)

    (name,) = done.appended.added
    assert name.startswith("results/2026/03/2026-03-23T020000Z_1003_1_")
    assert (tmp_path / "kept" / name).read_text() == file.read_text()
    assert (done.problems, done.notes) == ((), ())


def test_the_same_results_in_another_layout_are_there_already(tmp_path: Path) -> None:
    document = a_results().model_dump(mode="json")
    add(tmp_path, write(tmp_path, "a.json", to_json(a_results())))

    done = add(tmp_path, write(tmp_path, "b.json", json.dumps(document)))

    assert (done.appended.added, len(done.appended.already)) == ((), 1)


def test_a_record_keeps_head_s_requests_and_not_its_burn_in(tmp_path: Path) -> None:
    head = [
        a_launch(
            reports=[
                a_report(1000, load_ms=500, peak_memory_mb=900),
                a_report(1010, load_ms=500, peak_memory_mb=901),
            ]
        ),
        a_launch(reports=[a_report(1020, load_ms=510, peak_memory_mb=902)]),
    ]
    case = a_case_record(base=[7, 7], head=head, burn_in=5000)
    case = case.model_copy(update={"workload": {"backend": "diffusers"}})
    record = a_record([case]).model_copy(update={"job": "77/2/gate/runner-1"})

    add(tmp_path, write(tmp_path, "record.json", to_json(record)), repository_url="https://g/o/r")

    lines = {line.key.metric: line for line in read(tmp_path).lines}
    assert lines["e2e"].values.tolist() == [1010]
    assert lines["e2e"].counts.tolist() == [3]
    assert lines["load"].counts.tolist() == [2]
    assert (lines["peak_memory"].key.unit, lines["peak_memory"].values.tolist()) == ("MiB", [901])
    assert lines["DecodingStage"].values.tolist() == [1010 * 0.15]
    assert lines["step"].values.tolist() == [1010 * 0.1]
    assert lines["e2e"].key.framework == "diffusers"
    assert query(store(tmp_path), "SELECT launches FROM cells", now=NOW).rows == (([2, 1],),)
    (run,) = read(tmp_path).runs
    assert (run.id, run.attempt, run.name) == ("77", 2, "gate")
    assert run.url == "https://g/o/r/actions/runs/77/attempts/2"
    assert run.commit == record.head.commit


def test_launches_that_failed_are_kept_beside_those_that_did_not(tmp_path: Path) -> None:
    hot = a_launch().model_copy(update={"conditions": Conditions(unfit=("throttled: 5 s",))})
    record = a_record(
        [
            a_case_record("works", [1, 1], [1000, "out of memory: 80 GiB"]),
            a_case_record("dies", [1], ["not the native backend: it said so"], burn_in=None),
            a_case_record("hot", [1], [hot], burn_in=None),
            a_case_record("stopped", [1], [], burn_in=None, stopped="the budget is spent"),
        ]
    )

    add(tmp_path, write(tmp_path, "record.json", to_json(record)))

    answer = query(
        store(tmp_path), "SELECT case_id, kind, text, has_numbers FROM failures ORDER BY 1", now=NOW
    )
    assert answer.rows == (
        ("dies", "not the native backend", "it said so", False),
        ("hot", "device not fit", "throttled: 5 s", False),
        ("stopped", "failed", "the budget is spent", False),
        ("works", "out of memory", "80 GiB", True),
    )


def test_a_case_of_a_record_that_no_history_can_keep_is_named(tmp_path: Path) -> None:
    good, bad = a_case_record("good"), a_case_record("bad", workload_hash="<b>")

    done = add(tmp_path, write(tmp_path, "record.json", to_json(a_record([good, bad]))))

    (problem,) = done.problems
    assert "record.json: left out case 'bad'" in problem
    assert [line.key.case for line in read(tmp_path).lines if line.key.metric == "e2e"] == ["good"]


def test_a_cell_that_two_files_tell_is_counted_once_and_told(tmp_path: Path) -> None:
    add(tmp_path, write(tmp_path, "a.json", to_json(a_results(a_cell(1000)))))
    add(tmp_path, write(tmp_path, "b.json", to_json(a_results(a_cell(1000), notes=("again",)))))

    history = read(tmp_path)

    assert [len(line) for line in history.lines] == [1]
    assert "1 of its cells are in another file too and are counted once" in history.problems[0]


FUTURE = NOW + timedelta(days=2)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (json.dumps(a_night())[:150], "it is no JSON, or only a part of it"),
        ("", "it is no JSON, or only a part of it"),
        ("[" * 100_000, "it nests too deeply"),
        (b"\xff\xfe", "it is no text in UTF-8"),
        (b" " * (32 * 2**20 + 1), "it is larger than 32 MiB"),
        (json.dumps(a_night(methodology=["\ud83d"])), "it holds half a character"),
        ("[1, 2]", "it is neither results nor a record"),
        ('{"schema": "perfgate.decision"}', "it is neither results nor a record"),
        ('{"schema": "perfgate.results", "version": 2}', "version"),
        ('{"schema": "perfgate.record", "version": 9}', "version"),
        (to_json(a_results()).replace('"wan_t2v_tiny"', '"../../x"'), "cells.0.case"),
        (to_json(a_results().model_copy(update={"cells": ()})), "it holds no cell"),
        (to_json(a_results(attempt=10**10)), "no file can be named after"),
        (to_json(a_results(measured_at=FUTURE.replace(year=7))), "no file can be named after"),
        (json.dumps(a_night(timestamp="0007-01-01T00:00:00Z")), "no file can be named after"),
        (to_json(a_results(measured_at=FUTURE)), "it is from the future: 2026-09-03 00:00 UTC"),
        (json.dumps(a_night(timestamp=FUTURE.isoformat())), "it is from the future"),
        (json.dumps(a_night(timestamp="2026-03-20T00:00:00")), "timestamp"),
        (json.dumps(a_night(results={})), "results"),
        (json.dumps(a_night(results=[])), "it has no result that a history can keep"),
        (json.dumps(a_night(commit_sha="x" * 65)), "commit_sha"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_and_the_rest_goes_on(
    tmp_path: Path, content: str | bytes, told: str
) -> None:
    bad = write(tmp_path, "bad.json", content)
    good = write(tmp_path, "good.json", a_night(day=1))

    done = add(tmp_path, bad, tmp_path / "absent.json", tmp_path, good)

    assert len(done.appended.added) == 1
    assert len(done.problems) == 3
    (problem,) = [one for one in done.problems if "bad.json" in one]
    assert told in problem
    assert any("absent.json cannot be read: No such file" in one for one in done.problems)
    assert any("cannot be read: Is a directory" in one for one in done.problems)
    assert [len(line) for line in read(tmp_path).lines] == [1]
