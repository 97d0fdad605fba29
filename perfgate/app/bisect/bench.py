"""Binds a case and the trees of commits to its backend: what the search calls for each launch."""

from __future__ import annotations

from dataclasses import dataclass

from perfgate.app.bisect.trees import Trees
from perfgate.app.measuring.edges import Edges
from perfgate.app.measuring.launcher import COUNT_FLOPS
from perfgate.app.measuring.machine import Held
from perfgate.backends.backend import SideContext
from perfgate.backends.launch import LaunchPlace, launch
from perfgate.backends.registry import BACKENDS
from perfgate.records import Launch, Side
from perfgate.suite import Case


@dataclass(frozen=True, kw_only=True)
class TreeBench:
    """Launches a case from the tree of any commit, on the held devices."""

    case: Case
    trees: Trees
    edges: Edges
    held: Held

    def prepare(self, commit: str) -> None:
        """Make the commit ready to launch.

        Raises BenchmarkError or ConfigurationError where that cannot be.
        """
        self.trees.checkout(commit)

    def launch(
        self, commit: str, side: Side, *, pair: int | None, order: int, timeout_s: float
    ) -> Launch:
        """Wait until the devices are free, launch, and keep what they were doing meanwhile.

        Raises DeviceError when other processes stay on the devices, ConfigurationError where the
        commit would not run its own code.
        """
        own = self.trees.checkout(commit).environment(self.case.backend)
        env = {**own.env, **self.held.environment(self.case.devices)}
        # An enclosing job may ask for it in this process's own environment.
        env.pop(COUNT_FLOPS, None)
        context = SideContext(
            path=self.trees.checkout(commit).path,
            python=own.python,
            env=env,
            device=self.held.machine.kind,
        )
        self.held.wait_until_alone()
        with self.held.sampler() as sampler:
            done = launch(
                self.case,
                backend=BACKENDS[self.case.backend],
                context=context,
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
        return done.model_copy(update={"conditions": sampler.conditions()})
