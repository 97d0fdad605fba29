"""The check run of a decision: its name, its page, and a line for each case; may not decide.

Its page is markdown like the comment's; what stands beside the suite file is plain text.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal

from perfgate.records import CaseDecision, Decision, Verdict
from perfgate.report.conclusion import headline
from perfgate.report.escape import one_line
from perfgate.report.order import ordered_cases
from perfgate.report.page import Page, fitting, left_out, measured_fold, opening, render
from perfgate.report.rows import Row, case_row, notable_rows
from perfgate.report.sentences import told
from perfgate.report.state import slug
from perfgate.report.tables import rows_table, size
from perfgate.report.words import case_word

# "summary exceeds a maximum bytesize of 65535": https://github.com/dorny/test-reporter/issues/57
MAX_CHECK_BYTES: Final = 65_535
MAX_TITLE_CHARS: Final = 250
MOST_LINES: Final = 250
"""More than anybody reads beside one file: the page has every case."""
_ROOM_FOR_NOTICES: Final = 200
_MAX_SENTENCES: Final = 5
_MAX_METRICS: Final = 8

Level = Literal["failure", "warning", "notice"]
_LEVELS: Final[dict[Verdict, Level]] = {
    Verdict.REGRESSED: "failure",
    Verdict.FAILED: "failure",
    Verdict.MISSING: "warning",
    Verdict.INCOMPARABLE: "warning",
    Verdict.INCONCLUSIVE: "warning",
    Verdict.ACCEPTED: "notice",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """What is said beside the line of a case in the suite file."""

    case: str
    level: Level
    title: str
    message: str


def check_name(suite: str, key: str = "") -> str:
    """``perfgate/<suite>``, which a branch's protection can ask for; a key comes behind it."""
    # A slash would make it another suite's key.
    plain = suite == one_line(suite, limit=60) and "/" not in suite
    name = suite if plain else slug(suite)
    return f"perfgate/{name}/{key}" if key else f"perfgate/{name}"


def check_title(decision: Decision) -> str:
    """The headline, in the one line that GitHub shows of a check."""
    return one_line(headline(decision), limit=MAX_TITLE_CHARS)


def render_check(decision: Decision) -> str:
    """The page: sentences, next step and table, the worst case first, within GitHub's limit."""
    page = opening(decision, max_sentences=_MAX_SENTENCES)
    measured = measured_fold(decision)
    whole = replace(
        page, folds=(measured,) if measured else (), everything="the job summary has all of them"
    )
    page = fitting(whole, _text, room=MAX_CHECK_BYTES // 2)
    rows = [row for case in ordered_cases(decision) for row in _rows(case)]
    table = rows_table(rows, room=MAX_CHECK_BYTES - size(_text(page)) - _ROOM_FOR_NOTICES)
    lacking = left_out(table.left_out, parts=page is not whole)
    text = _text(replace(page, table=table.text, left_out=lacking))
    return text if text.strip() else "Nothing was measured.\n"


def _text(page: Page) -> str:
    return render("check.md.j2", page=page)


def _rows(case: CaseDecision) -> tuple[Row, ...]:
    return notable_rows(case) or (case_row(case),)


def check_lines(decision: Decision) -> tuple[Line, ...]:
    """What is said beside the cases that are not simply well, worst first."""
    worth = [case for case in ordered_cases(decision) if case.verdict in _LEVELS]
    return tuple(
        Line(
            case=case.id,
            level=_LEVELS[case.verdict],
            title=one_line(f"{case.id}: {case_word(case)}", limit=MAX_TITLE_CHARS),
            message="\n".join(_said(case)),
        )
        for case in worth[:MOST_LINES]
    )


def _said(case: CaseDecision) -> list[str]:
    figures = [
        one_line(f"{row.metric}: {row.base} → {row.head}, {row.change}")
        for row in notable_rows(case)[:_MAX_METRICS]
    ]
    return [one_line(str(told(case)), limit=700), *figures]
