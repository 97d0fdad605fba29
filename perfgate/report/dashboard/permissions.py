"""Permissions to be slower and creep as rows, the same for the page and the markdown."""

from __future__ import annotations

from dataclasses import dataclass

from perfgate.report.dashboard.kept import Kept, metric_of
from perfgate.report.dashboard.links import Links
from perfgate.report.dashboard.told import NAME_CHARS, TEXT_CHARS, figure, metric_name
from perfgate.report.escape import one_line
from perfgate.report.words import change, count
from perfgate.verdict.acceptance import WARN_DAYS


@dataclass(frozen=True, kw_only=True, slots=True)
class ToldAccepted:
    """One permission; ``urgent`` where it is over or soon will be."""

    case: str
    machine: str
    metric: str
    reference: str
    at_most: str
    until: str
    left: str
    urgent: bool
    reason: str
    issue: str
    issue_link: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ToldCrept:
    """One figure of a baseline beside the first that was accepted."""

    case: str
    machine: str
    metric: str
    first: str
    best: str
    now: str
    change: str


def told_accepted(kept: Kept, links: Links, *, most: int) -> list[ToldAccepted]:
    """Permissions, those that end first at the top."""
    found = sorted(kept.accepted, key=lambda one: (one.expires, one.key))[:most]
    return [
        ToldAccepted(
            case=one_line(one.case, limit=NAME_CHARS),
            machine=one_line(one.hardware, limit=NAME_CHARS),
            metric=metric_name(metric_of(one.metric)),
            reference=figure(one.reference.value, one.reference.unit),
            at_most=change(one.ceiling),
            until=one.expires.isoformat(),
            left="over" if (days := one.days_left(kept.today)) < 0 else count(days, "day"),
            urgent=days <= WARN_DAYS,
            reason=one_line(one.reason, limit=TEXT_CHARS),
            issue=one_line(one.issue, limit=TEXT_CHARS),
            issue_link=links.on_server(one.issue),
        )
        for one in found
    ]


def told_crept(kept: Kept, *, most: int) -> list[ToldCrept]:
    """What has crept most, first."""
    return [
        ToldCrept(
            case=one_line(one.case, limit=NAME_CHARS),
            machine=one_line(one.hardware_key, limit=NAME_CHARS),
            metric=metric_name(metric_of(one.metric)),
            first=figure(one.first, one.unit),
            best=figure(one.best, one.unit),
            now=figure(one.now, one.unit),
            change=change(one.now / one.first),
        )
        for one in kept.crept[:most]
    ]
