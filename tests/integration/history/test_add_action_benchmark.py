"""What github-action-benchmark stored, into a real folder: lines, units, what is left out."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from perfgate.errors import ConfigurationError
from tests.adding import add, read
from tests.nightly_files import write

DAY_MS = 86_400_000
FIRST = datetime(2026, 3, 1, 2, tzinfo=UTC)
HOSTED = "github-hosted"


def a_run(*benches: Any, day: int = 0, commit: str = "c0ffee") -> dict[str, Any]:
    return {
        "commit": {"id": f"{commit}{day}", "message": "Make it faster", "author": {"name": "A"}},
        "date": int(FIRST.timestamp() * 1000) + day * DAY_MS,
        "tool": "customSmallerIsBetter",
        "benches": list(benches),
    }


def a_bench(value: Any, name: str = "load: model", unit: str = "ms", **more: Any) -> dict[str, Any]:
    return {"name": name, "value": value, "unit": unit, **more}


def stored(*runs: Any, suite: str = "Benchmark", **suites: Any) -> str:
    entries = {suite: list(runs), **suites}
    document = {"lastUpdate": 1, "repoUrl": "https://github.com/o/r", "entries": entries}
    return json.dumps(document, indent=2)


def data_js(*runs: Any, **suites: Any) -> str:
    return f"window.BENCHMARK_DATA = {stored(*runs, **suites)}"


def test_every_run_is_a_point_of_a_line_a_benchmark(tmp_path: Path) -> None:
    runs = [a_run(a_bench(20 + day), a_bench(4, "save", "iter/sec"), day=day) for day in range(3)]
    done = add(tmp_path, write(tmp_path, "data.js", data_js(*runs)), hardware=HOSTED)
    lines = {line.key.case: line for line in read(tmp_path).lines}
    assert lines["load-model"].values.tolist() == [20, 21, 22]
    assert lines["save"].values.tolist() == [250, 250, 250]
    assert {(line.key.metric, line.key.framework) for line in lines.values()} == {
        ("e2e", "command")
    }
    assert lines["save"].key.hardware_key == HOSTED
    assert lines["save"].seconds[0] == FIRST.timestamp()
    assert [run.commit for run in read(tmp_path).runs] == ["c0ffee0", "c0ffee1", "c0ffee2"]
    assert (len(done.appended.added), done.problems) == (3, ())


def test_the_json_alone_is_the_same(tmp_path: Path) -> None:
    add(tmp_path, write(tmp_path, "data.js", data_js(a_run(a_bench(20)))), hardware=HOSTED)
    script = f"  window.BENCHMARK_DATA = {stored(a_run(a_bench(20)))};\n"
    for name, text in (("cache.json", stored(a_run(a_bench(20)))), ("other.js", script)):
        done = add(tmp_path, write(tmp_path, name, text), hardware=HOSTED)
        assert (len(done.appended.added), len(done.appended.already)) == (0, 1)


def test_the_same_name_in_two_suites_is_two_lines(tmp_path: Path) -> None:
    text = data_js(a_run(a_bench(20)), Other=[a_run(a_bench(900))])
    add(tmp_path, write(tmp_path, "data.js", text), hardware=HOSTED)
    lines = read(tmp_path).lines
    assert sorted(line.values.tolist()[0] for line in lines) == [20, 900]
    assert len({line.key.workload_hash for line in lines}) == 2


def test_what_is_no_time_is_told_once_and_the_rest_is_kept(tmp_path: Path) -> None:
    runs = [a_run(a_bench(20), a_bench(3, "weights", "MiB"), day=day) for day in range(4)]
    done = add(tmp_path, write(tmp_path, "data.js", data_js(*runs)), hardware=HOSTED)
    assert done.problems == (
        f"{tmp_path}/data.js: left out 'weights' in 'MiB' of 4 runs, which is no time",
    )
    assert len(done.appended.added) == 4


def test_a_damaged_run_costs_no_other(tmp_path: Path) -> None:
    text = data_js(
        a_run(a_bench(20)),
        {"commit": {}, "date": 3},
        a_run(a_bench("slow"), a_bench(7, "save"), day=1),
        {**a_run(a_bench(1)), "date": 10**18},
    )
    done = add(tmp_path, write(tmp_path, "data.js", text), hardware=HOSTED)
    assert len(done.appended.added) == 2
    told = [problem.partition("left out ")[2] for problem in done.problems]
    assert [one.partition(": ")[0] for one in told] == [
        "entries.Benchmark[1]",
        "entries.Benchmark[2].benches[0]",
        "entries.Benchmark[3]",
    ]


def test_names_that_give_the_same_id_are_lines_of_their_own(tmp_path: Path) -> None:
    text = data_js(a_run(a_bench(20, "load model"), a_bench(30, "load/model")))
    add(tmp_path, write(tmp_path, "data.js", text), hardware=HOSTED)
    assert {line.key.case: 1 for line in read(tmp_path).lines} == {"load-model": 1}
    assert sorted(line.values.tolist()[0] for line in read(tmp_path).lines) == [20, 30]


def test_a_name_twice_in_a_run_is_kept_once(tmp_path: Path) -> None:
    text = data_js(a_run(a_bench(20), a_bench(30)))
    done = add(tmp_path, write(tmp_path, "data.js", text), hardware=HOSTED)
    (line,) = read(tmp_path).lines
    assert line.values.tolist() == [20]
    assert "'load: model' a second time" in done.problems[0]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (data_js(a_run(a_bench(1, unit="MiB/s"))), "it has no time that a history can keep"),
        (data_js(), "it has no time that a history can keep"),
        ('{"lastUpdate": 1, "entries": []}', "it has no time that a history can keep"),
        ("window.BENCHMARK_DATA = {", "it is no JSON"),
        ("window.OTHER = {}", "it is no JSON"),
        (data_js({**a_run(a_bench(1)), "date": 4_102_444_800_000}), "it is from the future"),
    ],
)
def test_what_cannot_be_used_is_named(text: str, told: str, tmp_path: Path) -> None:
    done = add(tmp_path, write(tmp_path, "data.js", text), hardware=HOSTED)
    assert done.appended.added == ()
    assert told in done.problems[0]


def test_the_machine_has_to_be_named(tmp_path: Path) -> None:
    file = write(tmp_path, "data.js", data_js(a_run(a_bench(20))))
    with pytest.raises(ConfigurationError, match="github-action-benchmark, which names no machine"):
        add(tmp_path, file, hardware=None)


def test_a_machine_that_is_no_key_is_refused(tmp_path: Path) -> None:
    file = write(tmp_path, "data.js", data_js(a_run(a_bench(20))))
    (problem,) = add(tmp_path, file, hardware="Ubuntu Runner").problems
    assert "hardware_key" in problem
