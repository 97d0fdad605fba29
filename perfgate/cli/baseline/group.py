"""``perfgate baseline``: keeps the files that the gate reads from the base commit."""

from __future__ import annotations

import click

from perfgate.cli.lazy import LazyGroup

COMMANDS = {
    "update": ("perfgate.cli.baseline.update:update", "Add a record's launches to the baselines."),
}


@click.group(cls=LazyGroup, lazy=COMMANDS)
def baseline() -> None:
    """Keep the baselines that a gate reads from its base commit."""
