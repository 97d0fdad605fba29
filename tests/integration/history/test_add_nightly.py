"""Files of sglang's nightly comparison into a real folder: lines, classes of failures, attempts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from perfgate.errors import ConfigurationError
from perfgate.history.query import query
from perfgate.records.results import FailureKind
from perfgate.records.text import to_json
from tests.adding import HARDWARE, add, read, store
from tests.nightly_files import a_config, a_newer_result, a_night, a_result, write
from tests.result_files import NOW, a_results

NIGHTLY = Path(__file__).parents[4] / "shared" / "data" / "sglang-nightly"


def values(root: Path) -> dict[str, list[float]]:
    """End-to-end milliseconds by case and workload, in order of time."""
    lines = [line for line in read(root).lines if line.key.metric == "e2e"]
    assert len({(line.key.case, line.key.workload_hash) for line in lines}) == len(lines)
    return {f"{line.key.case} {line.key.workload_hash}": line.values.tolist() for line in lines}


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
