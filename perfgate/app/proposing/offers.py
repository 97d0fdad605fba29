"""What is to be proposed: what these records say, beside what earlier jobs offered.

Reads the base branch and the proposal's branch as they were found; pure but for that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from perfgate.app.keeping.keep import files_needed, updated
from perfgate.app.proposing.asks import asks_for, carry_out, waiting, who_wants
from perfgate.app.proposing.carried import carried
from perfgate.app.proposing.ground import (
    Ground,
    Offers,
    Permissions,
    accepted_in,
    covers,
    entry_in,
    moved_since,
)
from perfgate.baselines.accepted import render_accepted
from perfgate.baselines.ask import Ask
from perfgate.baselines.change import CaseChange
from perfgate.baselines.native import Baseline
from perfgate.baselines.permit import upper_bound
from perfgate.baselines.proposal import Offer
from perfgate.baselines.sglang_edit import figures_of, updated_scenario
from perfgate.errors import BaselineError
from perfgate.github.branches import blob_id


def offers_on(ground: Ground, *, only: Sequence[str] = ()) -> Offers:
    """Everything that is to stand on the branch.

    Raises BaselineError for files of the base branch that cannot be trusted.
    """
    at_base = accepted_in(ground.files.text(ground.permissions), ground)
    found = carried(ground, at_base)
    known = [case.id for case in ground.suite.cases]
    found.asks, found.given_up = waiting(ground)
    measured = dict.fromkeys(case.id for record in ground.records for case in record.cases)
    for case in only or measured:
        if case not in known:
            found.refused[case] = f"the suite on {ground.base} has no such case"
        elif _is_untouched(ground, found, case):
            _measure(ground, found, case, at_base)
    return found


def _is_untouched(ground: Ground, found: Offers, case: str) -> bool:
    """Whether nobody changed the case's figures since it was measured."""
    path = ground.path_of(case)
    if path in ground.standing.theirs:
        return False
    for one in ground.measured:
        moved = moved_since(ground, case, one)
        if moved is not None:
            found.conflicts[moved] = (
                f"{moved} was changed on {ground.base} after {one.commit[:12]}, where {case} was "
                "measured; it stays as it is. Measure again."
            )
            return False
    return True


def _measure(ground: Ground, found: Offers, case: str, at_base: Permissions) -> None:
    """Offer what the records say of a case, or take back what was offered for it."""
    held = found.entries.pop(case, None)
    asks = asks_for(case, found.asks)
    try:
        change, text, accepted = _updated(ground, case, found.accepted, asks)
    except BaselineError as error:
        found.refused[case] = f"{error.problem}. {error.fix}"
        found.asks |= dict.fromkeys(asks, "what was measured of it is no baseline")
        if held is not None:
            found.entries[case] = held
        return
    measured = change
    change = _explained(change, found.accepted, at_base, today=ground.today)
    asked = bool(change.paid or change.acceptances or change.unexplained != measured.unexplained)
    entry = entry_in(text, ground.path_of(case))
    wanted = who_wants(asks) or (held[0].asked if held is not None else "")
    if wanted:
        change = change.model_copy(update={"notes": (*change.notes, wanted)})
    if measured.moved and not asked and not wanted and not _is_sure(ground, measured, entry):
        found.unsure[case] = (
            f"{case} differs from what {ground.base} holds, but by no more than its own launches "
            "scatter: nothing is proposed for it before a job is surer."
        )
        if held is not None:
            found.entries[case] = held
        return
    if not (change.moved or asked or change.notes):
        found.asks |= dict.fromkeys(asks, f"nothing of it is slower on {ground.base}")
        found.back.append(case)
        for metric in change.metrics:
            key = (ground.key, case, metric.metric)
            found.accepted.pop(key, None)
            if key in at_base:
                found.accepted[key] = at_base[key]
        return
    found.accepted = accepted
    carry_out(found, asks, change)
    newest = ground.records[-1]
    offer = Offer(
        change=change,
        commit=newest.head.commit + ("-dirty" if newest.head.dirty else ""),
        date=newest.created_at,
        run_url=ground.run_url,
        asked=wanted,
    )
    found.entries[case] = (offer, text)


def _is_sure(ground: Ground, change: CaseChange, entry: Baseline) -> bool:
    """Whether more than the noise of these very launches tells the entry from the one at base."""
    base = ground.files.text(ground.path_of(change.case))
    if change.kind != "updated" or (
        base is not None
        and entry_in(base, ground.path_of(change.case)).must_match != entry.must_match
    ):
        return True
    ratios = {one.metric: one.ratio or 1.0 for one in (*change.looser, *change.tighter)}
    return any(
        max(ratio, 1.0 / ratio) > upper_bound(entry, name) / entry.derived.metrics[name].value
        for name, ratio in ratios.items()
    )


def _updated(
    ground: Ground, case: str, accepted: Permissions, asks: Sequence[Ask]
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
    request = replace(ground.request, workload_changed=True, asks=tuple(asks))
    paths = files_needed(ground.suite, ground.records, only=[case])
    files = {path: text for path in paths if (text := ground.files.text(path)) is not None}
    files[ground.permissions] = render_accepted(accepted.values())
    update = updated(
        files, ground.suite, ground.records, at=ground.at, request=request, only=[case]
    )
    permissions = update.texts.get(ground.permissions, files[ground.permissions])
    (change,) = update.changes
    return change, update.texts[ground.path_of(case)], accepted_in(permissions, ground)


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
        if at_base.get(key) != one and name in unexplained and covers(one, figure):
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
            told = figures_of(entry_in(text, path))
            whole = updated_scenario(whole, case, told, source=foreign)
    if foreign is not None and whole is not None:
        texts[foreign] = whole
    at_base = accepted_in(ground.files.text(ground.permissions), ground)
    if at_base != offers.accepted:
        texts[ground.permissions] = render_accepted(offers.accepted.values())
    return {path: text for path, text in texts.items() if blob_id(text) != ground.files.blob(path)}
