"""What `perfgate baseline check` prints, as it is read."""

from __future__ import annotations

import io

from rich.console import Console

from perfgate.baselines.audit import Finding
from perfgate.report.findings import Findings, render_findings, summary

FILE = "perf_baselines/npu.json"


def a_finding(severity="error", **rest):
    usual = {"file": FILE, "line": 1, "scenario": "wan_t2v", "field": "", "message": "odd"}
    return Finding(**{**usual, "severity": severity, **rest})


RAISED = (
    a_finding(
        line=145,
        field="stages_ms.DenoisingStage",
        stored=26188.0,
        derived=26230.35,
        message="DenoisingStage: 26188.00 ms, which is shorter than its own 50 steps, which take "
        "26230.35 ms",
    ),
    a_finding(
        line=146,
        field="stages_ms.DecodingStage",
        stored=650.1,
        derived=320.03,
        message="raised from 320.03 to 650.1 (+103.1 %): no new launches stand behind it, and no "
        "acceptance",
    ),
    a_finding(
        line=202,
        field="expected_avg_denoise_ms",
        stored=523.62,
        derived=524.61,
        message="the mean of its 50 steps is 524.61, but 523.62 stands here",
    ),
    a_finding(
        "warning",
        line=303,
        scenario="flux_t2i",
        field="stages_ms.per_frame_generation",
        message="null guards nothing: write a measured figure",
    ),
)


def findings(*found, files=(FILE,), **rest):
    return Findings(perfgate="0", files=files, findings=found, **rest)


def on_a_terminal(found, *, width):
    console = Console(file=io.StringIO(), width=width, legacy_windows=False, _environ={})
    render_findings(found, console)
    return console.file.getvalue()


def test_findings(golden):
    old = a_finding(
        "warning",
        file="perf_baselines/h100.json",
        line=6,
        scenario="",
        field="metadata.last_updated",
        stored="2025-10-18",
        message="the file was updated 399 days ago: measure its entries again",
    )
    found = findings(
        *RAISED,
        old,
        files=(FILE, "perf_baselines/h100.json"),
        against="origin/main (0123456789ab)",
        standing=7,
        notes=("perf_baselines/h100.json is not in origin/main (0123456789ab)",),
    )
    golden("findings.txt", on_a_terminal(found, width=80))


def test_findings__what_a_file_says_is_harmless():
    hostile = a_finding(
        scenario="\x1b[31mred\n::error::gone", field="[bold]x[/bold]", stored="\x1b[2J\u202e"
    )
    text = on_a_terminal(findings(hostile), width=120)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "::error" not in text
    assert "[bold]x[/bold]" in text


def test_findings__more_than_anyone_reads():
    found = findings(*(a_finding(line=line) for line in range(1, 1204)))
    text = on_a_terminal(found, width=120)
    assert "And 203 more: --json lists them all." in text
    assert "1,203 errors in 1 file." in text


def test_summary():
    assert summary(findings()) == "Nothing wrong in 1 file."
    assert summary(findings(RAISED[-1], standing=1)) == (
        "1 warning in 1 file; 1 finding from before is not repeated."
    )
