"""The shell commands of the documents: one by one, with what they exit with and call."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

import click

from perfgate.cli.group import cli

_EXIT = re.compile(r"\s#.*\bexit code (\d+)")
_BETWEEN = {";", "&&", "||", "|", "&", "(", ")"}


@dataclass(frozen=True, kw_only=True)
class Command:
    """One command as it stands, over several lines where quotes or a backslash say so."""

    text: str
    exit_code: int = 0

    def calls(self, program: str) -> list[list[str]]:
        """The arguments of each call of ``program`` in it."""
        text = self.text.replace("\\\n", " ")
        reading = shlex.shlex(text, posix=True, punctuation_chars=True)
        reading.commenters, reading.whitespace_split = "#", True
        found: list[list[str]] = [[]]
        for word in reading:
            found.append([]) if word in _BETWEEN else found[-1].append(word)
        plain = [words[_assignments(words) :] for words in found]
        return [_without_redirection(words[1:]) for words in plain if words[:1] == [program]]


def commands(block: str) -> list[Command]:
    """The commands of a shell block; its comments and blank lines are none."""
    found, open_lines, until = [], "", ""
    for line in block.splitlines():
        open_lines = f"{open_lines}\n{line}" if open_lines else line
        if until and line != until:
            continue
        here = re.search(r"<<-?'?(\w+)'?", line)
        if here and not until:
            until = here[1]
            continue
        if until or _is_whole(open_lines):
            if not re.fullmatch(r"\s*(#.*)?", open_lines):
                exits = _EXIT.search(open_lines)
                found.append(Command(text=open_lines, exit_code=int(exits[1]) if exits else 0))
            open_lines, until = "", ""
    if open_lines:
        raise ValueError(f"a block ends inside of a command: {open_lines}")
    return found


def parse(arguments: Sequence[str]) -> None:
    """Let the real command line read these arguments, and do nothing.

    Raises:
        click.UsageError: A command or option that is not there, or a value that it refuses.
    """
    command: click.Command = cli
    context = cli.make_context("perfgate", list(arguments))
    while isinstance(command, click.Group):
        rest = [*context._protected_args, *context.args]
        name, found, rest = command.resolve_command(context, rest)
        if found is None:
            raise click.UsageError(f"there is no command {rest[:1]}")
        command = found
        context = command.make_context(name, rest, parent=context)


def options(words: Sequence[str]) -> tuple[set[str], set[str]]:
    """The options that stand among the words of a call, and those that its command has.

    Raises:
        click.UsageError: There is no such command.
    """
    command: click.Command = cli
    context = click.Context(cli, info_name="perfgate")
    rest = list(words)
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        name, found, rest = command.resolve_command(context, rest)
        assert found is not None
        command = found
        context = click.Context(command, info_name=name, parent=context)
    has = {
        name for each in command.get_params(context) for name in (*each.opts, *each.secondary_opts)
    }
    return {word.split("=")[0] for word in rest if word.startswith("-") and len(word) > 1}, has


def every_option() -> set[str]:
    """The options of all commands, those in groups too."""
    return _options_below(cli, click.Context(cli, info_name="perfgate"))


def _options_below(command: click.Command, context: click.Context) -> set[str]:
    found = {
        name for each in command.get_params(context) for name in (*each.opts, *each.secondary_opts)
    }
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            found |= _options_below(below, click.Context(below, info_name=name, parent=context))
    return found


def _is_whole(text: str) -> bool:
    if text.endswith("\\"):
        return False
    try:
        shlex.split(text, comments=True)
    except ValueError:
        return False
    return True


def _assignments(words: Sequence[str]) -> int:
    """How many variables are set in front of a call."""
    return next((n for n, word in enumerate(words) if not re.match(r"\w+=", word)), len(words))


def _without_redirection(words: list[str]) -> list[str]:
    return words[: next((n for n, word in enumerate(words) if set(word) <= set("<>&")), len(words))]
