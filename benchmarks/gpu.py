"""Measures perfgate on an accelerator, and writes what it saw: ``make gpu``.

    python benchmarks/gpu.py [--device auto] [--suite benchmarks/gpu.yml] [--write FILE]

In this order: `perfgate doctor`; the device's own rates; a gate of this commit against itself,
whose launches tell the noise; the same gate with a real slowdown planted in a clone, one prediction
more a request; a baseline for this hardware key. What it prints is Markdown, with the date and the
device; ``--write`` appends it to a document. Nothing is a figure of another run.
"""

from __future__ import annotations

import argparse
import math
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.planting import ROOT, Plant, clone_with, plant
from benchmarks.rates import ROUNDS, Rates, denoising_work, measure_rates
from perfgate.files import write_atomically
from perfgate.profile.devices.opening import open_device
from perfgate.records import CaseRecord, Record, Side, parse_record
from perfgate.suite import Case, parse_suite
from perfgate.verdict.metrics import is_usable, launch_metrics, ordered_names
from perfgate.workloads.diffusion.params import resolve

ONE_PREDICTION_MORE = Plant(
    file="perfgate/workloads/diffusion/loop.py",
    at="                latents = euler_step(\n",
    text=f"                if step == 0:\n{' ' * 20}phase.predict(latents, step)\n",
)
DENOISING = "DenoisingStage"


def main(arguments: Sequence[str]) -> int:
    """Run every part; the exit code is 0 if each ended as it has to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="auto")
    parser.add_argument("--suite", default="benchmarks/gpu.yml")
    parser.add_argument("--write", type=Path, help="append what was seen to this document")
    options = parser.parse_args(arguments)
    where = ("--device", options.device)
    doctor = perfgate("doctor", *where, cwd=ROOT)
    if doctor != 0:
        return doctor
    rates = measure_rates(open_device(options.device))
    with tempfile.TemporaryDirectory(prefix="perfgate-gpu-") as scratch:
        same, slower = Path(scratch, "same"), Path(scratch, "slower")
        gate = ("gate", "--suite", options.suite, "--strategy", "paired", "--finish", *where)
        same_code = perfgate(*gate, "--base", "HEAD", "--output-dir", str(same), cwd=ROOT)
        planted = clone_with(Path(scratch, "planted"), {})
        plant(planted, (ONE_PREDICTION_MORE,))
        slower_code = perfgate(*gate, "--base", "HEAD~1", "--output-dir", str(slower), cwd=planted)
        text = told(
            read(same), codes=(same_code, slower_code), rates=rates, suite=ROOT / options.suite
        )
        kept = perfgate(
            *("measure", "--suite", options.suite, "--output-dir", str(same), *where), cwd=ROOT
        ) or perfgate(
            *("baseline", "update", "--suite", options.suite, str(same / "record.json")), cwd=ROOT
        )
    sys.stdout.write(text)
    if options.write:
        earlier = options.write.read_text(encoding="utf-8") if options.write.exists() else ""
        write_atomically(options.write, earlier + "\n" + text)
    return 0 if (same_code, slower_code, kept) == (0, 1, 0) else 1


def perfgate(*arguments: str, cwd: Path) -> int:
    """Run the command line on the terminal's own streams, and return its exit code."""
    sys.stdout.write(f"$ perfgate {' '.join(arguments)}\n")
    sys.stdout.flush()
    command = [sys.executable, "-m", "perfgate", *arguments]
    return subprocess.run(command, cwd=cwd, check=False).returncode


def read(folder: Path) -> Record:
    """The record that a gate left."""
    path = folder / "record.json"
    return parse_record(path.read_text(encoding="utf-8"), source=str(path))


def told(record: Record, *, codes: tuple[int, int], rates: Rates, suite: Path) -> str:
    """What was seen as Markdown: the rates, the noise, the gates, and the share of the rates."""
    cases = {
        case.id: case for case in parse_suite(suite.read_text("utf-8"), source=suite.name).cases
    }
    software = "; ".join(
        f"{name} {text}" for name, text in sorted(record.fingerprint.must_match.items())
    )
    measured = (
        f"Measured rates in {rates.dtype}: matrix product {rates.matrix:.3g} TFLOP/s, attention "
        f"{rates.attention:.3g} TFLOP/s (best of {ROUNDS} rounds)."
    )
    gates = (
        f"This commit against itself: exit {codes[0]} (0 is right, or 7 where the noise is too "
        f"large to decide). One prediction more a request: exit {codes[1]} (1 is right)."
    )
    lines = [
        f"## {record.fingerprint.hardware_key}, {record.created_at[:10]}",
        f"Commit {record.head.commit[:12]}; {software}",
        measured,
        gates,
        "\n".join(noise_table(record)),
        "\n".join(share_table(record, cases, rates)),
    ]
    return "\n\n".join(lines) + "\n"


def noise_table(record: Record) -> list[str]:
    """Launch-to-launch variation: the standard deviation of log times over equal launches."""
    rows = [
        "| case | metric | median | launches | launch to launch | pair to pair |",
        "| --- | --- | ---: | ---: | ---: | ---: |",
    ]
    for case in record.cases:
        values = samples(case)
        pairs = pair_differences(case)
        for name in ordered_names(values):
            known = [metrics[name] for metrics in values if name in metrics]
            if len(known) < 3:
                continue
            unit = "MiB" if name == "peak memory" else "ms"
            launch = statistics.stdev(map(math.log, known))
            found = pairs.get(name, [])
            pair = f"{100 * statistics.stdev(found):.2f} %" if len(found) > 1 else ""
            rows.append(
                f"| {case.id} | {name} | {statistics.median(known):.4g} {unit} | {len(known)} "
                f"| {100 * launch:.2f} % | {pair} |"
            )
    return rows


def samples(case: CaseRecord) -> list[dict[str, float]]:
    """The metrics of every usable launch of both sides but the burn-in."""
    return [
        launch_metrics(launch)
        for launch in case.launches
        if launch.pair is not None and is_usable(launch)
    ]


def pair_differences(case: CaseRecord) -> dict[str, list[float]]:
    """log(head / base) of each pair by metric."""
    sides = {
        (launch.pair, launch.side): launch_metrics(launch)
        for launch in case.launches
        if launch.pair is not None and is_usable(launch)
    }
    found: dict[str, list[float]] = {}
    for (pair, side), head in sides.items():
        base = sides.get((pair, Side.BASE), {}) if side is Side.HEAD else {}
        for name in head.keys() & base.keys():
            found.setdefault(name, []).append(math.log(head[name] / base[name]))
    return found


def share_table(record: Record, cases: Mapping[str, Case], rates: Rates) -> list[str]:
    """How much of the denoising stage the device's own rates would need."""
    rows = [
        "| case | denoising | products | attention | at the measured rates | share |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for case in record.cases:
        took = [metrics[DENOISING] for metrics in samples(case) if DENOISING in metrics]
        if not took:
            continue
        suite_case = cases[case.id]
        work = denoising_work(resolve(suite_case.preset or "", suite_case.params))
        denoising_ms, ideal_ms = statistics.median(took), work.ideal_ms(rates)
        rows.append(
            f"| {case.id} | {denoising_ms:.4g} ms | {work.matrix:.3g} TFLOP "
            f"| {work.attention:.3g} TFLOP | {ideal_ms:.4g} ms | {ideal_ms / denoising_ms:.0%} |"
        )
    return rows


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
