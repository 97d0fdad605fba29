"""The measuring loop: who is launched when, and why it stops. No process runs here."""

from __future__ import annotations

import pytest

from perfgate.errors import DeviceError
from perfgate.records import (
    Origin,
    Side,
)
from perfgate.verdict.metrics import launch_metrics
from tests.factories import a_launch
from tests.measuring import (
    Bench,
    a_case,
    lost_device,
    measured,
    stopped,
    ten_jobs,
)


def test_order__a_burn_in_then_pairs_that_take_turns() -> None:
    bench = Bench()
    measured(bench, a_case("wan"))
    assert bench.calls[:7] == [
        "wan head burn-in",
        "wan base 0",
        "wan head 0",
        "wan head 1",
        "wan base 1",
        "wan base 2",
        "wan head 2",
    ]


def test_order__cases_take_turns_pair_by_pair() -> None:
    bench = Bench()
    measured(bench, a_case("wan"), a_case("flux"))
    assert bench.calls[:6] == [
        "wan head burn-in",
        "flux head burn-in",
        "wan base 0",
        "wan head 0",
        "flux base 0",
        "flux head 0",
    ]


def test_launches_stop_as_soon_as_a_case_is_decided() -> None:
    bench = Bench()
    result = measured(bench, a_case("wan"))
    assert 7 <= len(bench.calls) <= 15
    assert stopped(result) == {"wan": None}
    assert len(result.cases[0].launches) == len(bench.calls)


def test_a_slower_case_ends_the_suite() -> None:
    bench = Bench(noise=0.02, wan=0.6)
    result = measured(bench, a_case("wan"), a_case("flux"))
    assert stopped(result) == {
        "wan": None,
        "flux": "wan is slower already (--finish measures on)",
    }


def test_a_case_that_may_be_slower__does_not_end_the_suite() -> None:
    every = frozenset(launch_metrics(a_launch()))
    result = measured(
        Bench(noise=0.02, wan=0.6), a_case("wan"), a_case("flux"), permitted={"wan": every}
    )
    assert stopped(result) == {"wan": None, "flux": None}
    some = every - {"end-to-end"}
    result = measured(
        Bench(noise=0.02, wan=0.6), a_case("wan"), a_case("flux"), permitted={"wan": some}
    )
    assert stopped(result)["flux"] == "wan is slower already (--finish measures on)"


def test_finish__decides_every_case() -> None:
    bench = Bench(wan=0.2)
    result = measured(bench, a_case("wan"), a_case("flux"), finish=True)
    assert stopped(result) == {"wan": None, "flux": None}


def test_budget__no_pair_starts_that_could_not_end_within_it() -> None:
    bench = Bench(noise=0.1, duration_s=60)
    result = measured(bench, a_case("wan"), budget_min=6)
    assert bench.calls == [
        "wan head burn-in",
        "wan base 0",
        "wan head 0",
        "wan head 1",
        "wan base 1",
    ]
    assert stopped(result) == {"wan": "the budget of device minutes was spent"}


def test_budget__a_launch_of_unknown_length_gets_what_is_left() -> None:
    bench = Bench(duration_s=600)
    bench.fails = lambda *_: "the benchmark did not end within 60 s and was killed"
    result = measured(bench, a_case("wan"), a_case("flux"), budget_min=1)
    assert bench.timeouts_s == [60.0]
    assert stopped(result) == {
        "wan": "the budget of device minutes ended during a launch",
        "flux": "the budget of device minutes was spent",
    }
    assert result.cases[0].launches == ()


def test_a_launch_that_dies_ends_its_case_and_no_other() -> None:
    bench = Bench()
    bench.fails = lambda case, _side, pair: "exited with 1" if (case, pair) == ("wan", 0) else None
    result = measured(bench, a_case("wan"), a_case("flux"))
    assert [call for call in bench.calls if call.startswith("wan")] == [
        "wan head burn-in",
        "wan base 0",
    ]
    assert result.cases[0].launches[-1].failure == "exited with 1"
    assert len(result.cases[1].launches) >= 7


def test_a_burn_in_that_dies_is_kept_with_its_reason() -> None:
    bench = Bench()
    bench.fails = lambda *_: "exited with 1"
    result = measured(bench, a_case("wan"))
    assert [launch.failure for launch in result.cases[0].launches] == ["exited with 1"]


def test_new_cases_get_head_launches_only() -> None:
    bench = Bench()
    measured(bench, a_case("wan", Origin.NEW))
    assert bench.calls == ["wan head burn-in", "wan head 0", "wan head 1", "wan head 2"]


def test_a_changed_workload_is_not_launched() -> None:
    bench = Bench()
    result = measured(bench, a_case("wan", Origin.WORKLOAD_CHANGED))
    assert bench.calls == []
    assert result.cases[0].origin is Origin.WORKLOAD_CHANGED


def test_without_pairs_base_is_never_launched() -> None:
    bench = Bench()
    measured(bench, a_case("wan"), strategy="baseline")
    assert bench.calls == ["wan head burn-in", "wan head 0", "wan head 1", "wan head 2"]


def test_a_signal_keeps_what_was_measured() -> None:
    bench = Bench()

    def interrupt(_case: str, _side: Side, pair: int | None) -> None:
        if pair == 1:
            raise KeyboardInterrupt("SIGTERM")

    bench.fails = interrupt
    result = measured(bench, a_case("wan"))
    assert result.interrupted == "SIGTERM"
    assert len(result.cases[0].launches) == 3


def test_a_device_that_is_taken__keeps_what_was_measured_and_says_why() -> None:
    bench = Bench()
    bench.fails = lost_device(after=4)
    result = measured(bench, a_case("wan"), a_case("flux"))
    assert [len(case.launches) for case in result.cases] == [3, 1]
    assert set(stopped(result).values()) == {"the device was taken: waited 60 s for pid 4711"}


def test_a_device_that_is_taken__before_anything_was_measured_ends_the_job() -> None:
    bench = Bench()
    bench.fails = lost_device(after=0)
    with pytest.raises(DeviceError, match="waited 60 s"):
        measured(bench, a_case("wan"))


def test_auto__the_screen_passes_a_case_on_two_launches() -> None:
    bench, wan = Bench(), a_case("wan")
    measured(bench, wan, strategy="auto", stored={"wan": ten_jobs(wan)})
    assert bench.calls == ["wan head burn-in", "wan head 0"]


def test_auto__what_the_screen_does_not_pass_goes_to_pairs_with_its_launch() -> None:
    bench, wan = Bench(wan=0.1), a_case("wan")
    measured(bench, wan, strategy="auto", stored={"wan": ten_jobs(wan)})
    assert bench.calls[:5] == [
        "wan head burn-in",
        "wan head 0",
        "wan base 0",
        "wan head 1",
        "wan base 1",
    ]


def test_auto__without_enough_stored_jobs_pairs_decide() -> None:
    bench = Bench()
    measured(bench, a_case("wan"), strategy="auto")
    assert bench.calls[:3] == ["wan head burn-in", "wan base 0", "wan head 0"]
