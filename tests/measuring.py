"""A bench of made-up launches for the measuring loop: no process runs."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Literal

from perfgate.app.measuring.measure import Known, Measured, measure
from perfgate.app.measuring.progress import SoFar
from perfgate.app.measuring.selection import Chosen
from perfgate.errors import DeviceError
from perfgate.records import (
    Conditions,
    GatePolicy,
    Launch,
    Origin,
    Record,
    Side,
)
from perfgate.suite import Case
from perfgate.verdict.baseline import StoredJob, StoredJobs
from perfgate.verdict.metrics import launch_metrics
from tests.factories import a_fingerprint, a_launch, a_record


def a_case(case_id: str, origin: Origin = Origin.JUDGED) -> Chosen:
    return Chosen(case=Case(id=case_id, backend="command", command="true"), origin=origin)


class Bench:
    """Launches that take 1000 ms, more or less, times what ``slowdowns`` says for head.

    What a launch takes depends on its case, side and pair alone, not on when it is launched.
    """

    def __init__(
        self,
        *,
        noise: float | Mapping[str, float] = 0.003,
        duration_s: float | Mapping[str, float] = 6.0,
        seed: int = 1,
        **slowdowns: float,
    ) -> None:
        self.calls: list[str] = []
        self.fails: Callable[[str, Side, int | None], str | None] = lambda *_: None
        self.unfit: Callable[[str, Side, int | None], str | None] = lambda *_: None
        self.timeouts_s: list[float] = []
        self._seed = seed
        self._noise, self._duration_s, self._slowdowns = noise, duration_s, slowdowns

    def __call__(
        self, case_id: str, side: Side, *, pair: int | None, order: int, timeout_s: float
    ) -> Launch:
        self.calls.append(f"{case_id} {side.value} {'burn-in' if pair is None else pair}")
        self.timeouts_s.append(timeout_s)
        chance = random.Random(f"{self._seed} {case_id} {side} {pair}")
        slower = 1 + (self._slowdowns.get(case_id, 0.0) if side is Side.HEAD else 0.0)
        unfit = self.unfit(case_id, side, pair)
        if unfit is not None:
            # What a throttled device measures must not matter, however slow or fast it is.
            slower *= chance.choice([0.01, 100.0])
        launch = a_launch(
            side.value,
            pair,
            1000 * slower * chance.lognormvariate(0, of(self._noise, case_id)),
            order=order,
            duration_s=min(of(self._duration_s, case_id), timeout_s),
            failure=self.fails(case_id, side, pair),
        )
        return launch.model_copy(
            update={"conditions": Conditions(samples=7, unfit=(unfit,) if unfit else ())}
        )


def of(what: float | Mapping[str, float], case_id: str) -> float:
    return what if isinstance(what, float | int) else what[case_id]


class Silent:
    """Nobody listens."""

    def note(self, text: str) -> None: ...
    def launch_started(self, case_id: str, side: Side, pair: int | None) -> None: ...
    def launch_ended(self, case_id: str, launch: Launch, *, left_s: float | None) -> None: ...
    def so_far(self, case_id: str, seen: SoFar) -> None: ...
    def repeat_started(self, cell: str, repeat: int) -> None: ...
    def repeat_ended(self, cell: str, launch: Launch, *, left_s: float | None) -> None: ...


def measured(
    bench: Bench,
    *chosen: Chosen,
    strategy: Literal["paired", "baseline", "auto"] = "paired",
    stored: Mapping[str, StoredJobs] | None = None,
    histories: Mapping[str, tuple[float, ...]] | None = None,
    refused: Mapping[str, str] | None = None,
    earlier: Measured | None = None,
    finish: bool = False,
    permitted: Mapping[str, frozenset[str]] | None = None,
    budget_min: float = 60,
) -> Measured:
    return measure(
        chosen,
        policy=GatePolicy(strategy=strategy, budget_min=budget_min),
        fingerprint=a_fingerprint(),
        known=Known(
            stored=stored or {},
            histories=histories or {},
            refused=refused or {},
            earlier={case.id: case for case in earlier.cases} if earlier else {},
            permitted=permitted or {},
        ),
        finish=finish,
        launcher=bench,
        progress=Silent(),
    )


def stopped(result: Measured) -> dict[str, str | None]:
    return {case.id: case.stopped for case in result.cases}


def ten_jobs(chosen: Chosen) -> StoredJobs:
    """Ten jobs of 1000 ms on this machine, 0.3 % apart."""
    noise = random.Random(2)

    def job() -> StoredJob:
        two = [launch_metrics(a_launch(total=1000 * noise.lognormvariate(0, 0.003))) for _ in "ab"]
        return StoredJob(burn_in=two[0], launches=(two[1],))

    return StoredJobs(
        workload_hash=chosen.case.workload_hash(),
        must_match=a_fingerprint().must_match,
        jobs=tuple(job() for _ in range(10)),
    )


def lost_device(after: int) -> Callable[[str, Side, int | None], str | None]:
    """A bench whose device is taken by somebody else after some launches."""
    left = iter(range(after))

    def fails(case_id: str, side: Side, pair: int | None) -> None:
        if next(left, None) is None:
            raise DeviceError("waited 60 s for pid 4711", fix="End it.")

    return fails


def recorded(result: Measured, **policy: object) -> Record:
    return a_record(result.cases, fingerprint=a_fingerprint(), **policy)
