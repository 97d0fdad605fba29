"""Binds a contest's entries to backends, environments and the held devices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from perfgate.app.compete.contest import Entry
from perfgate.app.measuring.edges import Edges
from perfgate.app.measuring.launcher import COUNT_FLOPS
from perfgate.app.measuring.machine import Held
from perfgate.backends.backend import SideContext
from perfgate.backends.launch import LaunchPlace, launch
from perfgate.backends.registry import BACKENDS
from perfgate.records import Launch, Side
from perfgate.sides.checkout import Environment


@dataclass(kw_only=True)
class EntryLauncher:
    """Launches an entry in its framework's environment; ``tree`` is where processes start."""

    tree: Path
    environments: Mapping[str, Environment]
    edges: Edges
    held: Held

    def __call__(self, entry: Entry, *, repeat: int, order: int, timeout_s: float) -> Launch:
        """Wait until the devices are free, launch, and keep what they were doing meanwhile.

        Raises DeviceError when other processes stay on the devices, ConfigurationError where what
        ran is not what was to be measured.
        """
        own = self.environments[entry.framework]
        env = {**own.env, **self.held.environment(entry.case.devices)}
        env.pop(COUNT_FLOPS, None)
        context = SideContext(
            path=self.tree, python=own.python, env=env, device=self.held.machine.kind
        )
        self.held.wait_until_alone()
        with self.held.sampler() as sampler:
            done = launch(
                entry.case,
                backend=BACKENDS[entry.case.backend],
                context=context,
                place=LaunchPlace(
                    side=Side.HEAD,
                    pair=repeat,
                    order=order,
                    started_at=self.edges.now(),
                    timeout_s=timeout_s,
                ),
                scratch=self.edges.scratch,
                run=self.edges.run,
            )
        return done.model_copy(update={"conditions": sampler.conditions()})
