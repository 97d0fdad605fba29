"""What to do after `perfgate init`, as commands; values in, lines out."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from perfgate.app.starting.origin import UNKNOWN
from perfgate.app.starting.owners import NEW
from perfgate.app.starting.start import Plan


@dataclass(frozen=True, kw_only=True)
class Step:
    """Why, and what to type; some steps are no command."""

    why: str
    commands: tuple[str, ...] = ()


def next_steps(
    plan: Plan, *, start: Path, written: Sequence[str], has_figures: bool
) -> tuple[Step, ...]:
    """In the order in which they are done from ``start`` on.

    ``written`` are the files of what was measured.
    """
    return (*_to_the_root(plan.git.root, start), *_steps(plan, written, has_figures))


def _to_the_root(root: Path, start: Path) -> Iterator[Step]:
    way = os.path.relpath(root, start.resolve())
    if way != ".":
        yield Step(
            why="Go to the repository's root, where the paths below begin",
            commands=(f"cd {shlex.quote(way)}",),
        )


def _steps(plan: Plan, written: Sequence[str], has_figures: bool) -> Iterator[Step]:
    request, found = plan.request, plan.found
    calls = [file.path for file in plan.new if UNKNOWN in file.text]
    if calls:
        named = " ".join(shlex.quote(path) for path in calls)
        yield Step(
            why="Name the account that perfgate is published under, which this installation does "
            "not tell",
            commands=(f"sed -i 's|{UNKNOWN}|ACCOUNT/perfgate|' {named}",),
        )
    if plan.draft is not None and request.command is None and request.source is None:
        yield from _about_the_benchmark(plan)
    if found.sglang and plan.draft is not None and request.source is None:
        # The workflow and the owners of such a suite are others, too.
        made = " ".join(shlex.quote(file.path) for file in plan.new)
        yield Step(
            why="sglang's baselines are here; for a suite of them instead of this one",
            commands=(f"rm {made} && perfgate init --from sglang{_suite_option(plan)}",),
        )
    yield from _about_owners(plan)
    yield from _about_the_commit(plan, written)
    if plan.is_of_other_files:
        yield Step(
            why="See what its cases cost, and on how many runners of which kinds",
            commands=(f"perfgate plan --cost --base HEAD{_suite_option(plan)}",),
        )
    if not has_figures and plan.suite.state_folder is not None:
        where = "On a machine of its cases" if plan.is_of_other_files else "Here, or on the runner"
        yield Step(
            why=f"{where}, measure the first calibration and baseline",
            commands=(f"perfgate init{_suite_option(plan)}",),
        )
    yield Step(
        why="On the runner, see whether it is fit to measure on",
        commands=("perfgate doctor",),
    )
    yield Step(
        why=f"Open a pull request; then let its branch's protection require the check "
        f"perfgate/{plan.suite.name}"
    )


def _about_the_commit(plan: Plan, written: Sequence[str]) -> Iterator[Step]:
    """One line; the folders of figures stand for what was measured."""
    scripts = [one.path for one in plan.found.scripts if plan.draft and not one.is_tracked]
    folders = dict.fromkeys(str(PurePosixPath(path).parent) for path in written)
    paths = [*scripts, *(file.path for file in plan.new), *folders]
    if paths:
        added = " ".join(map(shlex.quote, paths))
        yield Step(
            why="Commit",
            commands=(f"git add -- {added} && git commit -m 'Gate performance' && git push",),
        )


def _suite_option(plan: Plan) -> str:
    suite = plan.request.suite
    return "" if suite == "perfgate.yml" else f" --suite {shlex.quote(suite)}"


def _about_the_benchmark(plan: Plan) -> Iterator[Step]:
    scripts = plan.found.scripts
    if not scripts:
        yield Step(why=f"Write the benchmark, and its command into {plan.request.suite}")
    elif not scripts[0].reports:
        yield Step(why=f"Let {scripts[0].path} write its report, as {plan.request.suite} shows")


def _about_owners(plan: Plan) -> Iterator[Step]:
    if plan.unowned:
        lines = " ".join(shlex.quote(line) for line in plan.unowned)
        yield Step(
            why=f"Let somebody review new baselines: {plan.owners_path} names nobody for them",
            commands=(f"printf '\\n%s\\n' {lines} >> {plan.owners_path}",),
        )
    elif any(file.path == NEW for file in plan.new):
        who = f"@{plan.found.account}" if plan.found.account else "nobody yet"
        yield Step(why=f"{NEW} names {who}: name the people, or the team, who review new baselines")
