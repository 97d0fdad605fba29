"""The verdict on a terminal: the same order as the comment; may not print but on the console given.

Colour only repeats what a word says. Text from outside never reaches rich's markup.
"""

from __future__ import annotations

from itertools import groupby

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from perfgate.records import CaseDecision, Decision, Verdict
from perfgate.report.conclusion import cost, headline
from perfgate.report.escape import log_lines, plain, without_commands
from perfgate.report.order import has_numbers, ordered_cases, ordered_metrics, plainly_unchanged
from perfgate.report.past import accepted_lines, creep_line
from perfgate.report.rows import Row, case_row, metric_row
from perfgate.report.sentences import next_step, short, told, warnings, worth_a_sentence
from perfgate.report.split import split_facts
from perfgate.report.words import case_word, count, metric_word, output_word

_STYLES = {
    Verdict.REGRESSED: "bold red",
    Verdict.FAILED: "bold yellow",
    Verdict.MISSING: "yellow",
    Verdict.INCOMPARABLE: "yellow",
    Verdict.INCONCLUSIVE: "cyan",
    Verdict.IMPROVED: "green",
}
_MAX_LOG_LINES = 15
_MAX_WARNINGS = 10
_MAX_NAMED = 5
_NAME_CHARS = 64


def render_terminal(decision: Decision, console: Console, *, verbose: bool = False) -> None:
    """Print the headline, the table, the sentences, the notes and the next step."""
    _print_headline(decision, console)
    if decision.cases:
        table = _table(decision, verbose=verbose, gap=1)
        needs = console.measure(table, options=console.options.update(max_width=1000)).maximum
        if needs > console.width:
            table = _table(decision, verbose=verbose, gap=0)
        console.print(table)
        console.print()
    for case in worth_a_sentence(decision):
        _print_case(case, console)
    _print_warnings(decision, console)
    _print_past(decision, console)
    for note in decision.notes:
        console.print(Text(f"Note: {plain(note, limit=400)}"))
    for name, text in split_facts(decision):
        console.print(Text(plain(f"{name[:1].upper()}{name[1:]}: {text}", limit=400)))
    if decision.notes or decision.split is not None:
        console.print()
    _print_ending(decision, console)


def _print_headline(decision: Decision, console: Console) -> None:
    console.print(Text(plain(headline(decision)), style="bold"))
    if decision.interrupted is not None:
        console.print(Text(f"Interrupted: {plain(decision.interrupted)}"))
    if decision.problem is not None:
        for line in log_lines(decision.problem.problem):
            _print_quoted(line, console)
    console.print()


def _print_warnings(decision: Decision, console: Console) -> None:
    told = [f"Warning: {case_id}: {text}" for case_id, text in warnings(decision)]
    for line in told[:_MAX_WARNINGS]:
        console.print(Text(plain(line, limit=700)))
    if len(told) > _MAX_WARNINGS:
        console.print(Text(f"And {count(len(told) - _MAX_WARNINGS, 'more warning')}."))
    unchecked = [case for case in ordered_cases(decision) if output_word(case)]
    for word, cases in groupby(sorted(unchecked, key=output_word), key=output_word):
        ids = [plain(case.id, limit=_NAME_CHARS) for case in cases]
        more = f" and {len(ids) - _MAX_NAMED} more" if len(ids) > _MAX_NAMED else ""
        console.print(Text(f"{word.capitalize()}: {', '.join(ids[:_MAX_NAMED])}{more}"))
    if told or unchecked:
        console.print()


def _print_past(decision: Decision, console: Console) -> None:
    lines = [*accepted_lines(decision), creep_line(decision)]
    lines = [line for line in lines if line]
    for line in lines[:_MAX_WARNINGS]:
        console.print(Text(plain(line, limit=700)))
    if len(lines) > _MAX_WARNINGS:
        console.print(Text(f"And {count(len(lines) - _MAX_WARNINGS, 'more line')}."))
    if lines:
        console.print()


def _print_ending(decision: Decision, console: Console) -> None:
    if decision.cases:
        console.print(Text(plain(_measured(decision)), style="dim"))
    if (step := next_step(decision)) is not None:
        console.print(Text(f"Next: {plain(step.text, limit=700)}"))
        if step.command is not None:
            console.print(Text(f"  {step.command}", style="bold"))


def _table(decision: Decision, *, verbose: bool, gap: int) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, gap, 0, 0), pad_edge=False, show_edge=False)
    table.add_column("case", overflow="fold", min_width=14)
    table.add_column("base", justify="right", no_wrap=True)
    table.add_column("head", justify="right", no_wrap=True)
    table.add_column("change", justify="right", no_wrap=True)
    table.add_column("verdict", overflow="fold", min_width=9)
    last_was_open = False
    for case in ordered_cases(decision):
        opened = has_numbers(case) and (verbose or not plainly_unchanged(case))
        if last_was_open or (table.row_count and opened):
            table.add_row()
        if opened:
            _add_open_case(table, case)
        else:
            style = _STYLES.get(case.verdict, "")
            name = Text(plain(case.id, limit=_NAME_CHARS))
            table.add_row(name, *_figures(case_row(case), case_word(case), style))
        last_was_open = opened
    return table


def _add_open_case(table: Table, case: CaseDecision) -> None:
    table.add_row(Text(plain(case.id, limit=_NAME_CHARS), style="bold"))
    for metric in ordered_metrics(case):
        style = _STYLES.get(metric.verdict, "") if metric.judged else "dim"
        name = Text(f"  {plain(metric.name, limit=_NAME_CHARS)}", no_wrap=True, overflow="ellipsis")
        table.add_row(name, *_figures(metric_row(case, metric), metric_word(metric), style))


def _figures(row: Row, word: str, style: str) -> tuple[Text, Text, Text, Text]:
    return Text(row.base), Text(row.head), Text(row.change, style=style), Text(word, style=style)


def _print_case(case: CaseDecision, console: Console) -> None:
    said = told(case)
    line = Text(plain(said.subject), style=_STYLES.get(case.verdict, "bold"))
    console.print(line.append(f" {plain(said.text, limit=700)}", style="not bold default"))
    for log_line in log_lines(case.log_tail, max_lines=_MAX_LOG_LINES):
        _print_quoted(log_line, console)
    console.print()


def _print_quoted(line: str, console: Console) -> None:
    """A line from outside behind a bar, so that nobody and no runner takes it for one of ours."""
    for part in Text(without_commands(line)).wrap(console, max(20, console.width - 4)):
        console.print(Text("  │ ").append_text(part))


def _measured(decision: Decision) -> str:
    base = f"base {short(decision.base.commit)}" if decision.base else "no base"
    head = f"head {short(decision.head.commit)}" if decision.head else "no head"
    if decision.head is not None and decision.head.dirty:
        head += " with changes that are not committed"
    parts = (cost(decision), decision.hardware_key, f"strategy {decision.strategy}", base, head)
    return " · ".join(parts)
