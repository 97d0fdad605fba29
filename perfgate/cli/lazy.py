"""A command group that imports a command's module when it is called, so that help answers at once.

Commands are named by one line of help and ``module:function``; this module knows none of them.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:  # only a shell that completes a line needs it
    from click.shell_completion import CompletionItem


class LazyGroup(click.Group):
    """Knows its commands by name and one line; ``lazy`` maps a name to both."""

    def __init__(self, *, lazy: Mapping[str, tuple[str, str]], **rest: Any) -> None:  # noqa: ANN401 - click's own
        super().__init__(**rest)
        self._lazy = dict(lazy)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(self._lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in self._lazy:
            return None
        module, name = self._lazy[cmd_name][0].split(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in self._lazy.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """The commands that begin like ``incomplete``, by name alone, then click's options."""
        from click.shell_completion import CompletionItem  # noqa: PLC0415 - see above

        named = [
            CompletionItem(name, help=line)
            for name, (_, line) in self._lazy.items()
            if name.startswith(incomplete)
        ]
        return [*named, *click.Command.shell_complete(self, ctx, incomplete)]
