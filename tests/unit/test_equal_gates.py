"""Error rates of resident servers: how gates of equal sides are run, counted, kept, asked for."""

from __future__ import annotations

import contextlib
import json
import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from perfgate.app.equal_gates import Bench, run_equal_gates
from perfgate.app.known import KnownNoise, known_noise
from perfgate.app.measuring.measure import Measured
from perfgate.app.measuring.progress import SoFar
from perfgate.app.measuring.selection import Chosen
from perfgate.baselines.calibration import (
    Calibration,
    add_run,
    parse_calibration,
    render_calibration,
)
from perfgate.errors import BaselineError, DeviceError
from perfgate.records import (
    CaseRecord,
    EqualGates,
    GatePolicy,
    Launch,
    Origin,
    Record,
    Side,
    Verdict,
)
from perfgate.report.conclusion import headline
from perfgate.report.sentences import next_step, told
from perfgate.suite import Case
from perfgate.verdict.calibration import differences_of
from perfgate.verdict.decide import decide
from perfgate.verdict.rates import blocked_between, rate_told, rule_of, why_refused
from tests.factories import a_case_record, a_fingerprint, a_launch, a_record

POLICY = GatePolicy(strategy="paired")
WAN = Case(id="wan", backend="command", command="x", launch="resident", restart_every=2)
FLUX = Case(id="flux", backend="command", command="x")


def gates(blocked: int = 0, of: int = 20, undecided: int = 0, **policy: Any) -> EqualGates:
    return EqualGates(
        restart_every=2,
        gates=of,
        blocked=blocked,
        passed=of - blocked - undecided,
        undecided=undecided,
        rule=rule_of(POLICY.model_copy(update=policy)),
    )


class TestRate:
    @pytest.mark.parametrize(
        ("blocked", "of", "low", "high"),
        [(0, 20, 0.0, 0.1684), (1, 20, 0.0013, 0.2487), (20, 20, 0.8316, 1.0), (1, 1, 0.025, 1.0)],
    )
    def test_the_exact_interval(self, blocked: int, of: int, low: float, high: float) -> None:
        assert blocked_between(gates(blocked, of)) == (
            pytest.approx(low, abs=5e-5),
            pytest.approx(high, abs=5e-5),
        )

    def test_told(self) -> None:
        told = "resident servers: 0 of 20 gates of equal sides were blocked (0 % to 17 %)"
        assert rate_told(gates()) == told
        assert "1 of 20 gates of equal sides was blocked" in rate_told(gates(1))

    @pytest.mark.parametrize(
        ("found", "why"),
        [
            (gates(), ""),
            (gates(1), ""),
            (gates(undecided=20), ""),
            (None, "known from 0 gates of equal sides, and 20 are needed"),
            (gates(of=19), "known from 19 gates of equal sides, and 20 are needed"),
            (gates(2), "2 of 20 gates of equal sides were blocked (1.2 % to 32 %), more than the"),
            (gates(margin=0.1), "another rule (margin)"),
            (gates(max_pairs=6, miss=0.1), "another rule (miss, max_pairs)"),
        ],
    )
    def test_where_it_permits_no_verdict(self, found: EqualGates | None, why: str) -> None:
        told = why_refused(found, POLICY)
        assert why in told
        assert bool(why) == bool(told)

    def test_what_does_not_add_up_is_refused(self) -> None:
        with pytest.raises(ValueError, match="do not add up"):
            EqualGates(restart_every=2, gates=20, blocked=0, passed=0, undecided=0)


class TestKept:
    def record(self, found: EqualGates | None, **case: Any) -> Record:
        made = a_case_record("wan", base=[1000] * 12, head=[1000] * 12, **case)
        return a_record([made.model_copy(update={"equal_gates": found})])

    def kept(self, *found: EqualGates | None) -> EqualGates | None:
        calibration = None
        for one in found:
            calibration = add_run(calibration, self.record(one))
        text = render_calibration(calibration)
        read = parse_calibration(text, source="x", hardware_key="cpu-test-x2")
        assert read == calibration
        return read.cases[0].equal_gates

    def test_gates_of_several_runs_add_up(self) -> None:
        assert self.kept(gates(1, 12, undecided=1), gates(0, 8)) == gates(1, 20, undecided=1)

    def test_pairs_alone_leave_them_as_they_were(self) -> None:
        assert self.kept(gates(), None) == gates()
        assert self.kept(None) is None

    def test_of_another_rule_nothing_stays(self) -> None:
        assert self.kept(gates(margin=0.1), gates(of=3)) == gates(of=3)

    def test_of_another_workload_nothing_stays(self) -> None:
        first = add_run(None, self.record(gates()))
        (case,) = add_run(first, self.record(None, workload_hash="f" * 16)).cases
        assert case.equal_gates is None

    def test_a_file_without_them_has_the_bytes_that_it_always_had(self) -> None:
        assert "equal_gates" not in render_calibration(add_run(None, self.record(None)))

    def test_a_count_that_was_edited_by_hand_is_refused(self) -> None:
        data = json.loads(render_calibration(add_run(None, self.record(gates(2)))))
        data["cases"][0]["equal_gates"]["blocked"] = 0
        with pytest.raises(BaselineError, match="do not add up"):
            parse_calibration(json.dumps(data), source="x", hardware_key="cpu-test-x2")


class TestAskedFor:
    """What a gate takes from the file that its base commit keeps."""

    def known(
        self,
        found: EqualGates | None,
        *,
        case: Case = WAN,
        origin: Origin = Origin.JUDGED,
        of: Case | None = None,
        policy: GatePolicy = POLICY,
    ) -> KnownNoise:
        made = a_case_record(
            case.id, base=[1000] * 12, head=[1000] * 12, workload_hash=(of or case).workload_hash()
        )
        record = a_record([made.model_copy(update={"equal_gates": found})])
        text = render_calibration(add_run(None, record))
        files = {"b/cpu-test-x2/calibration.json": text}
        return known_noise(files, [Chosen(case=case, origin=origin)], policy, a_fingerprint())

    def test_a_known_rate_is_carried_into_the_record(self) -> None:
        known = self.known(gates())
        assert (known.equal_gates, known.refused) == ({"wan": gates()}, {})
        assert len(known.histories["wan"]) == 12

    def test_none_is_a_refusal_that_says_what_to_do(self) -> None:
        (why,) = self.known(None).refused.values()
        assert why.startswith("resident servers may not judge here: their error rate is known from")
        assert "`perfgate calibrate --resident`" in why
        assert "`launch: fresh`" in why

    def test_without_any_file_it_is_refused_too(self) -> None:
        chosen = [Chosen(case=case, origin=Origin.JUDGED) for case in (WAN, FLUX)]
        assert list(known_noise({}, chosen, POLICY, a_fingerprint()).refused) == ["wan"]

    def test_that_of_another_workload_does_not_count(self) -> None:
        other = WAN.model_copy(update={"restart_every": 3})
        known = self.known(gates(), of=other)
        assert "known from 0 gates" in known.refused["wan"]
        assert known.notes == ["the calibration of wan is not used: it is of another workload"]

    @pytest.mark.parametrize(
        "what",
        [
            {"case": FLUX},
            {"origin": Origin.NEW},
            {"origin": Origin.WORKLOAD_CHANGED},
            {"policy": GatePolicy(strategy="baseline")},
        ],
        ids=["fresh", "new", "workload changed", "baseline"],
    )
    def test_where_no_pairs_of_servers_are_judged_nothing_is_refused(
        self, what: dict[str, Any]
    ) -> None:
        assert self.known(None, **what).refused == {}


class TestDecided:
    def resident(self, **more: Any) -> CaseRecord:
        case = a_case_record("wan", base=[1000] * 4, head=[1000] * 4)
        return case.model_copy(update={"workload": WAN.workload(), **more})

    def test_the_rate_is_told_with_every_verdict(self) -> None:
        decision = decide(a_record([self.resident(equal_gates=gates()), a_case_record("flux")]))
        assert decision.notes == (f"wan: {rate_told(gates())}",)

    def test_a_refused_case_is_failed_and_the_others_are_judged(self) -> None:
        refused = self.resident(refused="why", launches=(), equal_gates=gates(2))
        slower = a_case_record("flux", base=[1000] * 6, head=[1500] * 6)
        decision = decide(a_record([refused, a_case_record("sd")]))
        assert [case.verdict for case in decision.cases] == [Verdict.FAILED, Verdict.PASSED]
        assert (decision.exit_code, decision.cases[0].sentence, decision.notes) == (4, "why", ())
        assert headline(decision) == "🟠 perfgate: 1 of 2 cases was refused"
        assert str(told(decision.cases[0])) == "wan was refused: why"
        step = next_step(decision)
        assert step is not None
        assert step.command == "perfgate calibrate --resident"
        assert decide(a_record([refused, slower])).exit_code == 1

    def test_against_a_baseline_it_is_incomparable(self) -> None:
        case = self.resident(launches=())
        (decided,) = decide(a_record([case], strategy="baseline")).cases
        assert decided.verdict is Verdict.INCOMPARABLE
        assert "compared in pairs alone" in decided.sentence


class Silent:
    """Remembers notes, and the guess at the time left after each launch."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.left_s: list[float | None] = []

    def note(self, text: str) -> None:
        self.notes.append(text)

    def launch_started(self, case_id: str, side: Side, pair: int | None) -> None: ...

    def launch_ended(self, case_id: str, launch: Launch, *, left_s: float | None) -> None:
        self.left_s.append(left_s)

    def so_far(self, case_id: str, seen: SoFar) -> None: ...
    def repeat_started(self, cell: str, repeat: int) -> None: ...
    def repeat_ended(self, cell: str, launch: Launch, *, left_s: float | None) -> None: ...


class EqualSides:
    """Launches of equal sides, 0.3 % apart; ``slower`` says in which gates head is not equal."""

    def __init__(self, slower: Mapping[int, float] | None = None) -> None:
        self.gate = 0
        self.slower = slower or {}
        self.fails: Callable[[int], str | None] = lambda gate: None
        self.open = False
        self._chance = random.Random(1)

    @contextlib.contextmanager
    def servers(self) -> Iterator[None]:
        self.gate, self.open = self.gate + 1, True
        yield
        self.open = False

    def __call__(
        self, case_id: str, side: Side, *, pair: int | None, order: int, timeout_s: float
    ) -> Launch:
        assert self.open, "launched by servers that were ended"
        slower = 1 + self.slower.get(self.gate, 0.0) * (side is Side.HEAD)
        total = 1000 * slower * self._chance.lognormvariate(0, 0.003)
        made = a_launch(side.value, pair, total, order=order, failure=self.fails(self.gate))
        return made.model_copy(update={"server": 0 if side is Side.HEAD else 1})


def run(sides: EqualSides, *cases: Case, number: int = 6) -> tuple[Measured, Silent]:
    progress = Silent()

    def recorded(measured: Measured) -> Record:
        return a_record(measured.cases)

    bench = Bench(
        policy=POLICY,
        fingerprint=a_fingerprint(),
        launcher=sides,
        servers=sides.servers,
        recorded=recorded,
        progress=progress,
    )
    histories: dict[str, tuple[float, ...]] = {case.id: () for case in cases}
    return run_equal_gates(cases, bench, gates=number, histories=histories), progress


class TestRun:
    def test_gates_of_equal_sides_are_counted(self) -> None:
        measured, progress = run(EqualSides(), WAN)
        assert measured.cases[0].equal_gates == gates(of=6)
        assert progress.notes[-1].startswith("wan: gate 6 of 6 passed after ")
        assert progress.notes[-1].endswith("pairs; 0 blocked so far")

    def test_one_that_is_blocked_is_counted_and_ends_nothing(self) -> None:
        measured, _ = run(EqualSides({2: 0.5, 5: 0.5}), WAN)
        assert measured.cases[0].equal_gates == gates(2, 6)

    def test_later_gates_are_judged_with_what_earlier_ones_left(self) -> None:
        measured, progress = run(EqualSides(), WAN)
        pairs = [int(note.split("after ")[1].split()[0]) for note in progress.notes]
        assert pairs[0] > pairs[-1], "a stored history decides sooner"
        assert len(differences_of(measured.cases[0])) == sum(pairs)

    def test_launches_are_numbered_as_those_of_one_job(self) -> None:
        measured, _ = run(EqualSides(), WAN)
        launches = measured.cases[0].launches
        assert [launch.order for launch in launches] == list(range(len(launches)))
        pairs = [launch.pair for launch in launches if launch.pair is not None]
        assert sorted(set(pairs)) == list(range(len(pairs) // 2))
        assert len({launch.server for launch in launches}) == 12

    def test_cases_come_one_after_the_other(self) -> None:
        other = WAN.model_copy(update={"id": "sd"})
        measured, _ = run(EqualSides(), WAN, other, number=3)
        assert [case.equal_gates for case in measured.cases] == [gates(of=3), gates(of=3)]

    def test_the_time_left_is_that_of_every_gate_once_one_has_ended(self) -> None:
        measured, progress = run(EqualSides(), WAN, WAN.model_copy(update={"id": "sd"}), number=3)
        known = [left for left in progress.left_s if left is not None]
        first = progress.left_s.index(known[0])
        assert set(progress.left_s[:first]) == {None}
        assert None not in progress.left_s[first:]
        # Five gates were still ahead of the launch, its own included.
        (launch,) = {one.duration_s for one in measured.cases[0].launches}
        assert known[0] >= 4 * first * launch
        assert known[-1] <= first * launch
        assert max(known) == known[0]

    def test_a_launch_that_fails_ends_its_case_without_that_gate(self) -> None:
        sides = EqualSides()
        sides.fails = lambda gate: "exited with 1" if gate == 3 else None
        measured, _ = run(sides, WAN, WAN.model_copy(update={"id": "sd"}))
        assert [case.equal_gates for case in measured.cases] == [gates(of=2), gates(of=6)]
        assert measured.cases[0].stopped == "gate 3 of 6 was not decided"

    def test_a_signal_keeps_the_gates_before_it(self) -> None:
        def interrupt(gate: int) -> None:
            if gate == 3:
                raise KeyboardInterrupt("SIGTERM")

        sides = EqualSides()
        sides.fails = interrupt
        measured, _ = run(sides, WAN, WAN.model_copy(update={"id": "sd"}))
        assert measured.interrupted == "SIGTERM"
        assert [case.equal_gates for case in measured.cases] == [gates(of=2), None]

    def test_a_device_that_is_lost_keeps_the_gates_before_it(self) -> None:
        def lost(after: int) -> Callable[[int], None]:
            def fails(gate: int) -> None:
                if gate > after:
                    raise DeviceError("waited 60 s for pid 4711", fix="End it.")

            return fails

        sides = EqualSides()
        sides.fails = lost(2)
        measured, _ = run(sides, WAN)
        assert measured.cases[0].equal_gates == gates(of=2)
        assert measured.cases[0].stopped == "the device was taken: waited 60 s for pid 4711"
        sides = EqualSides()
        sides.fails = lost(6)
        measured, _ = run(sides, WAN, WAN.model_copy(update={"id": "sd"}))
        assert [case.equal_gates for case in measured.cases] == [gates(of=6), None]
        sides = EqualSides()
        sides.fails = lost(0)
        with pytest.raises(DeviceError):
            run(sides, WAN)

    def test_what_was_counted_permits_a_gate(self) -> None:
        measured, _ = run(EqualSides(), WAN, number=20)
        calibration: Calibration = add_run(None, a_record(measured.cases))
        assert why_refused(calibration.cases[0].equal_gates, POLICY) == ""
