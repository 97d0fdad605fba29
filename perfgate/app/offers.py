"""What is to be proposed: offers of earlier jobs that still hold, and those of these records.

Reads the base branch and the proposal's branch as they were found; pure but for that.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import PurePosixPath
from typing import TypeAlias

from perfgate.app.keep import Request, Tree, files_needed, updated
from perfgate.app.standing import Standing
from perfgate.baselines.accepted import NAME as ACCEPTED
from perfgate.baselines.accepted import parse_accepted, render_accepted
from perfgate.baselines.change import CaseChange
from perfgate.baselines.margins import Margins
from perfgate.baselines.native import Baseline
from perfgate.baselines.proposal import Offer
from perfgate.baselines.sglang_edit import figures_of, updated_scenario
from perfgate.baselines.store import load_baselines
from perfgate.baselines.update import changes_since, figures
from perfgate.errors import BaselineError, ConfigurationError
from perfgate.github.branches import Snapshot, blob_id
from perfgate.records import Record
from perfgate.suite import Suite
from perfgate.verdict.acceptance import Acceptance
from perfgate.verdict.hierarchy import is_device

Permissions: TypeAlias = dict[tuple[str, str, str], Acceptance]
"""Acceptances by hardware key, case and metric."""
_CASE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


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
    by case why a measurement is no baseline; ``back`` are the cases at what is committed.

    ``stuck`` says why a person has to look before anything is pushed.
    """

    entries: dict[str, tuple[Offer, str]] = field(default_factory=dict)
    accepted: Permissions = field(default_factory=dict)
    conflicts: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    back: list[str] = field(default_factory=list)
    theirs: dict[str, str | None] = field(default_factory=dict)
    stuck: str = ""

    @property
    def told(self) -> tuple[Offer, ...]:
        return tuple(offer for offer, _ in self.entries.values())


def offers_on(ground: Ground, *, only: Sequence[str] = ()) -> Offers:
    """Everything that is to stand on the branch.

    Raises BaselineError for files of the base branch that cannot be trusted.
    """
    found = Offers()
    _keep_theirs(ground, found)
    at_base = _accepted(ground.files.text(ground.permissions), ground)
    found.accepted = _accepted(_text(ground, found, ground.permissions), ground)
    _carry(ground, found)
    known = [case.id for case in ground.suite.cases]
    measured = dict.fromkeys(case.id for record in ground.records for case in record.cases)
    for case in only or measured:
        if case not in known:
            found.refused[case] = f"the suite on {ground.base} has no such case"
        elif _is_untouched(ground, found, case):
            _measure(ground, found, case, at_base)
    return found


def _keep_theirs(ground: Ground, found: Offers) -> None:
    """What somebody else put on the branch stays there; where the base moved too, a person looks.

    A file of theirs where a measurement goes is a conflict, too: it stays as it is.
    """
    for path in sorted(ground.standing.theirs):
        if path != ground.permissions:
            found.conflicts[path] = (
                f"{path} was changed on this branch by somebody else and stays as it is; what was "
                "measured for it is left out."
            )
        if path == ground.foreign:
            found.stuck = (
                f"{path} was changed on this branch by somebody else, and what is measured goes "
                "into it too. Nothing was pushed: merge this, or delete the branch."
            )
        if path not in ground.standing.files:
            continue
        blob, now = ground.standing.files[path], ground.files.blob(path)
        if now == ground.parted.blob(path):
            found.theirs[path] = blob
        elif now != blob:
            found.stuck = (
                f"{path} was changed on this branch by somebody else, and on {ground.base} too. "
                "Nothing was pushed: merge the two by hand, or delete the branch."
            )


def _carry(ground: Ground, found: Offers) -> None:
    """Offers of earlier jobs, less those that are committed by now and those that clash."""
    for case, offer in ground.standing.offers.items():
        path = ground.path_of(case)
        blob = ground.standing.files.get(path)
        if not _CASE.fullmatch(case) or path in found.conflicts or blob is None:
            continue
        if ground.files.blob(path) == blob:
            continue
        moved = _moved(ground, case, since=ground.parted)
        if moved is not None:
            found.conflicts[moved] = (
                f"{moved} was changed on {ground.base} since {case} was measured on {offer.date} "
                "for this; that measurement is left out."
            )
            continue
        text = ground.files.api.text(blob)
        permissions = found.accepted | {one.key: one for one in offer.change.acceptances}
        for name in offer.change.paid:
            permissions.pop((ground.key, case, name), None)
        try:
            change = _derived(ground, offer.change, text, permissions)
        except BaselineError as error:
            found.conflicts[path] = f"{error.problem}; what the branch holds of it is left out."
            continue
        found.accepted = permissions
        found.entries[case] = (offer.model_copy(update={"change": change}), text)


def _derived(ground: Ground, told: CaseChange, text: str, accepted: Permissions) -> CaseChange:
    """What is told of an earlier offer, with the figures that its file and the base's really give.

    A message can say anything. Where there is nothing to compare with but a file of another format,
    the figures stay as they were told.
    """
    path = ground.path_of(told.case)
    entry, base = _entry(text, path), ground.files.text(path)
    if base is None and ground.foreign is not None:
        return told
    earlier = None if base is None else _entry(base, path)
    same = earlier is not None and earlier.workload_hash == entry.workload_hash
    margins = Margins(
        policy=ground.suite.gate.policy(), on_device=is_device(ground.records[0].fingerprint)
    )
    metrics = changes_since(entry, figures(earlier) if earlier and same else None, margins)
    unexplained = tuple(
        one.metric
        for one in metrics
        if one.new is not None
        and (one.looser or one.metric in told.unexplained)
        and not _covers(accepted.get((ground.key, told.case, one.metric)), one.new)
    )
    kind = "updated" if same else "new" if earlier is None else "changed workload"
    return told.model_copy(update={"metrics": metrics, "unexplained": unexplained, "kind": kind})


def _covers(acceptance: Acceptance | None, figure: float) -> bool:
    return acceptance is not None and acceptance.ratio(figure) <= acceptance.ceiling


def _is_untouched(ground: Ground, found: Offers, case: str) -> bool:
    """Whether nobody changed the case's figures since it was measured."""
    path = ground.path_of(case)
    if path in ground.standing.theirs:
        return False
    for one in ground.measured:
        moved = _moved(ground, case, since=one)
        if moved is not None:
            found.conflicts[moved] = (
                f"{moved} was changed on {ground.base} after {one.commit[:12]}, where {case} was "
                "measured; it stays as it is. Measure again."
            )
            return False
    return True


def _moved(ground: Ground, case: str, *, since: Snapshot) -> str | None:
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


def _measure(ground: Ground, found: Offers, case: str, at_base: Permissions) -> None:
    """Offer what the records say of a case, or take back what was offered for it."""
    held = found.entries.pop(case, None)
    try:
        change, text, accepted = _updated(ground, case, found.accepted)
    except BaselineError as error:
        found.refused[case] = f"{error.problem}. {error.fix}"
        if held is not None:
            found.entries[case] = held
        return
    change = _explained(change, found.accepted, at_base, today=ground.today)
    if not (change.moved or change.paid or change.notes or change.acceptances):
        found.back.append(case)
        for metric in change.metrics:
            key = (ground.key, case, metric.metric)
            found.accepted.pop(key, None)
            if key in at_base:
                found.accepted[key] = at_base[key]
        return
    found.accepted = accepted
    newest = ground.records[-1]
    offer = Offer(
        change=change,
        commit=newest.head.commit + ("-dirty" if newest.head.dirty else ""),
        date=newest.created_at,
        run_url=ground.run_url,
    )
    found.entries[case] = (offer, text)


def _updated(
    ground: Ground, case: str, accepted: Permissions
) -> tuple[CaseChange, str, Permissions]:
    wanted = next(one for one in ground.suite.cases if one.id == case).workload_hash()
    hashes = [
        one.workload_hash for record in ground.records for one in record.cases if one.id == case
    ]
    if any(one != wanted for one in hashes):
        raise BaselineError(
            f"the record measured another workload of {case} than the suite on {ground.base} has",
            fix="Measure the newest commit of the branch.",
        )
    # What the reviewed suite on the base branch says is declared, whoever changed it.
    request = replace(ground.request, workload_changed=True)
    paths = files_needed(ground.suite, ground.records, only=[case])
    files = {path: text for path in paths if (text := ground.files.text(path)) is not None}
    files[ground.permissions] = render_accepted(accepted.values())
    update = updated(
        files, ground.suite, ground.records, at=ground.at, request=request, only=[case]
    )
    permissions = update.texts.get(ground.permissions, files[ground.permissions])
    (change,) = update.changes
    return change, update.texts[ground.path_of(case)], _accepted(permissions, ground)


def _explained(
    change: CaseChange,
    accepted: Permissions,
    at_base: Permissions,
    *,
    today: date,
) -> CaseChange:
    """The change with the permissions that the branch asks for already, and without those at base
    that have ended: a reason that was given once need not be given again."""
    measured = {one.metric: one.new for one in change.metrics}
    unexplained, granted, notes = list(change.unexplained), list(change.acceptances), []
    for key, one in accepted.items():
        hardware, case, name = key
        figure = measured.get(name)
        if (hardware, case) != (change.hardware_key, change.case) or figure is None:
            continue
        if at_base.get(key) != one and name in unexplained and _covers(one, figure):
            unexplained.remove(name)
            granted.append(one)
        elif at_base.get(key) == one and one.days_left(today) < 0 and name not in change.paid:
            renewed = any(other.key == key for other in change.acceptances)
            if not renewed:
                notes.append(f"the acceptance of {name} ended on {one.expires.isoformat()}")
                unexplained += [] if name in unexplained else [name]
    return change.model_copy(
        update={
            "unexplained": tuple(unexplained),
            "acceptances": tuple(granted),
            "notes": (*change.notes, *notes),
        }
    )


def texts_of(ground: Ground, offers: Offers) -> dict[str, str]:
    """What the branch is to hold besides its base: a text for each path that differs from it.

    Entries first; the file of another format and the permissions follow from them and the base.
    """
    texts: dict[str, str] = {}
    foreign = ground.foreign
    whole = None if foreign is None else ground.files.text(foreign)
    for case, (_, text) in sorted(offers.entries.items()):
        path = ground.path_of(case)
        texts[path] = text
        if foreign is not None and whole is not None:
            told = figures_of(_entry(text, path))
            whole = updated_scenario(whole, case, told, source=foreign)
    if foreign is not None and whole is not None:
        texts[foreign] = whole
    at_base = ground.files.text(ground.permissions)
    if _accepted(at_base, ground) != offers.accepted:
        texts[ground.permissions] = render_accepted(offers.accepted.values())
    return {path: text for path, text in texts.items() if blob_id(text) != ground.files.blob(path)}


def _text(ground: Ground, found: Offers, path: str) -> str | None:
    """A file as somebody else left it on the branch, else as it is on the base branch."""
    if path not in found.theirs:
        return ground.files.text(path)
    blob = found.theirs.pop(path)
    return None if blob is None else ground.files.api.text(blob)


def _accepted(text: str | None, ground: Ground) -> Permissions:
    found = () if text is None else parse_accepted(text, source=ground.permissions)
    return {one.key: one for one in found}


def _entry(text: str, path: str) -> Baseline:
    (entry,) = load_baselines({path: text}, hardware_key=PurePosixPath(path).parent.name).values()
    return entry
