"""Binds a job's cases and sides to the backends: what the measuring loop calls for each launch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from perfgate.app.edges import Edges
from perfgate.backends.backend import SideContext
from perfgate.backends.launch import LaunchPlace, launch
from perfgate.backends.registry import BACKENDS
from perfgate.records import Launch, Side
from perfgate.sides.checkout import Checkout
from perfgate.suite import Case


@dataclass(frozen=True, kw_only=True)
class SideLauncher:
    """Launches a case on a side; a job without base has head alone."""

    cases: Mapping[str, Case]
    sides: Mapping[Side, Checkout]
    edges: Edges

    def __call__(
        self, case_id: str, side: Side, *, pair: int | None, order: int, timeout_s: float
    ) -> Launch:
        case, checkout = self.cases[case_id], self.sides[side]
        return launch(
            case,
            backend=BACKENDS[case.backend],
            context=SideContext(path=checkout.path, python=checkout.python, env=checkout.env),
            place=LaunchPlace(
                side=side,
                pair=pair,
                order=order,
                started_at=self.edges.now(),
                timeout_s=timeout_s,
            ),
            scratch=self.edges.scratch,
            run=self.edges.run,
        )
