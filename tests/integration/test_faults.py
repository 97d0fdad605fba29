"""Publish, propose and track against all that GitHub and the network do to each of their calls.

A fault at one call, then the same job once more: what stands on GitHub is what one clean run
leaves, the verdict's exit code is untouched, and no job sleeps longer than its budget.
"""

from __future__ import annotations

import pytest

from perfgate.errors import ExitCode
from perfgate.github.patience import BUDGET_S, SPREAD
from tests.fault_stories import answers, stories, tracked
from tests.faults import COLUMNS, TWICE, Stage, crossing, diagonal

LONGEST_PAUSE_S = 60 * (1 + SPREAD)
NOT_REPAIRED = {("publish: 60 cases", "PATCH /check-runs/{n}", TWICE)}
"""GitHub only ever adds annotations: two processes that add the same ones at once add them twice.
"""
ANSWERED = {"401", "403", "404", "422", "403 limit"}
"""What a person who gave a command is told of, and does not happen by itself a second time."""
DISPATCH = "POST /actions/workflows/perfgate.yml/dispatches"
NAMES = [
    "publish: first result",
    "publish: next result",
    "publish: 60 cases",
    "propose: opens",
    "propose: opens a draft",
    "propose: explains",
    "propose: gets worse",
    "propose: closes",
    "propose: stuck",
]
COMMANDS = ["answer: rerun", "answer: accept"]
TRACKED = ["track: opens", "track: worse, and back"]


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    """A story's GitHub, prepared when it is first asked for."""
    folder = tmp_path_factory.mktemp("stories")
    known = {story.name: story for story in (*stories(folder), *answers(), *tracked())}
    assert list(known) == [*NAMES, *COMMANDS, *TRACKED]
    stages = {}

    def stage(name):
        if name not in stages:
            stages[name] = Stage(known[name], tmp_path_factory.mktemp("stage"))
        return stages[name]

    return stage


def problems(stage, fault, call):
    """What is wrong with a cell, in words; empty is good."""
    cell = stage.play(fault, call)
    first, second = cell.pauses
    told = {
        f"exit codes {cell.codes}": cell.codes != (ExitCode.OK, ExitCode.OK),
        f"pauses {first}": sum(first) > BUDGET_S or max(first, default=0) > LONGEST_PAUSE_S,
        f"pauses without a fault {second}": second != (),
        "not repaired": not cell.repaired
        and (stage.story.name, call.name, fault) not in NOT_REPAIRED,
        "repaired, though it was not expected": cell.repaired
        and (stage.story.name, call.name, fault) in NOT_REPAIRED,
    }
    return [
        f"{fault} at {call.number} {call.name}: {what}" for what, wrong in told.items() if wrong
    ]


@pytest.mark.parametrize("name", [*NAMES, *COMMANDS, *TRACKED])
def test_the_same_job_twice__what_one_leaves(stage, name):
    found = stage(name)
    assert found.code == ExitCode.OK
    assert found.again()


@pytest.mark.parametrize(
    "name", ["publish: 60 cases", "propose: opens", "propose: explains", *TRACKED]
)
def test_each_fault_and_each_call_once(stage, name):
    found = stage(name)
    assert [told for fault, call in diagonal(found) for told in problems(found, fault, call)] == []


@pytest.mark.parametrize("name", ["publish: 60 cases", "propose: opens", TRACKED[0]])
def test_limits_at_every_call__the_sum_of_the_pauses_has_a_bound(stage, name):
    pauses = stage(name).limited()
    assert pauses
    assert sum(pauses) <= BUDGET_S
    assert max(pauses) <= LONGEST_PAUSE_S


@pytest.mark.slow
@pytest.mark.parametrize("fault", COLUMNS)
def test_every_call(stage, fault):
    # The others make no call that these do not make; `make bench-faults` plays them too.
    others = {"publish: next result", "propose: opens a draft", "propose: gets worse"}
    stages = [stage(name) for name in NAMES if name not in others]
    cells = [(one, call) for one, column, call in crossing(stages) if column == fault]
    told = [
        f"{one.story.name}: {what}" for one, call in cells for what in problems(one, fault, call)
    ]
    assert told == []
    assert len(cells) >= 30


@pytest.mark.slow
@pytest.mark.parametrize("name", TRACKED)
def test_every_call_of_tracking(stage, name):
    found = stage(name)
    told = [what for one, fault, call in crossing([found]) for what in problems(one, fault, call)]
    assert told == []


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_every_call_of_a_command__carried_out_once_or_answered_why_not(stage, name):
    found = stage(name)
    told = []
    for one, fault, call in crossing([found]):
        if fault not in ANSWERED and (fault, call.name) != (TWICE, DISPATCH):
            told += problems(one, fault, call)
    assert told == []
