"""What tracking needs from a real process: event, history, token, GitHub, clock.

Whatever GitHub refuses is a warning, and an exit code only when that is asked for.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from perfgate.app.publishing.edges import RealEdges
from perfgate.app.tracking.pictures import Pictures
from perfgate.app.tracking.track import Outcome, Tracking, no_picture, plan, track
from perfgate.errors import ConfigurationError, ExitCode, PublishError
from perfgate.github.event import LOCAL, Event, read_event
from perfgate.history.branch import Branch
from perfgate.history.opening import open_store
from perfgate.history.read import read_history
from perfgate.history.store import Store
from perfgate.report.tracker import Place
from perfgate.verdict.standing import Margins, standing

if TYPE_CHECKING:
    from perfgate.github.tracker import GitHubIssues

_REPOSITORY: Final = re.compile(r"[A-Za-z0-9._-]{1,100}/[A-Za-z0-9._-]{1,100}")
_MOST_TOLD: Final = 10
_OTHER_BRANCH: Final = (
    "No issue is opened: this run of {event} is not about the default branch. Track on schedule, "
    "or with --dry-run to see what would be done."
)
_NOBODY_TO_ASK_AS: Final = (
    "No issue is opened: there is no token. Set GITHUB_TOKEN to one with `issues: write`, or see "
    "with --dry-run what would be done."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class TrackRequest:
    """The command's arguments; ``source`` names a store.

    ``margin`` and ``stage_margin`` are the slowdowns that count, as fractions; ``recent_days`` is
    how old the last point of a line may be. With ``pictures`` the charts go on the branch that
    ``source`` names.
    """

    source: str
    repository: str | None = None
    margin: float = Margins().end_to_end
    stage_margin: float = Margins().part
    recent_days: float = 7.0
    pictures: bool = False
    dry_run: bool = False
    strict: bool = False


def track_here(
    request: TrackRequest, environ: Mapping[str, str]
) -> tuple[Outcome | None, ExitCode]:
    """Track from this process; None where there was nothing to ask GitHub for.

    Raises ConfigurationError where the history cannot be read, or where nothing says in which
    repository the issues are.
    """
    event = _event(request, environ)
    edges = RealEdges(event)
    failed = ExitCode.PUBLISH if request.strict else ExitCode.OK
    token = environ.get("GITHUB_TOKEN", "")
    if not request.dry_run and event.name != LOCAL and not event.on_default_branch:
        edges.say("notice", _OTHER_BRANCH.format(event=event.name))
        return None, ExitCode.OK
    if not request.dry_run and not token:
        edges.say("notice", _NOBODY_TO_ASK_AS)
        return None, failed
    with tempfile.TemporaryDirectory(prefix="perfgate-", ignore_cleanup_errors=True) as scratch:
        store = open_store(request.source, start=Path.cwd(), environ=environ, scratch=Path(scratch))
        place = Place(url=f"{event.server_url}/{event.repository}")
        pictures = _pictures(request, store, place)
        tracking = _tracking(request, store, place, edges)
        try:
            outcome = _asked(request, event, token, tracking, edges, pictures)
        except PublishError as error:
            edges.say("warning", f"The regressions could not be tracked. {error}")
            return None, failed
    for problem in (*outcome.problems, *([pictures.problem] if pictures else [])):
        if problem:
            edges.say("warning", problem)
    return outcome, failed if outcome.problems else ExitCode.OK


def _event(request: TrackRequest, environ: Mapping[str, str]) -> Event:
    event = read_event(environ, lambda path: Path(path).read_text(encoding="utf-8"))
    if request.repository is not None:
        if not _REPOSITORY.fullmatch(request.repository):
            raise ConfigurationError(
                f"{request.repository!r} names no repository", fix="Give --repository OWNER/NAME."
            )
        return replace(event, repository=request.repository)
    if event.repository is None and not request.dry_run:
        raise ConfigurationError(
            "this is no GitHub Actions run, so that nothing says where to open issues",
            fix="Give --repository OWNER/NAME and a token in GITHUB_TOKEN, or --dry-run.",
        )
    return event


def _pictures(request: TrackRequest, store: Store, place: Place) -> Pictures | None:
    if not request.pictures or request.dry_run:
        return None
    if not isinstance(store, Branch):
        raise ConfigurationError(
            f"pictures have to lie on a branch, and {store.told} is none",
            fix="Name a branch with --from branch:NAME, or leave --pictures out.",
        )
    return Pictures(branch=store, place=place)


def _tracking(request: TrackRequest, store: Store, place: Place, edges: RealEdges) -> Tracking:
    now = datetime.now(UTC)
    history = read_history(store, now=now)
    for problem in history.problems[:_MOST_TOLD]:
        edges.say("warning", f"Not read: {problem}")
    if len(history.problems) > _MOST_TOLD:
        edges.say("warning", f"Not read: {len(history.problems) - _MOST_TOLD:,} more files.")
    found = standing(
        history,
        now_s=int(now.timestamp()),
        margins=Margins(end_to_end=request.margin, part=request.stage_margin),
        recent_days=request.recent_days,
    )
    return Tracking(history=history, standing=found, place=place)


def _asked(
    request: TrackRequest,
    event: Event,
    token: str,
    tracking: Tracking,
    edges: RealEdges,
    pictures: Pictures | None,
) -> Outcome:
    if request.dry_run and (not token or event.repository is None):
        edges.say("notice", "Without a token no issue is known: told as if there were none yet.")
        return plan(tracking, None)
    with _open(event, token) as api:
        if request.dry_run:
            return plan(tracking, api)
        return track(tracking, api, sleep=edges.sleep, picture=pictures or no_picture)


def _open(event: Event, token: str) -> GitHubIssues:
    from perfgate.github.tracker import GitHubIssues  # noqa: PLC0415 - PyGithub, for this alone

    return GitHubIssues(token=token, repository=event.repository or "", api_url=event.api_url)
