"""Results from launches: what a cell keeps of its requests, and what it calls its failures."""

from __future__ import annotations

from typing import Any

from perfgate.app.compete.cells import cells_of, failure_of
from perfgate.app.compete.contest import Contest, Entry
from perfgate.records import Conditions, Launch, Report
from perfgate.records.results import Cell, FailureKind
from perfgate.suite import Case
from tests.factories import a_launch, a_report

ENTRY = Entry(case=Case(id="wan", backend="command", command="./x"), framework="mine")


def cell_of(*launches: Launch) -> Cell:
    found = [failure for one in launches if (failure := failure_of(one)) is not None]
    (cell,) = cells_of(Contest(entries=(ENTRY,)), {ENTRY.key: launches}, {ENTRY.key: found})
    return cell


def samples(cell: Cell) -> dict[str, tuple[float, ...]]:
    return {metric.name: metric.samples for metric in cell.metrics}


def reported(**extra: Any) -> Report:
    return a_report(1000).model_copy(update={"extra": extra})


class TestSamples:
    def test_one_sample_a_request_in_order__launches_told(self) -> None:
        cell = cell_of(
            a_launch(reports=[a_report(10), a_report(20)]), a_launch(reports=[a_report(30)])
        )
        assert samples(cell)["e2e"] == (10, 20, 30)
        assert cell.launches == (2, 1)
        assert cell.workload_hash == ENTRY.case.workload_hash()

    def test_stages_steps_load_and_memory(self) -> None:
        report = a_report(1000, steps=[90, 40, 50, 60], load_ms=7000, peak_memory_mb=512)
        cell = cell_of(a_launch(reports=[report, report]))
        assert samples(cell) == {
            "e2e": (1000, 1000),
            "TextEncodingStage": (50, 50),
            "DenoisingStage": (800, 800),
            "DecodingStage": (150, 150),
            "step": (50, 50),
            "peak_memory": (512, 512),
            "load": (7000,),
        }
        units = {metric.name: metric.unit for metric in cell.metrics}
        assert (units["peak_memory"], units["load"]) == ("MiB", "ms")

    def test_the_servers_own_time_is_kept_beside_the_clients(self) -> None:
        cell = cell_of(a_launch(reports=[reported(server_latency_ms=900)]))
        assert (samples(cell)["e2e"], samples(cell)["server"]) == ((1000,), (900,))

    def test_a_servers_time_that_is_none_is_not_kept(self) -> None:
        for nonsense in ("fast", None, float("nan"), -1, 0):
            assert "server" not in samples(
                cell_of(a_launch(reports=[reported(server_latency_ms=nonsense)]))
            )

    def test_a_stage_that_is_called_like_a_metric(self) -> None:
        report = a_report(10, e2e=5.0, server=6.0)
        found = samples(cell_of(a_launch(reports=[report])))
        assert found == {"e2e": (10,), "e2e (stage)": (5,), "server (stage)": (6,)}

    def test_what_a_framework_calls_its_version(self) -> None:
        reports = [reported(framework_version=version) for version in ("0.5.23", "0.5.23", 7)]
        assert cell_of(a_launch(reports=reports)).framework_version == "0.5.23"
        assert cell_of(a_launch()).framework_version == ""

    def test_a_launch_that_failed_beside_others(self) -> None:
        cell = cell_of(a_launch(total=10), a_launch(failure="timed out: request 1"))
        assert samples(cell)["e2e"] == (10,)
        assert [one.kind for one in cell.failures] == [FailureKind.TIMEOUT]

    def test_one_that_was_never_reached_is_no_cell(self) -> None:
        assert cells_of(Contest(entries=(ENTRY,)), {}, {}) == ()


class TestFailures:
    def test_a_kind_that_the_launch_names(self) -> None:
        failure = failure_of(a_launch(failure="never healthy: /health said 503 for 1200 s"))
        assert failure is not None
        assert (failure.kind, failure.text) == (
            FailureKind.UNHEALTHY,
            "/health said 503 for 1200 s",
        )

    def test_a_process_that_only_died__its_last_line_says_why(self) -> None:
        log = "loading\ntorch.OutOfMemoryError: CUDA out of memory. Tried 20 GiB\n\n"
        failure = failure_of(a_launch(failure="the benchmark exited with 1", log_tail=log))
        assert failure is not None
        assert failure.kind is FailureKind.MEMORY
        assert failure.text.startswith("the benchmark exited with 1: torch.OutOfMemoryError")

    def test_an_unfit_device(self) -> None:
        hot = a_launch().model_copy(update={"conditions": Conditions(unfit=("throttled: GPU 0",))})
        failure = failure_of(hot)
        assert failure is not None
        assert (failure.kind, failure.text) == (FailureKind.UNFIT, "throttled: GPU 0")
        assert cell_of(hot).metrics == ()

    def test_a_long_text_is_one_line_that_a_table_can_hold(self) -> None:
        failure = failure_of(a_launch(failure="crashed: " + "no\nnewline " * 1000))
        assert failure is not None
        assert len(failure.text) == 1000
        assert "\n" not in failure.text

    def test_a_good_launch_has_none(self) -> None:
        assert failure_of(a_launch()) is None
