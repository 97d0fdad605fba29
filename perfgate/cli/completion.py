"""``perfgate completion``: prints the script by which a shell completes perfgate's command line."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

_EPILOG = """\b
Examples:
  eval "$(perfgate completion bash)"          in ~/.bashrc (bash 4.4 or newer)
  eval "$(perfgate completion zsh)"           in ~/.zshrc, after compinit
  perfgate completion fish > ~/.config/fish/completions/perfgate.fish
"""
_VARIABLE = "_PERFGATE_COMPLETE"
"""What the script sets when it asks perfgate for words; click names it after the program."""


@click.command(epilog=_EPILOG)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print a script that completes commands, options, files and the suite's case ids in SHELL."""
    known = get_completion_class(shell)
    assert known is not None  # noqa: S101 - the choices are click's own shells
    click.echo(known(ctx.find_root().command, {}, "perfgate", _VARIABLE).source())
