"""What a proposal changes in the baselines: the pull request's title, body and last words.

A maintainer who approves must see what got looser, why, and until when; then what got tighter, what
is new, and where it was measured. May not decide anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from perfgate.baselines.ask import Ask
from perfgate.baselines.change import CaseChange, MetricChange
from perfgate.baselines.proposal import Offer
from perfgate.report.escape import escape_markdown, one_line
from perfgate.report.page import render
from perfgate.report.sentences import short
from perfgate.report.state import safe_url
from perfgate.report.tables import cells_table, size
from perfgate.report.words import NOTHING, change, count, figures
from perfgate.verdict.metrics import END_TO_END

# "body is too long (maximum is 65536 characters)" holds for pull requests too; what the job notes
# there for its successors takes up to 2,000 of them.
MAX_BODY_CHARS = 63_536
_NAME_CHARS = 64
_SCALES = (1.0, 0.5, 0.2, 0.05)
"""Shares of what tables and lists usually hold, tried until the body is short enough."""
_TABLE_BYTES = 12_000
_LINES = 30

_HEADERS = ("case", "metric", "old", "new", "change", "since first", "since best", "launches", "±")
_ALIGNED = ("left", "left", *("right",) * 7)
_HOW_TO_EXPLAIN = (
    "Measure again with a reason: `perfgate baseline propose --reason '…' --issue URL --expires "
    "YYYY-MM-DD`, or the action's inputs `reason`, `issue` and `expires` in a run by hand. "
    "Or write it here, where comments are answered: `/perfgate accept CASE [METRIC] until "
    "YYYY-MM-DD because … #ISSUE`; the next job takes it. "
    "Or mend it: the next measurement that is back at the old figures closes this."
)
_WORKFLOWS_WAIT = (
    "Opened with the job's own token: on github.com the workflows of this pull request wait for "
    "*Approve workflows to run*, on GitHub Enterprise Server none starts. Give the input "
    "`github-token` the token of a GitHub App (`actions/create-github-app-token`) and they run."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """All that the pull request says of itself.

    ``cases`` counts the suite's cases; ``conflicts`` are sentences about what somebody else
    changed, ``refused`` what was measured and is no baseline, with the reason; ``own_token`` says
    that its workflows do not start by themselves; ``acceptances_url`` is where the file with the
    permissions can be read. ``asks`` are what people asked for in comments and what each waits for.
    """

    hardware_key: str
    base: str
    cases: int
    offers: tuple[Offer, ...]
    conflicts: tuple[str, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()
    own_token: bool = False
    acceptances_url: str = ""
    asks: tuple[tuple[Ask, str], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Part:
    title: str
    table: str
    left_out: str
    lines: tuple[str, ...] = field(default=())


def proposal_title(told: Told) -> str:
    """``perf baselines: nvidia-h100-80gb-hbm3-x1, 3 of 41 cases``."""
    if not told.offers:
        asked = count(len(told.asks), "request")
        return one_line(f"perf baselines: {told.hardware_key}, {asked}", limit=200)
    cases = f"{len(told.offers)} of {count(told.cases, 'case')}"
    return one_line(f"perf baselines: {told.hardware_key}, {cases}", limit=200)


def proposal_lines(offers: Sequence[Offer]) -> tuple[str, ...]:
    """A line a case, for the commit's message."""
    return tuple(one_line(f"{one.change.case}: {_in_words(one.change)}") for one in offers)


def render_proposal(told: Told) -> str:
    """The pull request's body; of what finds no room it says how much that is."""
    text = ""
    for scale in _SCALES:
        text = _body(told, room=int(scale * _TABLE_BYTES), lines=max(3, int(scale * _LINES)))
        if size(text) <= MAX_BODY_CHARS:
            return text
    return text[: MAX_BODY_CHARS // 4]


def returned_text(*, base: str, back: Sequence[str], conflicts: Sequence[str], run_url: str) -> str:
    """Why the pull request is closed: the last words in it."""
    url = safe_url(run_url)
    job = f" ([the job]({url}))" if url else ""
    if back:
        cases = ", ".join(_bold(case) for case in back[:_LINES])
        first = f"Measured again{job}: {cases} is back at what {escape_markdown(base)} holds."
    else:
        first = f"Nothing of this is left to propose to {escape_markdown(base)}{job}."
    lines = "".join(f"\n- {escape_markdown(one, limit=400)}" for one in conflicts[:_LINES])
    return f"{first} This pull request is closed; its branch stays.\n{lines}".rstrip() + "\n"


def stuck_text(why: str) -> str:
    """What a person has to do before anything is pushed again."""
    return f"{escape_markdown(why, limit=700)}\n"


def _body(told: Told, *, room: int, lines: int) -> str:
    changes = [one.change for one in told.offers]
    unexplained = [
        f"{_bold(one.case)} {_bold(name)}" + _by_how_much(one, name)
        for one in changes
        for name in one.unexplained
    ]
    return render(
        "proposal.md.j2",
        opening=_opening(told),
        unexplained=_cut(unexplained, lines),
        how_to_explain=_HOW_TO_EXPLAIN,
        conflicts=_cut(told.conflicts, lines // 2 + 1),
        parts=[
            part
            for part in (
                _looser(changes, told.acceptances_url, room=room, lines=lines),
                _tighter(changes, room=room, lines=lines),
                _new(changes, room=room, lines=lines),
                _others(changes, room=room, lines=lines),
            )
            if part is not None
        ],
        refused=told.refused[: lines // 2 + 1],
        measured=_cut(_measured(told.offers), lines // 2 + 1),
        checks=_checks(changes, told.conflicts) if changes else (),
        asks=_cut([ask_line(ask, why) for ask, why in told.asks], lines),
        token_note=_WORKFLOWS_WAIT if told.own_token else "",
    )


def ask_line(ask: Ask, why: str = "") -> str:
    """What was asked for, by whom and where, and what it waits for."""
    url, issue = safe_url(ask.url), safe_url(ask.issue)
    what = (
        f"{_bold(ask.case)}: its newest figures"
        if ask.kind == "update"
        else f"{_bold(f'{ask.case} {ask.metric}'.strip())} may be slower until **{ask.expires}**"
    )
    asked = f"[asked for]({url})" if url else "asked for"
    told = f"{what}, {asked} by {escape_markdown(ask.asked_by)} on {ask.asked_on}"
    if ask.reason:
        told += f": {escape_markdown(ask.reason)}" + (f" ([issue]({issue}))" if issue else "")
    return f"{told}. It waits: {escape_markdown(why)}." if why else f"{told}."


def given_up_text(ask: Ask, why: str) -> str:
    """Why something that was asked for will not be done."""
    return f"{ask_line(ask)} This cannot be carried out: {escape_markdown(why)}.\n"


def _opening(told: Told) -> str:
    if not told.offers:
        return (
            f"Nothing is measured for this yet on {told.hardware_key}: the next job on {told.base} "
            "carries out what is asked for below with its own figures. Close this pull request to "
            "take the requests back."
        )
    differ = "differs" if len(told.offers) == 1 else "differ"
    return (
        f"On {told.hardware_key} {len(told.offers)} of {count(told.cases, 'case')} {differ} from "
        f"what {told.base} holds. Every figure comes from the launches that stand below it in its "
        "file; none was written by hand."
    )


def _looser(
    changes: Sequence[CaseChange], acceptances_url: str, *, room: int, lines: int
) -> _Part | None:
    why = []
    where = safe_url(acceptances_url)
    accepted = f"[accepted]({where})" if where else "accepted"
    for one in changes:
        for granted in one.acceptances:
            url = safe_url(granted.issue)
            issue = f" ([issue]({url}))" if url else ""
            why.append(
                f"{_bold(one.case)} {_bold(granted.metric)}: "
                f"{escape_markdown(granted.reason, limit=300)}{issue}, {accepted} until "
                f"**{granted.expires.isoformat()}**, never above "
                f"{change(granted.ceiling)} over "
                f"{_figure(granted.reference.value, granted.reference.unit)} "
                f"(`{short(granted.reference.commit)}`)"
            )
    why += _notes(one for one in changes if one.kind == "updated" and one.looser)
    return _section("Looser", changes, lambda one: one.looser, why, room=room, lines=lines)


def _tighter(changes: Sequence[CaseChange], *, room: int, lines: int) -> _Part | None:
    why = [
        f"{_bold(one.case)} {_bold(name)} is fast again: its acceptance goes"
        for one in changes
        for name in one.paid
    ]
    why += _notes(one for one in changes if one.kind == "updated" and _only_tighter(one))
    return _section("Tighter", changes, lambda one: one.tighter, why, room=room, lines=lines)


def _new(changes: Sequence[CaseChange], *, room: int, lines: int) -> _Part | None:
    fresh = [one for one in changes if one.kind != "updated"]
    title = "New or changed workload"
    return _section(title, fresh, _whole, _notes(fresh), room=room, lines=lines)


def _others(changes: Sequence[CaseChange], *, room: int, lines: int) -> _Part | None:
    """Cases that are offered though no figure moved: other software, an acceptance that ended."""
    rest = [one for one in changes if not one.moved]
    title = "Neither looser nor tighter"
    return _section(title, rest, _whole, _notes(rest), room=room, lines=lines)


def _only_tighter(change: CaseChange) -> bool:
    return bool(change.tighter) and not change.looser


def _whole(change: CaseChange) -> tuple[MetricChange, ...]:
    return tuple(metric for metric in change.metrics if metric.metric == END_TO_END)


def _notes(changes: Iterable[CaseChange]) -> list[str]:
    return [f"{_bold(one.case)}: {escape_markdown(note)}" for one in changes for note in one.notes]


def _section(
    title: str,
    changes: Sequence[CaseChange],
    rows_of: Callable[[CaseChange], tuple[MetricChange, ...]],
    why: Sequence[str],
    *,
    room: int,
    lines: int,
) -> _Part | None:
    cells = [_cells(one.case, metric) for one in changes for metric in rows_of(one)]
    if not cells and not why:
        return None
    table = cells_table(_HEADERS, cells, aligned=_ALIGNED, room=room)
    return _Part(
        title=title,
        table=table.text,
        left_out=count(table.left_out, "row") if table.left_out else "",
        lines=_cut(why, lines),
    )


def _cells(case: str, metric: MetricChange) -> tuple[str, ...]:
    names = (escape_markdown(name, limit=_NAME_CHARS) for name in (case, metric.metric))
    return (*names, *_values(metric))


def _values(metric: MetricChange) -> tuple[str, ...]:
    old, new, unit = figures(metric.old, metric.new, metric.unit)
    # A figure is its own first and best where there was none before.
    past = (None, None) if metric.old is None else (metric.against_first, metric.against_best)
    return (
        f"{old} {unit}" if metric.old is not None else NOTHING,
        f"{new} {unit}" if metric.new is not None else NOTHING,
        change(metric.ratio),
        *(change(ratio) for ratio in past),
        f"{metric.launches} in {count(metric.jobs, 'job')}",
        NOTHING if metric.variation is None else f"{100 * metric.variation:.2g} %",
    )


def _measured(offers: Sequence[Offer]) -> list[str]:
    jobs: dict[tuple[str, str, str], list[str]] = {}
    for one in offers:
        jobs.setdefault((one.commit, one.date, safe_url(one.run_url)), []).append(one.change.case)
    told = []
    for (commit, date, url), cases in jobs.items():
        where = f"[the job]({url})" if url else "a job outside of GitHub Actions"
        named = ", ".join(_bold(case) for case in cases[:10])
        more = f" and {len(cases) - 10} more" if len(cases) > 10 else ""
        dirty = " with changes that are not committed" if commit.endswith("-dirty") else ""
        when = escape_markdown(date[:10])
        told.append(f"{named}{more}: {where}, `{short(commit)}`{dirty}, {when}")
    return told


def _checks(changes: Sequence[CaseChange], conflicts: Sequence[str]) -> list[str]:
    checks = []
    if any(one.looser or one.unexplained for one in changes):
        checks.append("Each slowdown above is known, and its reason, issue and end are right.")
    if any(one.tighter for one in changes):
        checks.append("What got faster still does the same work.")
    if any(one.kind == "changed workload" for one in changes):
        checks.append("Each changed workload was meant to change.")
    if any(one.kind == "new" for one in changes):
        checks.append("The new cases measure what they are named for.")
    if conflicts:
        checks.append("What somebody else changed is right as it stands.")
    return [*checks, "The jobs ran on a machine, and a commit, that a baseline may rest on."]


def _by_how_much(one: CaseChange, name: str) -> str:
    found = next((metric for metric in one.metrics if metric.metric == name), None)
    return "" if found is None else f" {change(found.ratio)}"


def _in_words(one: CaseChange) -> str:
    if one.kind != "updated":
        return one.kind
    moved = [f"{m.metric} {change(m.ratio)}" for m in (*one.looser, *one.tighter)]
    return ", ".join(moved) or "unchanged"


def _figure(value: float, unit: str) -> str:
    shown, _, name = figures(value, None, "MiB" if unit == "MiB" else "ms")
    return f"{shown} {name}"


def _bold(text: str) -> str:
    return f"**{escape_markdown(text, limit=_NAME_CHARS)}**"


def _cut(lines: Sequence[str], most: int) -> tuple[str, ...]:
    if len(lines) <= most:
        return tuple(lines)
    return (*lines[:most], f"and {len(lines) - most} more")
