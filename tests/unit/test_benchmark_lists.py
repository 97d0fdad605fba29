"""What github-action-benchmark is fed, read as the report of a launch."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfgate.backends.reports import ReportError, parse_reports
from perfgate.records import Report


def a_figure(
    name: str = "decode", value: Any = 40, unit: str = "ms", **more: Any
) -> dict[str, Any]:
    return {"name": name, "value": value, "unit": unit, **more}


def report_of(document: object) -> Report:
    (report,) = parse_reports(json.dumps(document))
    return report


def refused(document: object) -> str:
    with pytest.raises(ReportError) as caught:
        parse_reports(json.dumps(document))
    return str(caught.value)


def test_list__one_stage_a_benchmark_and_their_sum() -> None:
    report = report_of([a_figure("encode", 1.5, "s", range="± 3"), a_figure("decode", 40, "ms")])
    assert [(stage.name, stage.duration_ms) for stage in report.stages] == [
        ("encode", 1500.0),
        ("decode", 40.0),
    ]
    assert report.total_duration_ms == 1540.0


@pytest.mark.parametrize(
    ("value", "unit", "ms"),
    [
        (2_000_000, "ns/iter", 2.0),
        (3, "us", 0.003),
        (3, "µs/op", 0.003),
        (1.5, "milliseconds", 1.5),
        ("2.5", "Seconds", 2500.0),
        (2, "s / image", 2000.0),
        (0.5, "min", 30_000.0),
        (4, "iter/sec", 250.0),
        (1_000, "ops/sec", 1.0),
    ],
)
def test_list__units_of_time(value: Any, unit: str, ms: float) -> None:
    assert report_of([a_figure(value=value, unit=unit)]).total_duration_ms == pytest.approx(ms)


@pytest.mark.parametrize("unit", ["MiB", "MiB/s", "Percent", "req/s", "tick time (ms)", "", "m"])
def test_list__what_is_no_time_is_refused_by_name(unit: str) -> None:
    told = refused([a_figure(), a_figure("weights", 12, unit)])
    assert f"'weights' in {unit!r}, which is no time" in told


def test_list__a_rate_of_nothing_is_no_time() -> None:
    assert "is no time" in refused([a_figure(value=0, unit="iter/sec")])


@pytest.mark.parametrize(("value", "unit"), [(1e300, "ms"), (1e308, "min"), (5e-324, "iter/sec")])
def test_list__what_lasts_longer_than_anything_is_refused(value: float, unit: str) -> None:
    assert "is no time" in refused([a_figure("a", value, unit), a_figure("b", value, unit)])


def test_list__as_many_as_a_report_can_hold() -> None:
    names = [f"n{number}" for number in range(200_000)]
    listed = [a_figure(name, 1) for name in names]
    assert refused([*listed, a_figure("n7", 1)]) == "the report names 'n7' twice"


@pytest.mark.parametrize("value", [-1, "fast", None, [], {}])
def test_list__impossible_values_are_refused_with_their_place(value: Any) -> None:
    assert "the report has at item 1 value: " in refused([a_figure("a"), a_figure("b", value)])


def test_list__a_name_twice_is_refused() -> None:
    assert refused([a_figure("a"), a_figure("a")]) == "the report names 'a' twice"


def test_list__of_nothing_but_zeros_is_no_measurement() -> None:
    assert "more than no time" in refused([a_figure(value=0)])


def test_list__of_dumps_is_still_one_a_request() -> None:
    dump = {"total_duration_ms": 5.0, "steps": [{"name": "A", "duration_ms": 5.0}]}
    assert len(parse_reports(json.dumps([dump, dump]))) == 2


def a_pytest_file(*benchmarks: Any) -> dict[str, Any]:
    return {"machine_info": {"node": "host"}, "version": "5.1.0", "benchmarks": list(benchmarks)}


def test_pytest__the_median_of_each_benchmark() -> None:
    stats = {"min": 0.01, "max": 9.0, "mean": 0.05, "median": 0.02, "ops": 20.0}
    report = report_of(
        a_pytest_file(
            {"fullname": "benches/test_a.py::test_load", "stats": stats},
            {"fullname": "benches/test_a.py::test_save", "stats": {"median": 0.3}},
        )
    )
    assert [(stage.name, stage.duration_ms) for stage in report.stages] == [
        ("benches/test_a.py::test_load", 20.0),
        ("benches/test_a.py::test_save", 300.0),
    ]
    assert report.total_duration_ms == 320.0


@pytest.mark.parametrize(
    ("document", "told"),
    [
        (a_pytest_file(), "the report holds no benchmark: pytest ran none"),
        (a_pytest_file({"fullname": "a"}), "the report has at benchmarks[0] value: "),
        (a_pytest_file("a"), "the report has at benchmarks[0] name: "),
    ],
)
def test_pytest__what_is_no_measurement_is_refused(document: object, told: str) -> None:
    assert told in refused(document)


@given(
    st.lists(
        st.fixed_dictionaries(
            {"name": st.text(), "unit": st.text(), "value": st.none() | st.floats() | st.text()}
        )
    )
)
def test_any_list__is_a_report_or_refused(document: list[dict[str, Any]]) -> None:
    try:
        reports = parse_reports(json.dumps(document))
    except ReportError:
        return
    assert len(reports) == 1
