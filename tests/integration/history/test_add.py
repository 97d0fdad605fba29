"""Files of three kinds into a real folder: what is taken, what is named, and how attempts count."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from perfgate.app.history.add import Added, AddRequest, add_files
from perfgate.errors import ConfigurationError
from perfgate.history.folder import Folder
from perfgate.history.query import query
from perfgate.history.read import read_history
from perfgate.records import Conditions
from perfgate.records.history import History
from perfgate.records.results import FailureKind
from perfgate.records.text import to_json
from tests.factories import a_case_record, a_launch, a_record, a_report
from tests.nightly_files import a_config, a_newer_result, a_night, a_result, write
from tests.result_files import NOW, a_cell, a_results
from tests.stores import GIT_ENV, a_clone, git

HARDWARE = "nvidia-h100-80gb-hbm3-x4"
NIGHTLY = Path(__file__).parents[4] / "shared" / "data" / "sglang-nightly"


def store(root: Path) -> Folder:
    return Folder(root=root / "kept", told="kept")


def add(root: Path, *files: Path, hardware: str | None = HARDWARE, **rest: Any) -> Added:
    request = AddRequest(start=root, files=files, hardware_key=hardware, **rest)
    return add_files(request, store(root), now=NOW, perfgate="0.1.0")


def read(root: Path) -> History:
    return read_history(store(root), now=NOW)


def values(root: Path) -> dict[str, list[float]]:
    """End-to-end milliseconds by case and workload, in order of time."""
    lines = [line for line in read(root).lines if line.key.metric == "e2e"]
    assert len({(line.key.case, line.key.workload_hash) for line in lines}) == len(lines)
    return {f"{line.key.case} {line.key.workload_hash}": line.values.tolist() for line in lines}


# --- perfgate's own results ---


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


# --- a record of a gate ---


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


# --- sglang's nightly comparison ---


def test_an_older_file_has_one_latency_a_case(tmp_path: Path) -> None:
    add(tmp_path, write(tmp_path, "a.json", a_night(a_result(latency_s=6.701))))

    (line,) = read(tmp_path).lines
    assert line.key.hardware_key == HARDWARE
    assert (line.key.framework, line.key.metric) == ("sglang", "e2e")
    assert (line.values.tolist(), line.counts.tolist()) == ([6701], [1])


def test_a_newer_file_has_requests_stages_and_the_server_s_own_times(tmp_path: Path) -> None:
    add(tmp_path, write(tmp_path, "a.json", a_night(a_newer_result(), measurement_repeats=3)))

    lines = {line.key.metric: line for line in read(tmp_path).lines}
    assert {name: line.values.tolist() for name, line in lines.items()} == {
        "e2e": [6700],
        "server": [6500],
        "step": [125.5],
        "TextEncodingStage": [20.5],
        "DenoisingStage": [6300.25],
    }
    assert (lines["e2e"].lows[0], lines["e2e"].highs[0], lines["e2e"].counts[0]) == (6600, 6800, 3)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ("Server at http://127.0.0.1:30000/health did not start within 1200s", "never healthy"),
        ("405 Client Error: Method Not Allowed for url: http://127.0.0.1", "request refused"),
        ("Required port(s) unavailable before launch: [30000]", "port in use"),
        ("Video generation timed out after 1200s", "timed out"),
        ("torch.OutOfMemoryError: CUDA out of memory", "out of memory"),
        ("vllm-omni installation failed", "setup failed"),
        ("something else", "failed"),
        (None, "failed"),
    ],
)
def test_a_null_latency_is_a_failure_with_its_class(
    tmp_path: Path, error: str | None, kind: str
) -> None:
    done = add(tmp_path, write(tmp_path, "a.json", a_night(a_result(latency_s=None, error=error))))

    (missed,) = read(tmp_path).missed
    assert missed.kind == FailureKind(kind)
    assert missed.text == (error or "neither a latency nor an error is told")
    assert done.problems == ()


def test_a_changed_configuration_starts_a_new_line_on_its_day(tmp_path: Path) -> None:
    nights = [
        write(
            tmp_path, f"{day}.json", a_night(a_result(latency_s=day + 1.0), day=day, run=str(day))
        )
        for day in range(6)
    ]
    write(tmp_path, "configs_20260322.json", a_config(steps=2))
    write(tmp_path, "later.json", a_config(steps=50))
    write(tmp_path, "same.json", a_config(steps=50))

    done = add(
        tmp_path,
        *nights,
        configurations=("2026-03-24=later.json", "configs_20260322.json", "2026-03-25=same.json"),
    )

    assert sorted(values(tmp_path).values()) == [[1000, 2000], [3000, 4000], [5000, 6000]]
    (note,) = done.notes
    assert "the configuration of 2 results is not known (flux_tiny in sglang)" in note
    workloads = query(
        store(tmp_path), "SELECT DISTINCT workload->>'num_inference_steps' s FROM cells", now=NOW
    )
    assert {row[0] for row in workloads.rows} == {None, "2", "50"}


def test_what_a_configuration_says_of_other_frameworks_changes_no_line(tmp_path: Path) -> None:
    config = a_config()
    write(tmp_path, "2026-03-01.json", config)
    config["cases"][0]["frameworks"]["vllm-omni"] = {"serve_args": "--other"}
    config["cases"][0]["id"] = "flux_tiny"
    write(tmp_path, "2026-03-21.json", config)
    nights = [write(tmp_path, f"{day}.json", a_night(day=day, run=str(day))) for day in range(3)]

    add(tmp_path, *nights, configurations=("2026-03-01.json", "2026-03-21.json"))

    assert [len(line) for line in read(tmp_path).lines] == [3]


def test_whole_characters_that_are_escaped_are_kept(tmp_path: Path) -> None:
    write(tmp_path, "2026-03-01.json", a_config(prompt="a \U0001f408"))

    add(tmp_path, write(tmp_path, "a.json", a_night()), configurations=("2026-03-01.json",))

    answer = query(store(tmp_path), "SELECT workload->>'prompt' FROM cells", now=NOW)
    assert answer.rows == (("a \U0001f408",),)


def test_another_way_of_measuring_starts_a_new_line(tmp_path: Path) -> None:
    nights = [
        write(tmp_path, "0.json", a_night(day=0, run="0")),
        write(tmp_path, "1.json", a_night(day=1, run="1", methodology="warm requests")),
        write(tmp_path, "2.json", a_night(a_result(warmup_requests=1), day=2, run="2")),
    ]

    add(tmp_path, *nights)

    assert len(values(tmp_path)) == 3


def test_attempts_of_one_run_count_by_time_whatever_order_they_come_in(tmp_path: Path) -> None:
    late = write(tmp_path, "a.json", a_night(a_result(latency_s=2), day=1.2, run="55"))
    early = write(tmp_path, "b.json", a_night(a_result(latency_s=1), day=1.1, run="55"))
    other = write(tmp_path, "c.json", a_night(a_result(latency_s=9), day=1.3, run="56"))

    add(tmp_path, other, late, early)
    again = add(tmp_path, late)
    third = write(tmp_path, "d.json", a_night(a_result(latency_s=3), day=1.25, run="55"))
    add(tmp_path, third)

    assert (again.appended.added, len(again.appended.already)) == ((), 1)
    assert [(run.id, run.attempt) for run in read(tmp_path).runs] == [
        ("55", 1),
        ("55", 2),
        ("55", 3),
        ("56", 1),
    ]


def test_a_machine_is_asked_for_before_anything_is_added(tmp_path: Path) -> None:
    own = write(tmp_path, "own.json", to_json(a_results()))
    night = write(tmp_path, "night.json", a_night())

    with pytest.raises(ConfigurationError, match="names no machine") as raised:
        add(tmp_path, own, night, hardware=None)

    assert "--hardware" in raised.value.fix
    assert store(tmp_path).names() == ()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("config.json", "does not say from which day on it held"),
        ("2026-02-31=config.json", "does not say from which day on it held"),
        ("2026-03-01=nothing.json", "nothing.json cannot be read"),
        ("2026-03-01=night.json", "it has no list of cases"),
        ("2026-03-01=half.json", "half.json: it holds half a character"),
        ("2026-03-01=cut.json", "cut.json: it is no JSON"),
    ],
)
def test_a_configuration_that_cannot_be_used_ends_it(tmp_path: Path, given: str, told: str) -> None:
    night = write(tmp_path, "night.json", a_night())
    write(tmp_path, "config.json", a_config())
    write(tmp_path, "half.json", a_config(prompt="\udc00"))
    write(tmp_path, "cut.json", json.dumps(a_config())[:40])

    with pytest.raises(ConfigurationError, match=told):
        add(tmp_path, night, configurations=(given,))


# --- what cannot be used ---

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


@pytest.mark.parametrize(
    ("result", "told"),
    [
        (a_result("../../etc/passwd"), "case"),
        (a_result("x" * 101), "case"),
        (a_result("<img src=x>"), "case"),
        (a_result("a\nb"), "case"),
        (a_result("ok", framework="$(id)"), "framework"),
        (a_result("ok", latency_s=-1.0), "latency_s"),
        (a_result("ok", latency_s=float("nan")), "latency_s"),
        (a_result("ok", latency_s="fast"), "latency_s"),
        (a_newer_result("ok", latency_samples_s=[1, None]), "latency_samples_s"),
        (a_newer_result("ok", server_stage_medians_ms={"e2e": 1.0}), "names a metric twice"),
        ("not a result", "dictionary"),
        (None, "dictionary"),
        (a_result("flux_tiny"), "flux_tiny is there twice"),
    ],
)
def test_a_result_that_cannot_be_used_is_named_and_the_others_are_kept(
    tmp_path: Path, result: object, told: str
) -> None:
    done = add(tmp_path, write(tmp_path, "a.json", a_night(a_result(), result, a_result("wan"))))

    (problem,) = done.problems
    assert "a.json: left out results[1]" in problem
    assert told in problem
    assert sorted(line.key.case for line in read(tmp_path).lines) == ["flux_tiny", "wan"]


def test_a_hostile_run_id_is_kept_as_text_and_names_no_other_file(tmp_path: Path) -> None:
    done = add(tmp_path, write(tmp_path, "a.json", a_night(run="../../../x y\n<b>")))

    (name,) = done.appended.added
    assert name.startswith("results/2026/03/2026-03-20T020000Z_..-..-..-x-y-b-_1_")
    assert [path.parent.name for path in (tmp_path / "kept").rglob("*.json")] == ["03"]
    assert read(tmp_path).problems == ()


def test_a_renamed_case_starts_a_line_of_its_own_and_is_told(tmp_path: Path) -> None:
    nights = [
        write(
            tmp_path,
            f"{day}.json",
            a_night(a_result("flux_old" if day < 2 else "flux_new"), day=day, run=str(day)),
        )
        for day in range(4)
    ]

    add(tmp_path, *nights)

    history = read(tmp_path)
    assert [len(line) for line in history.lines] == [2, 2]
    (problem,) = history.problems
    assert problem.startswith("flux_old was last measured on 2026-03-21 and flux_new first on")


def test_a_cell_that_two_files_tell_is_counted_once_and_told(tmp_path: Path) -> None:
    add(tmp_path, write(tmp_path, "a.json", to_json(a_results(a_cell(1000)))))
    add(tmp_path, write(tmp_path, "b.json", to_json(a_results(a_cell(1000), notes=("again",)))))

    history = read(tmp_path)

    assert [len(line) for line in history.lines] == [1]
    assert "1 of its cells are in another file too and are counted once" in history.problems[0]


# --- sglang's real files ---


@pytest.mark.skipif(not NIGHTLY.is_dir(), reason="sglang's nightly files are not beside the clone")
def test_sglang_s_real_nights_are_all_taken(tmp_path: Path) -> None:
    files = sorted(NIGHTLY.glob("2026-*.json"), reverse=True)
    documents = [json.loads(file.read_text()) for file in files]
    results = [one for document in documents for one in document["results"]]

    done = add(tmp_path, *files, configurations=(str(NIGHTLY / "config_20260325.json"),))

    assert len(done.appended.added) == len(files) == 50
    assert done.problems == ()
    history = read(tmp_path)
    assert sum(len(line) for line in history.lines) == sum(
        one["latency_s"] is not None for one in results
    )
    assert len(history.missed) == sum(one["latency_s"] is None for one in results)
    told = {(run.commit, run.id) for run in history.runs}
    assert told == {(one["commit_sha"], one["run_id"]) for one in documents}


# --- the command ---


def perfgate(where: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    root = str(Path(__file__).parents[3])
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": root, "COLUMNS": "120", **environ}
    return subprocess.run(
        (sys.executable, "-m", "perfgate", "history", *arguments),
        cwd=where,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_commands_one_after_another(tmp_path: Path) -> None:
    for day in range(20):
        write(tmp_path / "in", f"{day:02}.json", a_night(day=day, run=str(day)))
    files = [f"in/{day:02}.json" for day in range(20)]

    added = perfgate(tmp_path, "add", *files, "--to", "h", "--hardware", HARDWARE)
    again = perfgate(tmp_path, "add", files[3], "--to", "h", "--hardware", HARDWARE)
    made = perfgate(tmp_path, "compact", "--to", "h", "--before", "2026-04-01")
    asked = perfgate(tmp_path, "query", "--from", "h", "SELECT count(*) AS nights FROM points")

    assert (added.returncode, added.stdout.count("added results/")) == (0, 20)
    assert "20 files added to h" in added.stdout
    assert "note: the configuration of 20 results is not known" in added.stderr
    assert "0 files added to h, 1 there already" in again.stdout
    assert made.stdout.startswith("2026-03: 12 files → results/2026/03/2026-03_")
    document = json.loads(asked.stdout)
    assert (document["columns"], document["rows"]) == (["nights"], [[20]])
    assert (asked.stderr, asked.returncode) == ("", 0)


def test_the_commands_on_a_branch(tmp_path: Path) -> None:
    clone = a_clone(tmp_path)
    for day in range(2):
        write(clone, f"{day}.json", a_night(day=day, run=str(day)))
    branch = ("--to", "branch:perfgate-data")

    added = perfgate(clone, "add", "0.json", "1.json", *branch, "--hardware", HARDWARE, **GIT_ENV)
    made = perfgate(clone, "compact", *branch, "--before", "2026-05-01", **GIT_ENV)
    again = perfgate(clone, "add", "1.json", *branch, "--hardware", HARDWARE, **GIT_ENV)
    asked = perfgate(
        *(clone, "query", "--from", "branch:perfgate-data"),
        "SELECT run_id FROM cells ORDER BY 1",
        **GIT_ENV,
    )

    assert "2 files added to branch:perfgate-data" in added.stdout
    assert made.stdout.startswith("2026-03: 2 files → ")
    assert "0 files added to branch:perfgate-data, 1 there already" in again.stdout
    assert json.loads(asked.stdout)["rows"] == [["0"], ["1"]]
    assert git(clone, "status", "--porcelain") == "?? 0.json\n?? 1.json"


def test_the_exit_code_says_that_something_was_left_out(tmp_path: Path) -> None:
    write(tmp_path, "bad.json", "{")
    write(tmp_path, "good.json", a_night())

    done = perfgate(tmp_path, "add", "bad.json", "good.json", "--to", "h", "--hardware", HARDWARE)

    assert done.returncode == 2
    assert "1 file added to h, 1 problem" in done.stdout
    assert "left out: bad.json: it is no JSON" in done.stderr


def test_a_store_that_takes_nothing_is_exit_code_6(tmp_path: Path) -> None:
    write(tmp_path, "good.json", a_night())
    (tmp_path / "h").mkdir()
    (tmp_path / "h" / "results").write_text("in the way")

    done = perfgate(tmp_path, "add", "good.json", "--to", "h", "--hardware", HARDWARE)

    assert done.returncode == 6
    assert "h cannot be written to: Not a directory" in done.stderr
    assert "Traceback" not in done.stderr


def test_in_a_workflow_runs_are_linked_to_its_repository(tmp_path: Path) -> None:
    write(tmp_path, "a.json", a_night(run="123"))

    perfgate(
        tmp_path,
        *("add", "a.json", "--to", "kept", "--hardware", HARDWARE),
        GITHUB_SERVER_URL="https://github.example",
        GITHUB_REPOSITORY="o/r",
    )

    assert read(tmp_path).runs[0].url == "https://github.example/o/r/actions/runs/123"


def test_a_question_that_cannot_be_answered_is_exit_code_2_with_the_views(tmp_path: Path) -> None:
    done = perfgate(tmp_path, "query", "--from", "h", "SELECT nothing FROM points")

    assert (done.returncode, done.stdout) == (2, "")
    assert "points, cells and failures" in done.stderr
    assert "Traceback" not in done.stderr


def test_help_lists_the_columns(tmp_path: Path) -> None:
    assert "points    case_id framework" in perfgate(tmp_path, "query", "--help").stdout
