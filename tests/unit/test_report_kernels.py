"""Kernel tables on a terminal: figures, reasons, and names that come from strangers."""

from __future__ import annotations

import io

from rich.console import Console

from perfgate.records.kernels import (
    CallTimes,
    KernelBound,
    KernelListing,
    KernelTable,
    ListedKernel,
    ListedVariant,
)
from perfgate.report.kernels import render_kernels, render_listing, summary
from perfgate.report.words import NOTHING, TIMES
from tests.timed_kernels import a_table, results_of

SIX = (10.0,) * 6


def shown(results):
    stream = io.StringIO()
    render_kernels(results, Console(file=stream, width=120, highlight=False))
    return stream.getvalue()


def line_of(text, word):
    return next(line for line in text.splitlines() if line.startswith(word))


def test_table__time_ratio_with_interval_rate_and_share():
    text = shown(results_of(a_table(native=[9.0, 9.6, 10.0, 10.0, 10.5, 12.5])))
    assert text.splitlines()[0] == ("conv, B16 D2048 L1 float32, warm cache, copy at 400 MB/s")
    assert line_of(text, "reference").split() == [
        *("reference", "40.0", "µs", NOTHING, "100", "MB/s", "25", "%"),
    ]
    assert " ".join(line_of(text, "native").split()) == (
        f"native 9.70 µs {TIMES}4 (3.2 to 4.44) 412 MB/s 100 %"
    )
    assert text.rstrip().splitlines()[-2:] == [
        "1 table: 2 of 2 rows timed.",
        "cpu-test-x2; torch 2.13.0, 1 threads",
    ]


def test_table__what_has_no_time_says_why_in_its_row():
    text = shown(
        results_of(
            a_table(
                wrong="hazard",
                gone="not available: needs triton",
                broken="failed: TypeError: operand",
                huge="out of memory: asked for 3 TiB",
            )
        )
    )
    assert "hazard pad id: the state differs" in line_of(text, "wrong")
    assert "not available: needs triton" in line_of(text, "gone")
    assert "failed: TypeError: operand" in line_of(text, "broken")
    assert "out of memory: asked for 3 TiB" in line_of(text, "huge")
    assert (
        "1 table: 1 of 5 rows timed, 1 not available, 1 hazard, 1 out of memory, 1 failed." in text
    )


def test_table__of_a_product_tells_operations():
    times = CallTimes(method="graph", calls=3, samples_us=(20.0,) * 6)
    product = KernelBound(name="matmul", moved_bytes=4_000, operations=4_000_000, times=times)
    table = a_table(fast=SIX).model_copy(update={"bound": product, "operations": 1_000_000})
    text = shown(results_of(table))
    assert "product at 200 GFLOP/s" in text
    assert "of product" in text
    told = f"fast 10.0 µs {TIMES}4 (4 to 4) 100 GFLOP/s 50 %"
    assert " ".join(line_of(text, "fast").split()) == told


def test_table__tells_what_is_declared_and_how_it_was_timed():
    table = a_table(v2=SIX)
    row = table.variants[1].model_copy(
        update={
            "dialect": "causal_conv1d_update_v2",
            "mutates": ("x",),
            "times": CallTimes(method="graph", calls=1, samples_us=SIX),
        }
    )
    text = shown(results_of(table.model_copy(update={"variants": (table.variants[0], row)})))
    assert "graph; causal_conv1d_update_v2; writes x" in line_of(text, "v2")


def test_tables__that_were_skipped_or_died_are_told_and_counted():
    why = {"skipped": "does not fit: 3 TiB"}
    how = {"failure": "its process was killed by SIGKILL"}
    tables = [KernelTable(kernel="conv", shape="B9", cache="cold", **told) for told in (why, how)]
    results = results_of(*tables, problems=("mine.py does not import: No module named x",))
    text = shown(results)
    assert "Skipped: does not fit: 3 TiB" in text
    assert "Failed: its process was killed by SIGKILL" in text
    assert "mine.py does not import: No module named x" in text
    assert summary(results) == "2 tables: 0 of 0 rows timed, 1 table skipped, 1 table failed."


def test_table__tells_how_many_inputs_took_turns_and_what_the_machine_did():
    table = a_table(fast=SIX).model_copy(
        update={"cache": "cold", "sets": 12, "unfit": ("throttled: by heat",), "warnings": ("w",)}
    )
    text = shown(results_of(table))
    assert "cold cache (12 sets of inputs in turn)" in text
    assert "Not fit to measure: throttled: by heat" in text
    assert "Warning: w" in text


def test_names__from_a_kernel_file_command_no_runner_and_no_terminal():
    evil = "\x1b[2J::error::gone\n##[group]x[bold red]"
    table = a_table(**{evil: f"failed: {evil}"}).model_copy(update={"kernel": evil})
    text = shown(results_of(table, problems=(evil,)))
    assert "\x1b" not in text
    assert "::error::" not in text
    assert "##[group]" not in text
    assert "[bold red]" in text, "markup is shown, not obeyed"


def test_listing__names_what_there_is():
    stream = io.StringIO()
    kernel = ListedKernel(
        name="conv",
        file="/tree/mine.py",
        bound="copy",
        reference=ListedVariant(name="reference"),
        variants=(ListedVariant(name="v2", dialect="channels last"),),
        shapes=tuple(f"B{number} float32" for number in range(9)),
        hazards=("pad id",),
    )
    listing = KernelListing(perfgate="0", kernels=(kernel,), problems=("b.py does not import",))
    render_listing(listing, Console(file=stream, width=120, highlight=False))
    text = stream.getvalue()
    assert "conv (/tree/mine.py)" in text
    assert "variants: reference, v2 (channels last)" in text
    assert "B5 float32 and 3 more" in text
    assert "hazards: pad id" in text
    assert "b.py does not import" in text
