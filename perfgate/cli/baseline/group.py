"""``perfgate baseline``: keeps the files that the gate reads from the base commit."""

from __future__ import annotations

import click

from perfgate.cli.lazy import LazyGroup

COMMANDS = {
    "check": ("perfgate.cli.baseline.check:check", "Look for what cannot be true in the files."),
    "update": (
        "perfgate.cli.baseline.update:update",
        "Bring the baselines up to date by new launches.",
    ),
    "propose": (
        "perfgate.cli.baseline.propose:propose",
        "Open or update the pull request with new baselines.",
    ),
    "show": ("perfgate.cli.baseline.show:show", "Print what is kept of each case."),
    "debt": ("perfgate.cli.baseline.debt:debt", "List what is slower by permission."),
    "import": ("perfgate.cli.baseline.import_:import_", "Make entries from a file of sglang's."),
    "export": ("perfgate.cli.baseline.export:export", "Write launches into a file of sglang's."),
}


@click.group(cls=LazyGroup, lazy=COMMANDS)
def baseline() -> None:
    """Keep the baselines that a gate reads from its base commit."""
