"""``perfgate history``: keeps results over time, in a folder, a bucket or on a data branch."""

from __future__ import annotations

import click

from perfgate.cli.lazy import LazyGroup

COMMANDS = {
    "add": ("perfgate.cli.history.add:add", "Add files of results, each under a name of its own."),
    "query": ("perfgate.cli.history.query:query", "Ask a question in SQL."),
    "compact": ("perfgate.cli.history.compact:compact", "Make one file of each finished month."),
    "track": ("perfgate.cli.history.track:track", "Keep an issue for each regression of main."),
}


@click.group(cls=LazyGroup, lazy=COMMANDS)
def history() -> None:
    """Keep results over time, where nothing is ever overwritten."""
