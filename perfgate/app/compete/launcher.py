"""Binds a contest's entries to the environments of their frameworks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from perfgate.app.compete.contest import Entry
from perfgate.app.measuring.rig import Rig
from perfgate.records import Launch, Side
from perfgate.sides.checkout import Environment


@dataclass(kw_only=True)
class EntryLauncher:
    """Launches an entry in its framework's environment; ``tree`` is where processes start."""

    tree: Path
    environments: Mapping[str, Environment]
    rig: Rig

    def __call__(self, entry: Entry, *, repeat: int, order: int, timeout_s: float) -> Launch:
        """As :meth:`Rig.launch`, which says what is raised."""
        own = self.environments[entry.framework]
        return self.rig.launch(
            entry.case,
            self.rig.context(entry.case, path=self.tree, own=own),
            side=Side.HEAD,
            pair=repeat,
            order=order,
            timeout_s=timeout_s,
        )
