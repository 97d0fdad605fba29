"""What a comment and a summary are made of, and their template; may not know their limits.

Long parts are given ``room`` in bytes and say how much of them found none.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from perfgate.records import CaseDecision, Decision, Tree, Verdict
from perfgate.report.conclusion import cost
from perfgate.report.escape import escape_markdown, fenced
from perfgate.report.order import ordered_cases, plainly_unchanged
from perfgate.report.rows import case_row
from perfgate.report.sentences import NextStep, Told, next_step, short, told, warnings
from perfgate.report.split import split_facts
from perfgate.report.tables import rows_table, size
from perfgate.report.words import by_tolerance, count

if TYPE_CHECKING:  # a table on a terminal has no template, and is to answer at once
    import jinja2

BY_FORK = (
    "**Measured by the fork's own code:** its figures are that code's word. The rules they are "
    "judged by are the base's."
)
MAX_NOTES = 12
MAX_WARNINGS = 30
_MAX_FACTS = 40


@dataclass(frozen=True, kw_only=True, slots=True)
class Fold:
    """A part that opens on a click; its title is never text from outside."""

    title: str
    body: str
    left_out: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """Everything that the templates lay out; ``label`` is markdown already.

    ``commands`` are for comments, of nothing that could end a span of code.
    """

    label: str = ""
    problem: str = ""
    interrupted: str = ""
    sentences: tuple[Told, ...] = ()
    notes: tuple[str, ...] = ()
    table: str = ""
    left_out: str = ""
    everything: str = ""
    folds: tuple[Fold, ...] = ()
    next: NextStep | None = None
    commands: tuple[str, ...] = ()


def render(template: str, **values: object) -> str:
    """A template of this room with its values, without runs of empty lines, ending in one."""
    return _templates().get_template(template).render(**values).strip() + "\n"


@functools.cache
def _templates() -> jinja2.Environment:
    import jinja2  # noqa: PLC0415 - see above

    # HTML escaping would break markdown; every value passes escape_markdown or fenced instead.
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("perfgate.report"),
        autoescape=False,  # noqa: S701 - see above
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["markdown"] = lambda text, limit=300: escape_markdown(text, limit=limit)
    return environment


def opening(decision: Decision, *, max_sentences: int) -> Page:
    """The part of a page that is read first, and the next step."""
    spoken = _spoken(decision)
    shown = [told(case) for case in spoken[:max_sentences]]
    if len(spoken) > max_sentences:
        more = count(len(spoken) - max_sentences, "more case")
        shown.append(Told(subject=f"And {more}.", text="All of them are in the tables."))
    notes = decision.notes[:MAX_NOTES]
    if len(decision.notes) > MAX_NOTES:
        notes = (*notes, f"and {count(len(decision.notes) - MAX_NOTES, 'more note')}")
    return Page(
        label=BY_FORK if decision.measured_by_fork else "",
        problem=fenced(decision.problem.problem) if decision.problem else "",
        interrupted=decision.interrupted or "",
        sentences=tuple(shown),
        notes=notes,
        next=next_step(decision),
    )


def _spoken(decision: Decision) -> list[CaseDecision]:
    """Cases that need a sentence: what is only new or faster is told by its rows.

    What is accepted is told by a part of its own.
    """
    quiet = {Verdict.NEW, Verdict.PASSED, Verdict.ACCEPTED}
    cases = [case for case in ordered_cases(decision) if case.verdict not in quiet]
    worse = [case for case in cases if case.verdict is not Verdict.IMPROVED]
    return worse or cases


def fitting(page: Page, lay_out: Callable[[Page], str], *, room: int) -> Page:
    """The page within ``room`` bytes: its largest fold goes first, then notes, then sentences.

    Only hostile names get here: a character may take five bytes once it is escaped.
    """
    while size(lay_out(page)) > room:
        if page.folds:
            largest = max(page.folds, key=lambda fold: size(fold.body))
            page = replace(page, folds=tuple(fold for fold in page.folds if fold is not largest))
        elif page.notes:
            page = replace(page, notes=())
        elif len(page.sentences) > 1:
            page = replace(page, sentences=page.sentences[: len(page.sentences) // 2])
        else:
            break
    return page


def left_out(rows: int, *, parts: bool) -> str:
    """What a page says that it lacks; empty for nothing."""
    told = ([count(rows, "row")] if rows else []) + (["some parts"] if parts else [])
    return " and ".join(told)


def log_fold(decision: Decision, *, max_logs: int) -> Fold | None:
    """The ends of the logs of what failed."""
    logs = [case for case in ordered_cases(decision) if case.log_tail.strip()]
    if not logs:
        return None
    parts = [
        f"**{escape_markdown(case.id)}**\n\n{fenced(case.log_tail)}" for case in logs[:max_logs]
    ]
    if len(logs) > max_logs:
        parts.append(f"And {count(len(logs) - max_logs, 'more log')} in decision.json.")
    title = "The end of its log" if len(logs) == 1 else f"The ends of {len(logs):,} logs"
    return Fold(title=title, body="\n\n".join(parts))


def warnings_fold(decision: Decision) -> Fold | None:
    """What was found beside the times and decides nothing."""
    told = warnings(decision)
    if not told:
        return None
    lines = [
        f"- **{escape_markdown(case_id)}:** {escape_markdown(text)}"
        for case_id, text in told[:MAX_WARNINGS]
    ]
    if len(told) > MAX_WARNINGS:
        lines.append(f"- And {len(told) - MAX_WARNINGS:,} more in decision.json.")
    return Fold(title=count(len(told), "warning"), body="\n".join(lines))


def unchanged_fold(decision: Decision, *, room: int) -> Fold | None:
    """The cases of which one row tells all."""
    cases = [case for case in ordered_cases(decision) if plainly_unchanged(case)]
    if not cases:
        return None
    table = rows_table([case_row(case) for case in cases], room=room)
    ways = {"within tolerance" if by_tolerance(case) else "unchanged" for case in cases}
    how = " or ".join(sorted(ways))
    title = f"{count(len(cases), 'case')} {how}"
    return Fold(title=title, body=table.text, left_out=table.left_out)


def measured_fold(decision: Decision, links: Mapping[str, str] | None = None) -> Fold | None:
    """How the figures came about, for who doubts them; None where there is nothing to say."""
    facts = _facts(decision) if decision.cases else []
    lines = [f"- **{name}:** {value}" for name, value in facts]
    lines += [f"- [{name}]({url})" for name, url in (links or {}).items() if url]
    title = "How this was measured" if facts else "Where this ran"
    return Fold(title=title, body="\n".join(lines)) if lines else None


def _facts(decision: Decision) -> list[tuple[str, str]]:
    kept = list(decision.told.items())[:_MAX_FACTS]
    return [
        ("base", _tree(decision.base)),
        ("head", _tree(decision.head)),
        ("machine", escape_markdown(decision.hardware_key)),
        ("spent", cost(decision)),
        ("strategy", escape_markdown(decision.strategy)),
        *((escape_markdown(name), escape_markdown(text)) for name, text in split_facts(decision)),
        ("output check", _output_check(decision)),
        *((escape_markdown(key, limit=60), escape_markdown(value)) for key, value in kept),
        ("perfgate", escape_markdown(decision.perfgate)),
    ]


def _tree(tree: Tree | None) -> str:
    if tree is None:
        return "none"
    dirty = ", with changes that are not committed" if tree.dirty else ""
    return f"`{short(tree.commit)}` ({escape_markdown(tree.ref, limit=100)}){dirty}"


def _output_check(decision: Decision) -> str:
    found = [case.output for case in decision.cases]
    kinds = ("changed", "allowed", "same", "not checked")
    return ", ".join(f"{kind} {found.count(kind):,}" for kind in kinds if kind in found) or "none"
