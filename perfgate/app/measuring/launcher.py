"""Binds a job's cases and sides to the backends: what the measuring loop calls for each launch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from perfgate.app.measuring.accuracy import score
from perfgate.app.measuring.residents import Residents
from perfgate.app.measuring.rig import Rig
from perfgate.records import Accuracy, Launch, Side
from perfgate.sides.checkout import Checkout
from perfgate.suite import Case


@dataclass(kw_only=True)
class SideLauncher:
    """Launches a case on a side; a job without base has head alone.

    Measure within :meth:`servers`, which ends what stays resident.
    """

    cases: Mapping[str, Case]
    sides: Mapping[Side, Checkout]
    rig: Rig
    _launched: set[tuple[str, Side]] = field(default_factory=set)
    _residents: Residents = field(init=False)

    def __post_init__(self) -> None:
        edges, held = self.rig.edges, self.rig.held
        self._residents = Residents(
            start=edges.start, scratch=edges.scratch, free_mb=held.free_memory_mb
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
        """As :meth:`Rig.launch`; servers of another case make way first."""
        case, checkout = self.cases[case_id], self.sides[side]
        if self._residents.case_id not in ("", case_id):
            self._end_servers()
        done = self.rig.launch(
            case,
            self.rig.context(
                case,
                path=checkout.path,
                own=checkout.environment(case.backend),
                count_flops=self._is_first(case_id, side),
            ),
            side=side,
            pair=pair,
            order=order,
            timeout_s=timeout_s,
            serve=self._residents.launch if case.resident else None,
        )
        if done.ok and done.server == order:
            self.rig.held.adopt()
        return done

    def _end_servers(self) -> None:
        self._residents.end()
        self.rig.held.adopted.clear()

    def score(self, case: Case) -> Accuracy | None:
        """The score of what head's last launch left, on the held devices, outside of all timing."""
        head, edges = self.sides[Side.HEAD], self.rig.edges
        context = self.rig.context(case, path=head.path, own=head.environment())
        return score(
            case,
            replace(head, env=context.env),
            run=edges.run,
            scratch=edges.scratch,
            timeout_s=case.timeout.request,
        )

    def _is_first(self, case_id: str, side: Side) -> bool:
        """Whether it counts what it executes: once a job and side is enough."""
        first = (case_id, side) not in self._launched
        self._launched.add((case_id, side))
        return first
