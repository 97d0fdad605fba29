"""The pull-request comment: a decision in, markdown out, never longer than GitHub takes.

A reviewer has five seconds: is it slower, where, by how much, can I believe it, what now.
Everything else folds, and what is least important goes first when there is no room.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from perfgate.records import Decision
from perfgate.records.explained import Explanation
from perfgate.report.answers import MAX_ANSWERS_BYTES, Answer, with_answers
from perfgate.report.conclusion import headline
from perfgate.report.escape import escape_markdown
from perfgate.report.explanation_fold import explanation_fold
from perfgate.report.order import ordered_cases, plainly_unchanged
from perfgate.report.page import (
    Fold,
    Page,
    fitting,
    left_out,
    log_fold,
    measured_fold,
    opening,
    render,
    unchanged_fold,
    warnings_fold,
)
from perfgate.report.past import accepted_fold, creep_fold
from perfgate.report.rows import Row, all_rows, case_row, notable_rows
from perfgate.report.sentences import comment_commands, short
from perfgate.report.state import (
    MAX_EARLIER,
    Earlier,
    belongs_to,
    bounded,
    key_in,
    marker,
    read_history,
    safe_url,
    slug,
    state_line,
)
from perfgate.report.tables import Table, cells_table, rows_table, size

__all__ = [
    "Earlier",
    "Links",
    "belongs_to",
    "key_in",
    "marker",
    "read_history",
    "render_comment",
    "slug",
]

# "body is too long (maximum is 65536 characters)", the API's answer; it is not in the docs.
# https://github.com/actions/dependency-review-action/issues/730
MAX_COMMENT_CHARS = 65_536
_ROOM_FOR_NOTICES = 1_000
_MAX_SENTENCES = 5
_MAX_LOGS = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Links:
    """Where more is to be found, and when and by which job of a run this was said.

    Rendering knows no clock and no run of its own.
    """

    run_url: str = ""
    summary_url: str = ""
    artifact_url: str = ""
    when: str = ""
    job: str = ""


def render_comment(
    decision: Decision,
    *,
    history: Sequence[Earlier] = (),
    answers: Sequence[Answer] = (),
    links: Links | None = None,
    key: str = "",
    explanation: Explanation | None = None,
) -> str:
    """The whole comment; ``history`` and ``answers`` are what the comment so far remembers, oldest
    first. Room for answers to commands is left even where there are none yet. ``key`` tells the
    comment from others of its suite. ``explanation`` is of the same two trees.
    """
    links = links or Links()
    now = result_of(decision, links)
    earlier = [one for one in history if (one.commit, one.run_url) != (now.commit, now.run_url)]
    earlier = earlier[-(MAX_EARLIER - 1) :]
    page = _opening(decision, links)

    def text(page: Page) -> str:
        return render(
            "comment.md.j2",
            marker=marker(decision.suite, key),
            state=state_line([*earlier, now]),
            headline=headline(decision),
            page=page,
        )

    logs = log_fold(decision, max_logs=_MAX_LOGS)
    job = {"the job": safe_url(links.run_url), "its files": safe_url(links.artifact_url)}
    measured = measured_fold(decision, job)
    warned = warnings_fold(decision)
    whole = replace(page, folds=tuple(one for one in (logs, warned, measured) if one))
    page = fitting(whole, text, room=MAX_COMMENT_CHARS // 2)
    room = MAX_COMMENT_CHARS - size(text(page)) - _ROOM_FOR_NOTICES - MAX_ANSWERS_BYTES
    table, named, past = _cut_to(room, decision, earlier, explanation)
    cut = table.left_out + sum(fold.left_out for fold in named if fold)
    gone = {*whole.folds} - {*page.folds}
    why, *figures = named
    folds = (why, logs, warned, *figures, measured, past)
    result = text(
        replace(
            page,
            table=table.text,
            left_out=left_out(cut, parts=page is not whole),
            folds=tuple(fold for fold in folds if fold and fold.body and fold not in gone),
        )
    )
    return with_answers(result, answers) if answers else result


def result_of(decision: Decision, links: Links) -> Earlier:
    """This result as later comments will remember it."""
    return bounded(
        Earlier(
            commit=decision.head.commit if decision.head else "unknown",
            verdict=str(decision.verdict),
            headline=headline(decision),
            when=links.when,
            run_url=links.run_url,
            job=links.job,
        )
    )


def _opening(decision: Decision, links: Links) -> Page:
    summary = safe_url(links.summary_url or links.run_url)
    place = f"[job summary]({summary})" if summary else "job summary"
    page = opening(decision, max_sentences=_MAX_SENTENCES)
    return replace(page, everything=f"the {place} has more", commands=comment_commands(decision))


def _cut_to(
    room: int, decision: Decision, earlier: Sequence[Earlier], explanation: Explanation | None
) -> tuple[Table, tuple[Fold | None, ...], Fold | None]:
    """The parts that may be cut, in ``room`` together: the most important takes its part first.

    The table, why it is slower, the folds of figures in their order, and the earlier results.
    """
    rows = [row for case in ordered_cases(decision) for row in notable_rows(case)]
    table = rows_table(rows, room=room)
    room -= size(table.text)
    folds = [explanation_fold(decision, explanation, room=room)]
    room -= _size(folds[-1])
    for fold_of in (unchanged_fold, accepted_fold, creep_fold):
        folds.append(fold_of(decision, room=room))
        room -= _size(folds[-1])
    past = _earlier_fold(earlier, room=room)
    folds.append(_figures_fold(decision, shown=rows, room=room - _size(past)))
    return table, tuple(folds), past


def _size(fold: Fold | None) -> int:
    return size(fold.body) if fold else 0


def _figures_fold(decision: Decision, *, shown: Sequence[Row], room: int) -> Fold | None:
    cases = ordered_cases(decision)
    rows = [row for case in cases for row in all_rows(case) if row.metric]
    elsewhere = {*shown, *(case_row(case) for case in cases if plainly_unchanged(case))}
    if elsewhere.issuperset(rows):
        return None
    table = rows_table(rows, room=room)
    return Fold(title="Every figure", body=table.text, left_out=table.left_out)


def _earlier_fold(earlier: Sequence[Earlier], *, room: int) -> Fold | None:
    if not earlier:
        return None
    cells = []
    for one in reversed(earlier):
        url, said = safe_url(one.run_url), escape_markdown(one.headline)
        where = f"[{said}]({url})" if url else said
        cells.append((f"`{short(one.commit)}`", escape_markdown(one.when), where))
    table = cells_table(("commit", "when", "result"), cells, aligned=("left",) * 3, room=room)
    return Fold(title="Earlier results in this pull request", body=table.text)
