"""Calibration: what equal sides say of a machine, and the file that keeps it."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from perfgate.baselines.calibration import (
    Calibration,
    add_run,
    parse_calibration,
    render_calibration,
)
from perfgate.errors import BaselineError
from perfgate.records import CaseRecord, Conditions, Launch, Record
from perfgate.verdict.calibration import differences_of, noise_of, two_levels
from perfgate.verdict.decide import decide
from tests.factories import a_case_record, a_fingerprint, a_launch, a_record

SEEDS = range(100)


def equal_sides(
    rng: np.random.Generator, *, noise: float = 0.01, pairs: int = 20, **what: str
) -> CaseRecord:
    base, head = (list(1000 * np.exp(rng.normal(0, noise, pairs))) for _ in "ab")
    return a_case_record(base=base, head=head, **what)


class TestNoise:
    def test_spreads_and_the_smallest_slowdown(self) -> None:
        noise = noise_of(equal_sides(np.random.default_rng(1), pairs=2000))[0]
        assert noise.name == "end-to-end"
        assert noise.launch_spread == pytest.approx(0.01, rel=0.05)
        assert noise.pair_spread == pytest.approx(0.01 * math.sqrt(2), rel=0.05)
        assert noise.decidable == pytest.approx(1.1 * 1.05 * 0.01 * math.sqrt(2), rel=0.1)

    def test_a_noisier_machine_decides_less(self) -> None:
        rng = np.random.default_rng(1)
        quiet, loud = (noise_of(equal_sides(rng, noise=noise))[0] for noise in (0.002, 0.05))
        assert quiet.decidable is not None
        assert loud.decidable is not None
        assert quiet.decidable < 0.01
        assert loud.decidable > 0.03

    def test_few_pairs_decide_nothing(self) -> None:
        noise = noise_of(equal_sides(np.random.default_rng(1), pairs=4))[0]
        assert (noise.decidable, noise.drift, noise.levels) == (None, None, ())
        assert noise.pair_spread is not None

    def test_constant_times(self) -> None:
        noise = noise_of(a_case_record(base=[1000] * 12, head=[1000] * 12))[0]
        assert (noise.launch_spread, noise.pair_spread, noise.levels) == (0.0, 0.0, ())
        assert noise.decidable == pytest.approx(math.expm1(1.1 * 0.0015))

    def test_drift_over_the_run(self) -> None:
        rng = np.random.default_rng(3)
        slower = 1000 * np.exp(np.linspace(0, 0.03, 40) + rng.normal(0, 0.003, 40))
        launches = [
            a_launch("head" if index % 4 in (1, 2) else "base", index // 2, time, order=index)
            for index, time in enumerate(slower)
        ]
        drift = noise_of(
            a_case_record(base=(), head=()).model_copy(update={"launches": tuple(launches)})
        )[0].drift
        assert drift is not None
        assert drift.low < 0.03 < drift.high
        assert drift.low > 0.02

    def test_no_drift_is_told_as_an_interval_around_nothing(self) -> None:
        found = [noise_of(equal_sides(np.random.default_rng(seed)))[0].drift for seed in SEEDS]
        covered = [one is not None and one.low <= 0.0 <= one.high for one in found]
        assert sum(covered) >= 0.9 * len(covered)

    def test_what_ran_on_an_unfit_device_is_left_out(self) -> None:
        case = a_case_record(base=[1000] * 3, head=[1000, 5000, 1000])
        unfit = Conditions(unfit=("hardware slowdown: on device 0",))

        def marked(launch: Launch) -> Launch:
            return launch.model_copy(update={"conditions": unfit if launch.pair == 1 else None})

        marked_case = case.model_copy(update={"launches": tuple(map(marked, case.launches))})
        assert differences_of(marked_case) == (0.0, 0.0)

    def test_a_pair_with_a_failed_launch_is_no_pair(self) -> None:
        assert differences_of(a_case_record(base=[1000, 1000], head=[1000, "died"])) == (0.0,)


class TestLevels:
    def test_clocks_that_jump_are_found(self) -> None:
        rng = np.random.default_rng(5)
        hits = 0
        for _ in SEEDS:
            level = np.where(rng.random(40) < 0.4, math.log(1060), math.log(1000))
            hits += len(two_levels(level + rng.normal(0, 0.01, 40))) == 2
        assert hits >= 0.95 * len(SEEDS)

    def test_both_levels_are_told(self) -> None:
        low, high = two_levels(np.log([1000, 1001, 999, 1002, 1000, 1100, 1101, 1099, 1100, 1102]))
        assert (low, high) == (pytest.approx(1000.4, abs=1), pytest.approx(1100.4, abs=1))

    @pytest.mark.parametrize(
        ("family", "most"), [("normal", 0.02), ("laplace", 0.02), ("uniform", 0.08)]
    )
    def test_one_mode_is_hardly_ever_taken_for_two(self, family: str, most: float) -> None:
        rng = np.random.default_rng(6)
        draws = {
            "normal": lambda: rng.normal(0, 0.01, 40),
            "laplace": lambda: rng.laplace(0, 0.01, 40),
            "uniform": lambda: rng.uniform(-0.02, 0.02, 40),
        }
        wrong = sum(bool(two_levels(draws[family]())) for _ in SEEDS)
        assert wrong <= most * len(SEEDS)

    def test_one_outlier_is_no_level(self) -> None:
        assert two_levels(np.log([1000.0 + n % 3 for n in range(39)] + [2000.0])) == ()


class TestFile:
    def record(self, seed: int = 1, *, pairs: int = 20, **what: object) -> Record:
        case = equal_sides(np.random.default_rng(seed), pairs=pairs, id="wan")
        return a_record([case], **{"created_at": f"2026-01-0{seed}T00:00:00+00:00", **what})

    def test_it_survives_its_bytes_and_they_are_always_the_same(self) -> None:
        found = add_run(None, self.record())
        text = render_calibration(found)
        assert parse_calibration(text, source="x", hardware_key="cpu-test-x2") == found
        assert render_calibration(add_run(None, self.record())) == text
        assert [line for line in text.splitlines() if '"wan"' in line] == [text.splitlines()[5]]

    def test_runs_add_up_and_the_newest_200_stay(self) -> None:
        found = None
        for seed in range(1, 7):
            found = add_run(found, self.record(seed, pairs=45))
        assert found is not None
        (case,) = found.cases
        assert len(case.differences) == 200
        newest = differences_of(self.record(6, pairs=45).cases[0])
        assert case.differences[-45:] == pytest.approx(newest, abs=1e-7)
        assert [run.date[:10] for run in case.runs] == [f"2026-01-0{n}" for n in range(2, 7)]
        assert len(case.runs[0].differences) == 20, "the oldest run that is kept is cut"

    @pytest.mark.parametrize("other", ["workload", "machine"])
    def test_of_another_workload_or_machine_nothing_stays(self, other: str) -> None:
        first = add_run(None, self.record(1))
        second = self.record(2)
        if other == "machine":
            second = second.model_copy(update={"fingerprint": a_fingerprint(torch="3.0")})
        else:
            case = second.cases[0].model_copy(update={"workload_hash": "f" * 16})
            second = second.model_copy(update={"cases": (case,)})
        (case_kept,) = add_run(first, second).cases
        assert [run.date[:10] for run in case_kept.runs] == ["2026-01-02"]

    def test_cases_that_were_not_measured_stay(self) -> None:
        first = add_run(None, self.record(1))
        other = a_record([equal_sides(np.random.default_rng(2), id="flux")])
        assert [case.case for case in add_run(first, other).cases] == ["flux", "wan"]
        nothing = a_record([a_case_record("wan", base=[1000], head=["died"])])
        assert add_run(first, nothing) == first

    @pytest.mark.parametrize(
        ("asked", "why"),
        [
            ({"workload_hash": "f" * 16}, "it is of another workload"),
            ({"must_match": {"torch": "3.0"}}, "it is of another machine (torch)"),
            ({"must_match": {}}, "it is of another machine (torch)"),
        ],
    )
    def test_why_a_history_is_not_used(self, asked: dict[str, object], why: str) -> None:
        record = self.record()
        found = add_run(None, record)
        right = {
            "workload_hash": record.cases[0].workload_hash,
            "must_match": record.fingerprint.must_match,
        }
        differences, nothing = found.history("wan", **right)  # type: ignore[arg-type]
        assert (len(differences), nothing) == (20, "")
        assert found.history("wan", **{**right, **asked}) == ((), why)  # type: ignore[arg-type]
        assert found.history("flux", **right) == ((), "")  # type: ignore[arg-type]

    def test_few_pairs_are_no_history(self) -> None:
        record = self.record(pairs=4)
        found = add_run(None, record).history(
            "wan",
            workload_hash=record.cases[0].workload_hash,
            must_match=record.fingerprint.must_match,
        )
        assert found == ((), "it holds 4 pairs, and 10 are the fewest")

    @pytest.mark.parametrize(
        ("change", "told"),
        [
            ({"version": 2}, "version"),
            ({"hardware_key": "cpu-other"}, "hardware_key says 'cpu-other'"),
            ({"differences": [0.1] * 201}, "differences"),
            ({"differences": [99]}, "differences"),
            ({"differences": ["NaN"]}, "differences"),
            ({"differences": []}, "differences"),
        ],
    )
    def test_a_file_that_cannot_be_trusted(self, change: dict[str, object], told: str) -> None:
        data = json.loads(render_calibration(add_run(None, self.record())))
        if "differences" in change:
            data["cases"][0]["runs"][0].update(change)
        else:
            data.update(change)
        with pytest.raises(BaselineError, match=r"x\.json") as refusal:
            parse_calibration(json.dumps(data), source="x.json", hardware_key="cpu-test-x2")
        assert told in refusal.value.problem
        assert "perfgate calibrate" in refusal.value.fix or told.startswith("hardware_key")

    def test_what_is_too_much_or_twice_is_refused(self) -> None:
        data = json.loads(render_calibration(add_run(None, self.record())))
        run = data["cases"][0]["runs"][0]
        many = {**data, "cases": [{**data["cases"][0], "runs": [run] * 11}]}
        twice = {**data, "cases": data["cases"] * 2}
        for damaged, told in ((many, "more than 200"), (twice, "'wan' stands twice")):
            with pytest.raises(BaselineError, match=told):
                parse_calibration(json.dumps(damaged), source="x", hardware_key="cpu-test-x2")

    def test_a_record_with_its_history_decides_alone(self) -> None:
        case = a_case_record("wan", base=[1000] * 2, head=[1000] * 2)
        history = Calibration.model_validate(add_run(None, self.record()).model_dump()).cases[0]
        judged = case.model_copy(update={"history": history.differences})
        assert decide(a_record([case])).cases[0].verdict == "inconclusive"
        assert decide(a_record([judged])).cases[0].verdict == "passed"
