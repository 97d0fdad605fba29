"""Which framework runs which case, and in what order. Pure.

Each repeat visits every framework of a case before the next repeat, in the opposite order of the
one before: what drifts on the machine meets all of them alike.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias, get_args

from perfgate.errors import ConfigurationError
from perfgate.records.results import Cell
from perfgate.suite import OF_FRAMEWORKS, Case, Framework
from perfgate.verdict.competition import COMPILED, LEAST_LAUNCHES

USUAL_REPEATS = LEAST_LAUNCHES
Compile: TypeAlias = Literal["as-written", "eager", "compiled", "both"]
COMPILE: tuple[Compile, ...] = get_args(Compile)
_VARIANTS: Mapping[Compile, tuple[bool | None, ...]] = {
    "as-written": (None,),
    "eager": (False,),
    "compiled": (True,),
    "both": (False, True),
}
_MOST_NAME_CHARS = 100
_CAN_COMPILE = ("diffusers", "sglang", "vllm-omni")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One case as one framework runs it; ``framework`` is the name of what it is set up as."""

    case: Case
    framework: str

    @property
    def cell(self) -> str:
        """What results call it: ``sglang``, ``sglang-compiled``."""
        return f"{self.framework}{COMPILED}" if self.case.serve.compile else self.framework

    @property
    def key(self) -> str:
        """What people read, and no other entry has."""
        return f"{self.case.id} · {self.cell}"


@dataclass(frozen=True, kw_only=True)
class Contest:
    """What is measured; ``impossible`` are cells that fail before anything is started.

    ``tasks`` has what a case's task is called where it was read, if that is another name.
    """

    entries: tuple[Entry, ...]
    repeats: int = USUAL_REPEATS
    impossible: tuple[Cell, ...] = ()
    tasks: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def cells(self) -> tuple[tuple[str, str], ...]:
        """Case and framework of every cell, in the order in which they are told."""
        found = [(entry.case.id, entry.cell) for entry in self.entries]
        return (*found, *((cell.case, cell.framework) for cell in self.impossible))

    def launches(self) -> Iterator[tuple[Entry, int]]:
        """Every launch in turn, with the number of its repeat from 0."""
        cases = dict.fromkeys(entry.case.id for entry in self.entries)
        for case_id in cases:
            rivals = [entry for entry in self.entries if entry.case.id == case_id]
            for repeat in range(self.repeats):
                for entry in rivals if repeat % 2 == 0 else reversed(rivals):
                    yield entry, repeat


def entries_of(cases: Sequence[Case]) -> tuple[Entry, ...]:
    """Every case in its own backend, and in each of its ``frameworks``."""
    return tuple(
        Entry(case=_as_framework(case, name), framework=name)
        for case in cases
        for name in dict.fromkeys((case.backend, *case.frameworks))
    )


def with_variables(contest: Contest, frameworks: Mapping[str, Framework]) -> Contest:
    """The contest of cases from elsewhere with the variables that a suite gives its frameworks."""
    return replace(
        contest,
        entries=tuple(
            replace(entry, case=entry.case.with_variables(frameworks)) for entry in contest.entries
        ),
    )


def _as_framework(case: Case, name: str) -> Case:
    # The project's own benchmark is no framework, but may stand beside some.
    return case if case.backend not in OF_FRAMEWORKS else case.in_framework(name)


def only_cases(contest: Contest, ids: Collection[str]) -> Contest:
    """These cases, all for no id. Raises ConfigurationError for an unknown one."""
    known = dict.fromkeys(case_id for case_id, _ in contest.cells)
    unknown = [case_id for case_id in ids if case_id not in known]
    if unknown:
        raise ConfigurationError(
            f"no case is called {', '.join(unknown)}", fix=f"There are: {', '.join(known)}."
        )
    kept = ids or known
    return replace(
        contest,
        entries=tuple(entry for entry in contest.entries if entry.case.id in kept),
        impossible=tuple(cell for cell in contest.impossible if cell.case in kept),
    )


def only_frameworks(contest: Contest, names: Collection[str]) -> Contest:
    """What these frameworks run, all for no name. Raises ConfigurationError for an unknown one."""
    if not names:
        return contest
    known = dict.fromkeys(entry.framework for entry in contest.entries)
    known |= dict.fromkeys(cell.framework for cell in contest.impossible)
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ConfigurationError(
            f"no selected case runs in {', '.join(unknown)}", fix=f"There are: {', '.join(known)}."
        )
    return replace(
        contest,
        entries=tuple(entry for entry in contest.entries if entry.framework in names),
        impossible=tuple(cell for cell in contest.impossible if cell.framework in names),
    )


def compiled(contest: Contest, how: Compile) -> Contest:
    """The contest with every framework that can compile eager, compiled, or both.

    Raises ConfigurationError where a cell's name cannot be its own.
    """
    found = tuple(
        entry
        if variant is None
        else replace(entry, case=entry.case.in_framework(entry.case.backend, compiled=variant))
        for entry in contest.entries
        for variant in (_VARIANTS[how] if entry.case.backend in _CAN_COMPILE else (None,))
    )
    made = replace(contest, entries=found)
    for cell in made.cells:
        if why := _no_name(cell, made):
            case_id, name = cell
            raise ConfigurationError(
                f"case {case_id} cannot have a cell called {name}: {why}",
                fix="Give the framework another name.",
            )
    return made


def _no_name(cell: tuple[str, str], contest: Contest) -> str:
    """Why a cell cannot be called so; empty where it can."""
    if contest.cells.count(cell) > 1:
        return "two cells have that name"
    return "" if len(cell[1]) <= _MOST_NAME_CHARS else f"longer than {_MOST_NAME_CHARS} characters"
