"""``perfgate plan``: splits a suite over runners, writes the plan, and tells what it will cost."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import click

from perfgate.app.comparison import Asked
from perfgate.app.fleet import edges as use_case
from perfgate.app.fleet.files import write_plan
from perfgate.app.fleet.plan import Runners
from perfgate.cli import options
from perfgate.cli.surroundings import stdout_console
from perfgate.records import MAX_LABEL_CHARS, to_json
from perfgate.report.fleet import render_plan

_EPILOG = """\b
Examples:
  perfgate plan --runners 8                              at most 8 runners of each kind
  perfgate plan --runners 8 --runners self-hosted,h100=2       but 2 of those
  perfgate plan --cost                                   device minutes of every case
  perfgate gate --plan perfgate-out/plan.json --shard ubuntu-latest-1
"""


class _Labels(click.ParamType[tuple[str, ...]]):
    """``self-hosted,h100`` as a runner's labels, or the same as JSON, as workflows write it."""

    name = "labels"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        if isinstance(value, tuple):
            return value
        try:
            told = json.loads(str(value)) if str(value)[:1] in ('"', "[") else str(value)
        except ValueError:
            told = []
        labels = told.split(",") if isinstance(told, str) else told
        found = tuple(label.strip() if isinstance(label, str) else "" for label in labels)
        if not found or not all(map(_is_label, found)):
            self.fail(f"{value!r} are no labels such as self-hosted,h100.", param, ctx)
        return found


def _is_label(label: str) -> bool:
    return 0 < len(label) <= MAX_LABEL_CHARS and label.isprintable()


class _Runners(click.ParamType[tuple[tuple[str, ...], int]]):
    """``8``, or ``self-hosted,h100=8`` for the runners with these labels alone."""

    name = "runners"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[tuple[str, ...], int]:
        if isinstance(value, tuple):
            return value
        labels, equals, number = str(value).rpartition("=")
        if not re.fullmatch(r"[1-9][0-9]{0,2}", number):
            self.fail(f"{value!r} is neither a number nor LABELS=NUMBER.", param, ctx)
        return (_Labels().convert(labels, param, ctx) if equals else ()), int(number)


@click.command(epilog=_EPILOG)
@options.suite
@options.base
@options.strategy
@click.option(
    "--runner",
    type=_Labels(),
    default="ubuntu-latest",
    show_default=True,
    metavar="LABELS",
    help="Labels of the runner for cases without `runs_on:`.",
)
@click.option(
    "--runners",
    type=_Runners(),
    multiple=True,
    metavar="[LABELS=]N",
    help="How many runners measure at most, of every kind or of one; repeatable. Default: 8.",
)
@click.option("--cost", is_flag=True, help="Tell the device minutes of every case, too.")
@click.option("--json", "as_json", is_flag=True, help="Print the plan as one JSON document.")
@options.output_dir
def plan(
    suite: str,
    base: str | None,
    strategy: str | None,
    runner: tuple[str, ...],
    runners: tuple[tuple[tuple[str, ...], int], ...],
    cost: bool,
    as_json: bool,
    output_dir: Path,
) -> None:
    """Split the selected cases into shards of about the same length, one a job.

    Cases are grouped by `runs_on:`. How long a launch takes is known from the base commit's
    baselines; a case of which nothing is known counts as long as its timeouts allow, and is named.
    Writes plan.json, and in a workflow the output `matrix`. Measures nothing.
    """
    usual = [number for labels, number in runners if not labels]
    there_are = Runners(
        usual=usual[-1] if usual else Runners.usual,
        of={labels: number for labels, number in runners if labels},
        default=runner,
    )
    asked = Asked(start=Path.cwd(), suite=suite, base=base, strategy=strategy)
    found = use_case.plan_here(asked, there_are, dict(os.environ))
    path = write_plan(output_dir.absolute(), found)
    if as_json:
        click.echo(to_json(found), nl=False)
    else:
        render_plan(found, stdout_console(), cost=cost)
        click.echo(f"The plan is in {output_dir / path.name}", err=True)
    use_case.tell_matrix(found, os.environ)
