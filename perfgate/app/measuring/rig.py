"""The rig of every launch: the devices that a job holds, and what a process is told of them.

What an enclosing job asks its own launches to do besides (count, trace) never reaches these.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from perfgate.app.measuring.edges import Edges
from perfgate.app.measuring.machine import Held
from perfgate.backends.backend import Backend, SideContext
from perfgate.backends.launch import LaunchPlace, launch
from perfgate.backends.registry import BACKENDS
from perfgate.records import Launch, Side
from perfgate.sides.checkout import Environment
from perfgate.suite import Case
from perfgate.workloads.tracing import TRACE_VARIABLE

COUNT_FLOPS = "PERFGATE_COUNT_FLOPS"
"""Asks a launch to count what it executes, after what it measures."""


class Serve(Protocol):
    """How a launch comes about: by a process of its own, or by one that stays."""

    def __call__(
        self, case: Case, *, backend: Backend, context: SideContext, place: LaunchPlace
    ) -> Launch: ...


@dataclass(frozen=True, kw_only=True)
class Rig:
    """Launches on the held devices, one at a time."""

    edges: Edges
    held: Held

    def context(
        self, case: Case, *, path: Path, own: Environment, count_flops: bool = False
    ) -> SideContext:
        """Where a case runs and what its processes see: ``own``, and the devices that are held."""
        env = {**own.env, **self.held.environment(case.devices)}
        env.pop(COUNT_FLOPS, None)
        env.pop(TRACE_VARIABLE, None)
        if count_flops:
            env[COUNT_FLOPS] = "1"
        return SideContext(path=path, python=own.python, env=env, device=self.held.machine.kind)

    def launch(
        self,
        case: Case,
        context: SideContext,
        *,
        side: Side,
        pair: int | None,
        order: int,
        timeout_s: float,
        serve: Serve | None = None,
    ) -> Launch:
        """Wait until the devices are free, launch, and keep what they were doing meanwhile.

        Without ``serve`` a fresh process runs. Raises DeviceError when other processes stay on the
        devices, ConfigurationError where what ran is not what was to be measured.
        """
        self.held.wait_until_alone()
        with self.held.sampler() as sampler:
            place = LaunchPlace(
                side=side,
                pair=pair,
                order=order,
                started_at=self.edges.now(),
                timeout_s=timeout_s,
            )
            done = (serve or self.fresh)(
                case, backend=BACKENDS[case.backend], context=context, place=place
            )
        return done.model_copy(update={"conditions": sampler.conditions()})

    def fresh(
        self, case: Case, *, backend: Backend, context: SideContext, place: LaunchPlace
    ) -> Launch:
        """One process that starts, measures and ends."""
        return launch(
            case,
            backend=backend,
            context=context,
            place=place,
            scratch=self.edges.scratch,
            run=self.edges.run,
        )
