"""Every command says how it is used: a sentence, a text for each option, examples that work."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from perfgate.cli.group import cli
from tests.shell_blocks import Command, commands, parse

_BESIDE = re.compile(r"(?<=\S) {2,}\S.*$")
"""What an example is for stands two spaces behind it."""


def every(group: click.Group = cli, name: str = "perfgate") -> Iterator[tuple[str, click.Command]]:
    """Each command with its whole name, those of groups included."""
    context = click.Context(group)
    for each in group.list_commands(context):
        command = group.get_command(context, each)
        assert command is not None
        yield f"{name} {each}", command
        if isinstance(command, click.Group):
            yield from every(command, f"{name} {each}")


COMMANDS = dict(every())
CALLED = {name: found for name, found in COMMANDS.items() if not isinstance(found, click.Group)}


def examples(command: click.Command) -> list[Command]:
    """The commands under ``Examples:`` in a command's help."""
    _, _, told = (command.epilog or "").rpartition("\b\nExample")
    _, _, lines = told.partition(":\n")
    block, _, _ = lines.partition("\n\n")
    plain = (_BESIDE.sub("", line.removeprefix("  ")) for line in block.splitlines())
    return commands("\n".join(plain).replace("\\\n", ""))


def test_there_are_commands_to_walk() -> None:
    assert {"perfgate gate", "perfgate kernels run", "perfgate history query"} <= CALLED.keys()
    assert len(examples(COMMANDS["perfgate gate"])) >= 3


@pytest.mark.parametrize("name", COMMANDS)
def test_help__has_a_sentence_and_every_option_a_text(name: str) -> None:
    command = COMMANDS[name]
    assert re.match(r"[A-Z][^\n]+[.:]", command.help or ""), "no sentence at its start"
    silent = [
        option.opts
        for option in command.params
        if isinstance(option, click.Option) and not option.help and not option.hidden
    ]
    assert silent == []


@pytest.mark.parametrize("name", CALLED)
def test_help__has_examples_that_the_command_line_reads(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "baselines").mkdir()
    monkeypatch.chdir(tmp_path)
    found = examples(CALLED[name])
    calls = [words for example in found for words in example.calls("perfgate")]
    assert any(["perfgate", *words][: name.count(" ") + 1] == name.split() for words in calls)
    for words in calls:
        parse(words)


@pytest.mark.parametrize("name", COMMANDS)
def test_help__no_line_is_wider_than_a_terminal_of_100(name: str) -> None:
    context = click.Context(COMMANDS[name], info_name=name, max_content_width=100)
    assert [line for line in COMMANDS[name].get_help(context).splitlines() if len(line) > 100] == []
