"""What a search for a commit measured, and what it found: two documents. Decides nothing.

Schema history, both documents:
    1  first version

A state holds raw launches alone: what they say is derived anew whenever it is read. Unknown keys
are ignored on reading within one version.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from perfgate.records.measured import MAX_HISTORY, Fingerprint, GatePolicy, Launch
from perfgate.records.value import CASE_ID, Finite, NonNegative, Value

MOST_COMMITS = 10_000
MOST_LAUNCHES = 100_000
MAX_SUBJECT_CHARS = 300

CommitId: TypeAlias = Annotated[str, Field(pattern=r"^[0-9a-f]{40}([0-9a-f]{24})?$")]


class Commit(Value):
    """A commit and the first line of its message."""

    id: CommitId
    subject: Annotated[str, Field(max_length=MAX_SUBJECT_CHARS)] = ""

    @property
    def short(self) -> str:
        """How people write it."""
        return self.id[:10]


class CommitPair(Value):
    """Launches of two commits next to each other: the older one's are ``base``'s.

    One launch alone where the other did not come: an interrupt, a failure, an unfit device.
    """

    before: CommitId
    after: CommitId
    launches: Annotated[tuple[Launch, ...], Field(max_length=2)]


class SkippedCommit(Value):
    """A commit that could not be asked, why, and the end of its log."""

    id: CommitId
    why: str
    log_tail: str = ""


class BisectState(Value):
    """All launches of a search, its question and its rule: what it goes on from.

    ``commits`` are in the order of the history, the first known as fast and the last as slow.
    ``history`` holds differences log(head/base) of equal sides on this machine.
    """

    schema_name: Literal["perfgate.bisect"] = Field("perfgate.bisect", alias="schema")
    version: Literal[1] = 1
    perfgate: str
    created_at: str
    case: Annotated[str, Field(pattern=f"^{CASE_ID}$")]
    workload_hash: str
    metric: Annotated[str, Field(min_length=1, max_length=220)]
    margin: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    policy: GatePolicy
    fingerprint: Fingerprint
    commits: Annotated[tuple[Commit, ...], Field(min_length=2, max_length=MOST_COMMITS)]
    history: Annotated[tuple[Finite, ...], Field(max_length=MAX_HISTORY)] = ()
    burn_ins: Annotated[tuple[Launch, ...], Field(max_length=MOST_LAUNCHES)] = ()
    pairs: Annotated[tuple[CommitPair, ...], Field(max_length=MOST_LAUNCHES)] = ()
    skipped: Annotated[tuple[SkippedCommit, ...], Field(max_length=MOST_COMMITS)] = ()
    continued: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _asks_about_its_own_commits(self) -> Self:
        places = self.places()
        if len(places) != len(self.commits):
            raise ValueError("commits names one twice")
        for pair in self.pairs:
            if not places.get(pair.before, len(places)) < places.get(pair.after, -1):
                raise ValueError(f"a pair of {pair.before} and {pair.after} is not in this order")
        for one in self.skipped:
            if not 0 < places.get(one.id, 0) < len(places) - 1:
                raise ValueError(f"{one.id} cannot be skipped: it is no commit between the ends")
        return self

    def places(self) -> dict[str, int]:
        """The place of each commit in the history, the fast one's is 0."""
        return {commit.id: place for place, commit in enumerate(self.commits)}

    def launches(self) -> tuple[Launch, ...]:
        """Every launch that was spent, failed and unfit ones too."""
        return (*self.burn_ins, *(launch for pair in self.pairs for launch in pair.launches))


class MeasuredChange(Value):
    """A ratio with its 95 % credible interval, from so many pairs."""

    ratio: Finite
    low: Finite
    high: Finite
    pairs: Annotated[int, Field(ge=1)]


class MeasuredCommit(Value):
    """What one commit takes over another; ``part`` says that it is a part of the whole change."""

    over: Commit
    commit: Commit
    change: MeasuredChange
    part: bool = False


BisectOutcome: TypeAlias = Literal["found", "narrowed", "not slower", "undecided", "stopped"]


class Bisected(Value):
    """What a search says.

    outcome    found: one commit. narrowed: several that cannot be told apart. not slower, and
               undecided: the last commit is not slower than the first one by the margin, or that
               could not be decided. stopped: it can go on, ``why`` says what ended it
    suspects   the fewest commits next to each other that hold the culprit with ``certainty``
    before     the commit before the first suspect
    change     of the last suspect over ``before``, None where that pair was not measured
    whole      of the last commit over the first one
    """

    schema_name: Literal["perfgate.bisected"] = Field("perfgate.bisected", alias="schema")
    version: Literal[1] = 1
    perfgate: str
    case: str
    metric: str
    margin: float
    hardware_key: str
    outcome: BisectOutcome
    why: str = ""
    interrupted: str | None = None
    good: Commit
    bad: Commit
    commits: Annotated[int, Field(ge=1)]
    suspects: tuple[Commit, ...]
    before: Commit
    certainty: NonNegative
    change: MeasuredChange | None = None
    whole: MeasuredChange | None = None
    measured: tuple[MeasuredCommit, ...] = ()
    skipped: tuple[SkippedCommit, ...] = ()
    pairs: Annotated[int, Field(ge=0)]
    launches: Annotated[int, Field(ge=0)]
    device_minutes: NonNegative
