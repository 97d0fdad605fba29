"""``perfgate explain``: captures base and head of slower cases, and shows what differs."""

from __future__ import annotations

from pathlib import Path

import click

from perfgate.app.explain import explain as use_case
from perfgate.app.explain.captures import LEAST_CAPTURES
from perfgate.app.explain.stored import TRACES, is_about, write_explanation
from perfgate.app.measuring.devices import Choice
from perfgate.app.outputs import DECISION, explain_in_comment, keep_out_of_git
from perfgate.app.publishing.publish import read_decision
from perfgate.cli import options
from perfgate.cli.surroundings import stdout_console, surroundings
from perfgate.errors import ExitCode
from perfgate.report.explanation_terminal import render_explanation

_EPILOG = """\b
Examples:
  perfgate explain                       the cases that the gate before called slower
  perfgate explain --case wan_t2v_tiny --base main
  perfgate explain --json                one JSON document on standard output
"""


@click.command(epilog=_EPILOG)
@options.suite
@click.option("--base", metavar="REF", help="What to compare with; by default the decision's.")
@options.cases
@click.option(
    "--captures",
    type=click.IntRange(LEAST_CAPTURES, 100),
    default=use_case.USUAL_CAPTURES,
    show_default=True,
    help="Captures of each side.",
)
@options.output_dir
@options.cache_dir
@options.device
@options.lease_timeout
@click.option("--json", "as_json", is_flag=True, help="Print the explanation as one document.")
def explain(
    suite: str,
    base: str | None,
    cases: tuple[str, ...],
    captures: int,
    output_dir: Path,
    cache_dir: Path | None,
    device: Choice,
    lease_timeout_s: float,
    as_json: bool,
) -> int:
    """Say why a case is slower: profile base and head in turns, and rank what differs.

    Changed numbers of calls and shapes come first, since they carry no noise; then the time of
    calls, from three deviations on. The captures are processes of their own: no gate looks at
    them. explanation.json in --output-dir goes into the comment that `perfgate publish` writes;
    the traces beside it open in Perfetto (ui.perfetto.dev).

    Exit code 0 whatever is found, 4 where no case could be captured.
    """
    folder = output_dir.absolute()
    keep_out_of_git(folder)
    decision = read_decision(folder / DECISION) if (folder / DECISION).exists() else None
    request = use_case.ExplainRequest(
        start=Path.cwd(),
        suite=suite,
        folder=folder,
        decision=decision,
        base=base,
        only=cases,
        captures=captures,
    )
    with surroundings(cache=cache_dir, device=device, lease_timeout_s=lease_timeout_s) as edges:
        found = use_case.explain(request, edges)
    if as_json:
        click.echo(found.to_json(), nl=False)
    else:
        render_explanation(found, stdout_console())
    write_explanation(folder, found)
    if decision is not None and is_about(found, decision):
        explain_in_comment(folder, decision, found)
    click.echo(f"The traces are in {output_dir / TRACES}/", err=True)
    explained = any(not case.problem for case in found.cases)
    return ExitCode.OK if explained else ExitCode.BENCHMARK
