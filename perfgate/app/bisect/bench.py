"""Binds a case and the trees of commits to the rig: what the search calls for each launch."""

from __future__ import annotations

from dataclasses import dataclass

from perfgate.app.bisect.trees import Trees
from perfgate.app.measuring.rig import Rig
from perfgate.records import Launch, Side
from perfgate.suite import Case


@dataclass(frozen=True, kw_only=True)
class TreeBench:
    """Launches a case from the tree of any commit."""

    case: Case
    trees: Trees
    rig: Rig

    def prepare(self, commit: str) -> None:
        """Make the commit ready to launch.

        Raises BenchmarkError or ConfigurationError where that cannot be.
        """
        self.trees.checkout(commit)

    def launch(
        self, commit: str, side: Side, *, pair: int | None, order: int, timeout_s: float
    ) -> Launch:
        """As :meth:`Rig.launch`, which says what is raised."""
        checkout = self.trees.checkout(commit)
        return self.rig.launch(
            self.case,
            self.rig.context(
                self.case, path=checkout.path, own=checkout.environment(self.case.backend)
            ),
            side=side,
            pair=pair,
            order=order,
            timeout_s=timeout_s,
        )
