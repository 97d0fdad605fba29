"""The options that several commands share, spelled once."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click
from pydantic import TypeAdapter, ValidationError

from perfgate.app.measuring.devices import Choice, parse_choice
from perfgate.app.publishing.request import Policy
from perfgate.errors import ConfigurationError
from perfgate.suite import Seconds, parse_suite

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


class Duration(click.ParamType[float]):
    """``30m`` as seconds, in the suite's spelling."""

    name = "duration"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        try:
            return TypeAdapter(Seconds).validate_python(value)
        except ValidationError:
            self.fail(f"{value!r} is no duration such as 90s, 20m or 1h.", param, ctx)


class Day(click.ParamType[date]):
    """A day to come, as 2026-12-31."""

    name = "date"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> date:
        try:
            day = date.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is no day such as 2026-12-31.", param, ctx)
        if day < datetime.now(UTC).date():
            self.fail(f"{value} is over.", param, ctx)
        return day


class _Device(click.ParamType[Choice]):
    name = "device"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Choice:
        try:
            return value if isinstance(value, Choice) else parse_choice(str(value))
        except ConfigurationError as error:
            self.fail(f"{error.problem}. {error.fix}", param, ctx)


def case_ids(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001
    """The ids of the suite's cases, for a shell to complete; none where no good suite is found."""
    named = ctx.params.get("suite") or "perfgate.yml"
    here = Path.cwd()
    for folder in (here, *here.parents):
        try:
            text = (folder / named).read_text(encoding="utf-8")
            ids = [case.id for case in parse_suite(text, source=named).cases]
        except (OSError, UnicodeDecodeError, ConfigurationError):
            continue
        return [each for each in ids if each.startswith(incomplete)]
    return []


def _files(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG001
    from click.shell_completion import CompletionItem  # noqa: PLC0415 - only a shell asks for it

    return [CompletionItem(incomplete, type="file")]


def _as_in_git(ctx: click.Context, param: click.Parameter, value: str) -> str:  # noqa: ARG001
    # The suite is also read from commits, in which no folder ends with a backslash.
    return value.replace("\\", "/")


suite = click.option(
    "--suite",
    default="perfgate.yml",
    show_default=True,
    callback=_as_in_git,
    shell_complete=_files,
    help="Suite file, from the root.",
)
cases = click.option(
    "--case",
    "cases",
    metavar="ID",
    multiple=True,
    shell_complete=case_ids,
    help="Only this case; repeatable.",
)
output_dir = click.option(
    "--output-dir",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("perfgate-out"),
    show_default=True,
    help="Where results go.",
)
base = click.option(
    "--base", metavar="REF", help="What to compare with; by default the event says it."
)
strategy = click.option(
    "--strategy",
    type=click.Choice(["paired", "baseline", "auto"]),
    help="Decide by pairs, against the baselines, or as auto says. Default: the suite's.",
)
cache_dir = click.option(
    "--cache-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where environments made by `setup:` are kept between jobs.",
)
device = click.option(
    "--device",
    type=_Device(),
    default="auto",
    show_default=True,
    metavar="auto|cpu|cuda[:i]|npu[:i]",
    help="What to measure on; auto is cuda where one is visible, else npu, else cpu.",
)
lease_timeout = click.option(
    "--lease-timeout",
    "lease_timeout_s",
    type=Duration(),
    default="30m",
    show_default=True,
    metavar="DURATION",
    help="How long to wait for other jobs to leave the device.",
)
records = click.option(
    "--record",
    "records",
    type=click.Path(path_type=Path, dir_okay=False),
    multiple=True,
    required=True,
    help="Record of a job; repeatable, each one is a job of its own.",
)
issue = click.option(
    "--issue", default="", metavar="URL", help="Where what got slower is followed up."
)
expires = click.option(
    "--expires", type=Day(), metavar="DATE", help="Last day on which it is accepted."
)
comment = click.option(
    "--comment",
    type=click.Choice(get_args(Policy)),
    default="always",
    show_default=True,
    help="When to write the pull request's comment; one that stands is kept up to date but with "
    "never.",
)
