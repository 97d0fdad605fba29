"""Times kernels beside their reference, and holds them against goals: ``make bench-kernels``.

    python -m benchmarks.kernels [--device cpu] [--dtype float32] [--keep FILE] [--write FILE]

Runs ``perfgate kernels run`` as a user does: on a CPU with one thread and a warm cache, on a GPU
with inputs out of its cache, over the dims 2048, 4096 and 8192. What it prints is Markdown, with
every cell; ``--write`` appends it to a document, ``--keep`` keeps the raw samples. A goal that is
missed is printed as missed, and so is one whose variant could not be timed in some cell.

Exit code 1 where a goal is missed.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.planting import ROOT
from perfgate.files import write_atomically
from perfgate.records.kernels import KernelResults, KernelTable, VariantTimes
from perfgate.report.kernels import share, speed
from perfgate.report.words import TIMES, figures
from perfgate.verdict.kernels import Figures, Ratio, bound_rate, figures_of, geometric_mean

KERNEL = "causal_conv1d_update.slots"
DIMS = (2048, 4096, 8192)
CPU_BATCHES = (1, 16, 64)
GPU_BATCHES = (1, 16, 64, 256)
DTYPES = ("float32", "bfloat16")
SPEED_GOALS = {"eager": 2.5, "compiled": 4.0, "native": 15.0}
"""Geometric means over the cells of a type, times as fast as the reference, on one CPU thread."""
CPU_SHARE = ("native", 0.60)
"""Of the bandwidth of a copy of the same footprint, a geometric mean over the cells in fp32."""
GPU_SHARE = ("triton", 0.80)
"""The same at the largest batch on a GPU, over both types."""
_HEADERS = ("shape", "variant", "time", "against reference", "bandwidth", "of copy")


@dataclass(frozen=True, kw_only=True)
class Goal:
    """A figure beside what it has to reach; ``found`` is None where cells have no number."""

    name: str
    wanted: float
    unit: str
    found: float | None
    cells: int
    timed: int

    @property
    def met(self) -> bool:
        return self.found is not None and self.timed == self.cells and self.found >= self.wanted

    def row(self) -> str:
        """A line of the table."""
        found = "no number" if self.found is None else f"{self.found:.3g}{self.unit}"
        word = "met" if self.met else "**missed**"
        counted = f"{self.timed} of {self.cells}"
        return f"| {self.name} | ≥ {self.wanted:g}{self.unit} | {found} | {counted} | {word} |"


def main(arguments: Sequence[str]) -> int:
    """Measure, print, and say with the exit code whether every goal is met."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1 or npu")
    parser.add_argument("--rounds", type=int, default=15, help="interleaved rounds of each cell")
    parser.add_argument("--dtype", choices=DTYPES, action="append", help="only this; repeatable")
    parser.add_argument("--keep", type=Path, help="keep the raw samples as this file")
    parser.add_argument("--write", type=Path, help="append what was seen to this document")
    options = parser.parse_args(arguments)
    dtypes = options.dtype or DTYPES
    results = measured(options.device, dtypes, rounds=options.rounds)
    if results is None:
        return 1
    if options.keep:
        write_atomically(options.keep, results.model_dump_json(indent=1) + "\n")
    goals = goals_of(results)
    text = told(results, goals)
    sys.stdout.write(text)
    if options.write:
        earlier = options.write.read_text(encoding="utf-8") if options.write.exists() else ""
        write_atomically(options.write, f"{earlier}\n{text}")
    met = results.interrupted is None and all(goal.met for goal in goals)
    return 0 if goals and met else 1


def measured(device: str, dtypes: Sequence[str], *, rounds: int) -> KernelResults | None:
    """Every cell, by the command line itself; None where it printed no document."""
    on_cpu = device == "cpu"
    shapes = [
        f"B{batch} D{dim} L1 {dtype}"
        for dtype in dtypes
        for dim in DIMS
        for batch in (CPU_BATCHES if on_cpu else GPU_BATCHES)
    ]
    command = [
        *(sys.executable, "-m", "perfgate", "kernels", "run", "--json", "--kernel", KERNEL),
        *(part for shape in shapes for part in ("--shape", shape)),
        *("--device", device, "--rounds", str(rounds)),
        *("--threads", "1", "--cache", "warm" if on_cpu else "cold"),
    ]
    done = subprocess.run(command, cwd=ROOT, check=False, stdout=subprocess.PIPE, text=True)
    return KernelResults.model_validate_json(done.stdout) if done.stdout else None


def goals_of(results: KernelResults) -> list[Goal]:
    """Each goal of this kind of device, over the cells that it speaks of."""
    if results.device != "cpu":
        largest = f"B{max(GPU_BATCHES)} "
        tables = [one for one in results.tables if one.shape.startswith(largest)]
        return [_share_goal(*GPU_SHARE, tables, where=f"batch {max(GPU_BATCHES)}")]
    of_type = {
        dtype: [one for one in results.tables if one.shape.endswith(f" {dtype}")]
        for dtype in DTYPES
    }
    return [
        *(
            _speed_goal(name, wanted, tables, where=dtype)
            for dtype, tables in of_type.items()
            if tables
            for name, wanted in SPEED_GOALS.items()
        ),
        _share_goal(*CPU_SHARE, of_type["float32"], where="float32"),
    ]


def told(results: KernelResults, goals: Sequence[Goal]) -> str:
    """What was seen, as Markdown."""
    first = next(iter(results.tables), None)
    how = f"{first.cache} cache" if first else "nothing measured"
    lines = [
        f"## Kernels on {results.hardware_key}, {results.measured_at:%Y-%m-%d}",
        "",
        (
            f"`make bench-kernels`: `{KERNEL}`, {how}, {results.build}. Times are the lower "
            "quartile of interleaved rounds; ratios are the median of single rounds, with the "
            "interval that holds it in 95 %; bandwidth counts what the kernel has to move at least."
        ),
        "",
        "| goal | wanted | found | cells timed | |",
        "| --- | ---: | ---: | ---: | --- |",
        *(goal.row() for goal in goals),
        "",
        f"| {' | '.join(_HEADERS)} |",
        "| --- | --- | ---: | ---: | ---: | ---: |",
        *(line for table in results.tables for line in _cells(table)),
    ]
    if missing := _missing(results.tables):
        lines += ["", f"Not available here: {'; '.join(missing)}."]
    if results.interrupted:
        lines += ["", f"Stopped by {results.interrupted}: cells are missing, no goal is met."]
    if results.device == "cpu":
        lines += ["", "No GPU or NPU was at hand: there are no figures of one."]
    return "\n".join(lines) + "\n"


def _speed_goal(name: str, wanted: float, tables: Sequence[KernelTable], *, where: str) -> Goal:
    found = [_figure(table, name) for table in tables]
    ratios = [one.speed_up for one in found if one is not None]
    what = f"{name}, times as fast as the reference in {where}"
    return _goal(what, wanted, TIMES, ratios, len(tables))


def _share_goal(name: str, wanted: float, tables: Sequence[KernelTable], *, where: str) -> Goal:
    found = [_figure(table, name) for table in tables]
    shares = [one.share for one in found if one is not None]
    return _goal(f"{name}, share of the copy in {where}", wanted, "", shares, len(tables))


def _goal(name: str, wanted: float, unit: str, ratios: Iterable[Ratio | None], cells: int) -> Goal:
    values = [one.value for one in ratios if one is not None]
    return Goal(
        name=name,
        wanted=wanted,
        unit=unit,
        found=geometric_mean(values),
        cells=cells,
        timed=len(values),
    )


def _figure(table: KernelTable, name: str) -> Figures | None:
    row = next((one for one in table.variants if one.name == name), None)
    return None if row is None else figures_of(table, row)


def _cells(table: KernelTable) -> list[str]:
    if not table.variants:
        return [f"| {table.shape} | {table.failure or table.skipped} | | | | |"]
    rate = bound_rate(table)
    copies = "" if rate is None else f" (copy {rate / 1e9:.1f} GB/s)"
    lines = []
    for index, row in enumerate(one for one in table.variants if one.state != "not available"):
        shape = f"{table.shape}{copies}" if index == 0 else ""
        lines.append(f"| {shape} | {row.name} | {' | '.join(_figures(table, row))} |")
    return lines


def _missing(tables: Iterable[KernelTable]) -> list[str]:
    """Variants that are not here, each with its reason, once for all cells."""
    told = [
        f"`{row.name}` ({row.reason})"
        for table in tables
        for row in table.variants
        if row.state == "not available"
    ]
    return list(dict.fromkeys(told))


def _figures(table: KernelTable, row: VariantTimes) -> tuple[str, ...]:
    found = figures_of(table, row)
    if found is None:
        return f"{row.state}: {row.reason}".replace("|", "\\|"), "", "", ""
    time, _, unit = figures(found.time_us / 1e3, None, "ms")
    return (
        f"{time} {unit}",
        speed(found.speed_up),
        f"{found.bytes_per_s / 1e9:.1f} GB/s",
        share(found.share),
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
