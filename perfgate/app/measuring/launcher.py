"""Binds a job's cases and sides to the backends: what the measuring loop calls for each launch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from perfgate.app.measuring.accuracy import score
from perfgate.app.measuring.edges import Edges
from perfgate.app.measuring.machine import Held
from perfgate.app.measuring.residents import Residents
from perfgate.backends.backend import SideContext
from perfgate.backends.launch import LaunchPlace, launch
from perfgate.backends.registry import BACKENDS
from perfgate.records import Accuracy, Launch, Side
from perfgate.sides.checkout import Checkout
from perfgate.suite import Case
from perfgate.workloads.tracing import TRACE_VARIABLE

COUNT_FLOPS = "PERFGATE_COUNT_FLOPS"
"""Asks the first launch of each side to count what it executes: once a job is enough."""


@dataclass(kw_only=True)
class SideLauncher:
    """Launches a case on a side and on the held devices; a job without base has head alone.

    Measure within :meth:`servers`, which ends what stays resident.
    """

    cases: Mapping[str, Case]
    sides: Mapping[Side, Checkout]
    edges: Edges
    held: Held
    _launched: set[tuple[str, Side]] = field(default_factory=set)
    _residents: Residents = field(init=False)

    def __post_init__(self) -> None:
        self._residents = Residents(
            start=self.edges.start, scratch=self.edges.scratch, free_mb=self.held.free_memory_mb
        )

    @contextmanager
    def servers(self) -> Iterator[None]:
        """Let servers stay loaded while the block runs, however it ends."""
        try:
            yield
        finally:
            self._end_servers()

    def __call__(
        self, case_id: str, side: Side, *, pair: int | None, order: int, timeout_s: float
    ) -> Launch:
        """Wait until the devices are free, launch, and keep what they were doing meanwhile.

        Servers of another case make way first. Raises DeviceError when other processes stay on the
        devices.
        """
        case, checkout = self.cases[case_id], self.sides[side]
        context = SideContext(
            path=checkout.path,
            python=checkout.environment(case.backend).python,
            env=self._environment(case, side),
            device=self.held.machine.kind,
        )
        if self._residents.case_id not in ("", case_id):
            self._end_servers()
        self.held.wait_until_alone()
        with self.held.sampler() as sampler:
            place = LaunchPlace(
                side=side,
                pair=pair,
                order=order,
                started_at=self.edges.now(),
                timeout_s=timeout_s,
            )
            done = self._launch(case, context, place)
        if done.ok and done.server == order:
            self.held.adopt()
        return done.model_copy(update={"conditions": sampler.conditions()})

    def _launch(self, case: Case, context: SideContext, place: LaunchPlace) -> Launch:
        backend = BACKENDS[case.backend]
        if case.resident:
            return self._residents.launch(case, backend=backend, context=context, place=place)
        return launch(
            case,
            backend=backend,
            context=context,
            place=place,
            scratch=self.edges.scratch,
            run=self.edges.run,
        )

    def _end_servers(self) -> None:
        self._residents.end()
        self.held.adopted.clear()

    def score(self, case: Case) -> Accuracy | None:
        """The score of what head's last launch left, on the held devices, outside of all timing."""
        head = self.sides[Side.HEAD]
        return score(
            case,
            replace(head, env={**head.env, **self.held.environment(case.devices)}),
            run=self.edges.run,
            scratch=self.edges.scratch,
            timeout_s=case.timeout.request,
        )

    def _environment(self, case: Case, side: Side) -> dict[str, str]:
        own = self.sides[side].environment(case.backend)
        env = {**own.env, **self.held.environment(case.devices)}
        # An enclosing job may ask for either in this process's own environment.
        env.pop(COUNT_FLOPS, None)
        env.pop(TRACE_VARIABLE, None)
        if (case.id, side) not in self._launched:
            self._launched.add((case.id, side))
            env[COUNT_FLOPS] = "1"
        return env
