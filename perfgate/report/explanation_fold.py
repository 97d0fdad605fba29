"""The top rows of an explanation as a fold of the comment; only of cases that are slower.

Its texts may come from a pull request's code: every cell is escaped, and there are few of them.
"""

from __future__ import annotations

from perfgate.records import Decision, Verdict
from perfgate.records.explained import ExplainedCase, Explanation
from perfgate.report.escape import escape_markdown
from perfgate.report.explanation import HEADERS, nothing_of, summary_of, told_row, work_of
from perfgate.report.order import ordered_cases
from perfgate.report.page import Fold
from perfgate.report.tables import cells_table, size
from perfgate.report.words import count

MOST_ROWS_TOLD = 5
_MOST_CASES = 3
_CELL_CHARS = 160
_ALIGNED = ("left", "left", "right", "right", "right")


def explanation_fold(
    decision: Decision, explanation: Explanation | None, *, room: int
) -> Fold | None:
    """Why the slower cases are, the worst first; None where nothing is known of them."""
    known = {case.id: case for case in explanation.cases} if explanation is not None else {}
    slower = [case.id for case in ordered_cases(decision) if case.verdict is Verdict.REGRESSED]
    found = [known[name] for name in slower if name in known]
    parts: list[str] = []
    left_out = 0
    for case in found[:_MOST_CASES]:
        text, cut = _case(case, room=room - size("\n\n".join(parts)))
        parts.append(text)
        left_out += cut
    body = "\n\n".join(parts)
    if not parts or size(body) > room:
        return None
    if len(found) > _MOST_CASES:
        body += f"\n\nAnd {count(len(found) - _MOST_CASES, 'more case')} in explanation.json."
    return Fold(title="Why: what the profiler saw", body=body, left_out=left_out)


def _case(case: ExplainedCase, *, room: int) -> tuple[str, int]:
    name = f"**{escape_markdown(case.id, limit=64)}:**"
    if case.problem:
        return f"{name} not explained: {escape_markdown(case.problem)}", 0
    opening = f"{name} {escape_markdown(summary_of(case))}"
    ending = [f"- {escape_markdown(line)}" for line in work_of(case)]
    if not case.rows:
        return "\n\n".join([f"{opening} {nothing_of(case)}", *filter(None, ["\n".join(ending)])]), 0
    cells = []
    for row in case.rows[:MOST_ROWS_TOLD]:
        told = told_row(row)
        texts = (told.what, told.where, told.calls, told.time, told.change)
        cells.append([escape_markdown(text, limit=_CELL_CHARS) for text in texts])
    more = len(case.rows) - len(cells) + case.rows_left_out
    if more:
        ending.insert(0, f"- And {count(more, 'more row')} in explanation.json.")
    rest = "\n".join(ending)
    table = cells_table(HEADERS, cells, aligned=_ALIGNED, room=room - size(opening) - size(rest))
    return "\n\n".join(filter(None, [opening, table.text, rest])), table.left_out
