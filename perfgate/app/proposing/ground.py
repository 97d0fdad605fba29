"""What a proposal stands on, and what is gathered to be proposed: values, and how they are read."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date
from pathlib import PurePosixPath
from typing import TypeAlias

from perfgate.app.keeping.keep import Request, Tree
from perfgate.app.proposing.standing import Standing
from perfgate.baselines.accepted import NAME as ACCEPTED
from perfgate.baselines.accepted import parse_accepted
from perfgate.baselines.ask import Ask
from perfgate.baselines.native import Baseline
from perfgate.baselines.proposal import Offer
from perfgate.baselines.store import load_baselines
from perfgate.errors import ConfigurationError
from perfgate.github.branches import Snapshot
from perfgate.records import Record
from perfgate.suite import Suite
from perfgate.verdict.acceptance import Acceptance

Permissions: TypeAlias = dict[tuple[str, str, str], Acceptance]
"""Acceptances by hardware key, case and metric."""


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What a proposal stands on: the newest commit of its base branch, and its own branch.

    ``measured`` are the commits of the records, ``parted`` is where the branch left its base.
    """

    suite: Suite
    base: str
    at: Tree
    files: Snapshot
    standing: Standing
    parted: Snapshot
    measured: tuple[Snapshot, ...]
    records: tuple[Record, ...]
    request: Request
    run_url: str
    today: date

    @property
    def key(self) -> str:
        return self.records[0].fingerprint.hardware_key

    @property
    def folder(self) -> PurePosixPath:
        if self.suite.state_folder is None:
            raise ConfigurationError(
                f"the suite on {self.base} names no folder for baselines",
                fix="Add `baselines: baselines/` to it, in a pull request of its own.",
            )
        return PurePosixPath(self.suite.state_folder)

    def path_of(self, case: str) -> str:
        return str(self.folder / self.key / f"{case}.json")

    @property
    def permissions(self) -> str:
        return str(self.folder / ACCEPTED)

    @property
    def foreign(self) -> str | None:
        """The file of sglang's that holds the figures of this machine too."""
        return self.suite.sglang.file_of(self.key) if self.suite.sglang is not None else None


@dataclass(kw_only=True)
class Offers:
    """What there is to propose. ``conflicts`` say by path what somebody else changed, ``refused``
    by case why a measurement is no baseline, ``unsure`` why one is not enough to propose; ``back``
    are the cases at what is committed. ``asks`` are what was asked for and waits, each with the
    reason; ``given_up`` those that can never be carried out.

    ``stuck`` says why a person has to look before anything is pushed.
    """

    entries: dict[str, tuple[Offer, str]] = field(default_factory=dict)
    accepted: Permissions = field(default_factory=dict)
    conflicts: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    unsure: dict[str, str] = field(default_factory=dict)
    back: list[str] = field(default_factory=list)
    theirs: dict[str, str | None] = field(default_factory=dict)
    asks: dict[Ask, str] = field(default_factory=dict)
    given_up: dict[Ask, str] = field(default_factory=dict)
    stuck: str = ""

    @property
    def told(self) -> tuple[Offer, ...]:
        return tuple(offer for offer, _ in self.entries.values())


def moved_since(ground: Ground, case: str, since: Snapshot) -> str | None:
    """The file in which the case is another on the base branch now than it was ``since``."""
    path, foreign = ground.path_of(case), ground.foreign
    if since.blob(path) != ground.files.blob(path):
        return path
    if foreign is None or since.blob(foreign) == ground.files.blob(foreign):
        return None
    then, now = (_scenario(one.text(foreign), case) for one in (since, ground.files))
    return foreign if then != now else None


def _scenario(text: str | None, case: str) -> object:
    """The scenario of a file of sglang's, or the whole text where it has none that can be read."""
    try:
        return json.loads(text or "")["scenarios"].get(case)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return text


def covers(acceptance: Acceptance | None, figure: float) -> bool:
    """Whether a permission is there, and the figure not above its ceiling."""
    return acceptance is not None and acceptance.ratio(figure) <= acceptance.ceiling


def accepted_in(text: str | None, ground: Ground) -> Permissions:
    """The permissions of a file's text; raises BaselineError for one that cannot be trusted."""
    found = () if text is None else parse_accepted(text, source=ground.permissions)
    return {one.key: one for one in found}


def entry_in(text: str, path: str) -> Baseline:
    """The entry of a file's text; raises BaselineError for one that cannot be trusted."""
    (entry,) = load_baselines({path: text}, hardware_key=PurePosixPath(path).parent.name).values()
    return entry
