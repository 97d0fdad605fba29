"""What the proposal's branch holds already: offers of earlier jobs, and changes by somebody else.

Nothing on it is believed, and nothing that somebody else changed is overwritten.
"""

from __future__ import annotations

import re

from perfgate.app.proposing.ground import (
    Ground,
    Offers,
    Permissions,
    accepted_in,
    covers,
    entry_in,
    moved_since,
)
from perfgate.baselines.change import CaseChange
from perfgate.baselines.margins import Margins
from perfgate.baselines.update import changes_since, figures
from perfgate.errors import BaselineError
from perfgate.records import CASE_ID
from perfgate.verdict.hierarchy import is_device

_CASE = re.compile(CASE_ID)


def carried(ground: Ground, at_base: Permissions) -> Offers:
    """What stays on the branch whatever is measured now; ``at_base`` are the base's permissions."""
    found = Offers()
    _keep_theirs(ground, found)
    found.accepted = dict(at_base)
    if ground.permissions in found.theirs:
        blob = found.theirs.pop(ground.permissions)
        try:
            text = None if blob is None else ground.files.api.text(blob)
            found.accepted = accepted_in(text, ground)
        except BaselineError as error:
            found.stuck = f"On this branch {error.problem}. Nothing was pushed: mend it there."
    _carry(ground, found)
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
        moved = moved_since(ground, case, ground.parted)
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
    entry, base = entry_in(text, path), ground.files.text(path)
    if base is None and ground.foreign is not None:
        return told
    earlier = None if base is None else entry_in(base, path)
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
        and not covers(accepted.get((ground.key, told.case, one.metric)), one.new)
    )
    kind = "updated" if same else "new" if earlier is None else "changed workload"
    return told.model_copy(update={"metrics": metrics, "unexplained": unexplained, "kind": kind})
