"""Runs real gates on this machine, many times each: unchanged, slower, and slower in one stage.

    python -m benchmarks.gates [--repeats 20] [--write FILE] [--keep FOLDER]

Each gate is a whole `perfgate gate` of `wan-tiny` over a clone of this commit, base against a head
with more work in it: matrix products whose result is thrown away, as many as take the wanted share
of a request here. No time is multiplied. The kinds take turns, so that other work on the machine
meets all of them; what the planted work really costs is the median over every pair of its kind.
The machine's noise is measured first, by `perfgate calibrate`, and every base commit holds it.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

import torch
from scipy import stats  # type: ignore[import-untyped]

from benchmarks.planting import ROOT, Plant, clone_with, plant
from perfgate.backends.reports import read_reports
from perfgate.baselines.calibration import parse_calibration
from perfgate.files import write_atomically
from perfgate.records import CaseDecision, Decision, Record, parse_decision, parse_record
from perfgate.verdict.likelihood import Noise, noise_from
from perfgate.verdict.metrics import launch_metrics

CASE, STAGE = "wan_t2v_tiny", "DecodingStage"
SUITE = "perfgate-gates.yml"
BASELINES = "perfgate-gates"
SUITE_TEXT = f"""version: 1
name: gates
baselines: {BASELINES}
gate: {{strategy: paired, margin: 3%, stage_margin: 10%, budget: 10m}}
cases:
  - {{id: {CASE}, backend: builtin, preset: wan-tiny, requests: 1}}
"""
SIZE = 256
"""Rows of the square matrices that are multiplied: about a third of a millisecond on a core."""
LOOP, PIPELINE = (f"perfgate/workloads/diffusion/{name}.py" for name in ("loop", "pipeline"))
STEP_AT = "                latents = euler_step(\n"
STAGE_AT = "                frames = self.decoder("


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A change: what it does, and the lines that do it."""

    name: str
    plants: tuple[Plant, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What one gate said; the ratios are head over base, of medians over its launches."""

    exit_code: int
    verdict: str
    launches: int
    end_to_end: float
    stage: float
    stage_blocked: bool


def main(arguments: Sequence[str]) -> int:
    """Run every kind ``--repeats`` times in turns, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--write", type=Path, help="append what was seen to this document")
    parser.add_argument("--keep", type=Path, help="keep each gate's record.json in this folder")
    options = parser.parse_args(arguments)
    if options.keep:
        options.keep.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="perfgate-gates-") as scratch:
        kinds = kinds_of(request_ms(Path(scratch)))
        calibration = calibrated(Path(scratch, "calibration"))
        files = {SUITE: SUITE_TEXT, **calibration}
        clones = [
            prepared(Path(scratch, str(index)), kind, files) for index, kind in enumerate(kinds)
        ]
        began = os.getloadavg()
        seen: list[list[Seen]] = [[] for _ in kinds]
        for turn in range(options.repeats):
            for index, kind in enumerate(kinds):
                found = gated(clones[index])
                seen[index].append(found)
                if options.keep:
                    kept = options.keep / f"{index}-{turn + 1:02}-exit-{found.exit_code}.json"
                    shutil.copyfile(clones[index] / "perfgate-out/record.json", kept)
                sys.stderr.write(
                    f"{turn + 1}/{options.repeats} {kind.name}: exit {found.exit_code}, "
                    f"{found.launches} launches, end-to-end {found.end_to_end - 1:+.1%}\n"
                )
        noise = noise_from(differences_in(calibration))
        text = told(kinds, seen, noise=noise, loads=(began, os.getloadavg()))
    sys.stdout.write(text)
    if options.write:
        earlier = options.write.read_text(encoding="utf-8") if options.write.exists() else ""
        write_atomically(options.write, earlier + "\n" + text)
    return 0


def request_ms(scratch: Path) -> dict[str, float]:
    """The fastest of three launches of the preset, by metric."""
    found: dict[str, list[float]] = {}
    for index in range(3):
        report = scratch / f"report-{index}.json"
        command = ("-m", "perfgate.workloads.diffusion", "--preset", "wan-tiny")
        subprocess.run([sys.executable, *command, "--report", str(report)], cwd=ROOT, check=True)
        for one in read_reports(report):
            found.setdefault("end-to-end", []).append(one.total_duration_ms)
            found.setdefault("steps", []).append(len(one.steps_ms))
            for stage in one.stages:
                found.setdefault(stage.name, []).append(stage.duration_ms)
    return {name: min(values) for name, values in found.items()}


def kinds_of(fastest: dict[str, float]) -> tuple[Kind, ...]:
    """The changes, with as many products as take the share here."""
    product = product_ms()
    in_a_step = round(0.05 * fastest["end-to-end"] / fastest["steps"] / product)
    in_the_stage = round(0.20 * fastest[STAGE] / product)
    step = more_work("latents", in_a_step)
    stage = more_work('states[told["last"]]', in_the_stage)
    return (
        Kind(name="nothing changed"),
        Kind(name="5 % more work", plants=(Plant(file=LOOP, at=STEP_AT, text=step),)),
        Kind(
            name=f"20 % more work in {STAGE}",
            plants=(Plant(file=PIPELINE, at=STAGE_AT, text=stage),),
        ),
    )


def product_ms() -> float:
    """How long one planted product takes on one thread, at best."""
    torch.set_num_threads(1)
    matrix = torch.ones(SIZE, SIZE)
    times = []
    for _ in range(20):
        began_ns = time.perf_counter_ns()
        for _ in range(100):
            matrix.mm(matrix)
        times.append((time.perf_counter_ns() - began_ns) / 100 / 1e6)
    return min(times)


def more_work(tensor: str, products: int) -> str:
    """The planted lines, at the depth of both places."""
    margin = " " * 16
    return (
        f"{margin}more = {tensor}.new_ones({SIZE}, {SIZE})\n"
        f"{margin}for _ in range({products}):\n{margin}    more.mm(more)\n"
    )


def calibrated(clone: Path) -> dict[str, str]:
    """The calibration file of this machine, by its path in a repository."""
    clone_with(clone, {SUITE: SUITE_TEXT})
    command = [sys.executable, "-m", "perfgate", "calibrate", "--suite", SUITE]
    subprocess.run(command, cwd=clone, check=True, stdout=sys.stderr)
    (path,) = (clone / BASELINES).glob("*/calibration.json")
    return {str(path.relative_to(clone)): path.read_text(encoding="utf-8")}


def differences_in(calibration: dict[str, str]) -> tuple[float, ...]:
    """What the gates are told of the noise: log(head/base) of pairs of equal sides."""
    ((path, text),) = calibration.items()
    key = PurePosixPath(path).parent.name
    (case,) = parse_calibration(text, source=path, hardware_key=key).cases
    return case.differences


def prepared(clone: Path, kind: Kind, files: dict[str, str]) -> Path:
    """A clone whose last commit is the change."""
    clone_with(clone, files)
    plant(clone, kind.plants)
    return clone


def gated(clone: Path) -> Seen:
    """One whole gate, as a user runs it."""
    command = [sys.executable, "-m", "perfgate", "gate", "--suite", SUITE, "--base", "HEAD~1"]
    done = subprocess.run(command, cwd=clone, check=False, capture_output=True, text=True)
    folder = clone / "perfgate-out"
    decision = parse_decision((folder / "decision.json").read_text("utf-8"), source="decision")
    record = parse_record((folder / "record.json").read_text("utf-8"), source="record")
    return seen_in(decision, record, exit_code=done.returncode)


def seen_in(decision: Decision, record: Record, *, exit_code: int) -> Seen:
    """The one case's outcome."""
    case: CaseDecision = decision.cases[0]
    ratios = {name: ratio_of(record, name) for name in ("end-to-end", STAGE)}
    return Seen(
        exit_code=exit_code,
        verdict=case.verdict,
        launches=case.launches,
        end_to_end=ratios["end-to-end"],
        stage=ratios[STAGE],
        stage_blocked=any(
            metric.name == STAGE and metric.verdict == "regressed" for metric in case.metrics
        ),
    )


def ratio_of(record: Record, name: str) -> float:
    """Median of head over median of base."""
    sides: dict[str, list[float]] = {"base": [], "head": []}
    for launch in record.cases[0].launches:
        if launch.pair is not None and launch.ok:
            sides[launch.side].append(launch_metrics(launch)[name])
    return statistics.median(sides["head"]) / statistics.median(sides["base"])


def told(
    kinds: Sequence[Kind],
    seen: Sequence[Sequence[Seen]],
    *,
    noise: Noise,
    loads: tuple[tuple[float, float, float], tuple[float, float, float]],
) -> str:
    """The table as Markdown."""
    how = (
        f"`make bench-gates`, {os.cpu_count()} cores (load average of a "
        f"minute {loads[0][0]:.1f} before, {loads[1][0]:.1f} after), margin 3 %, stage margin "
        f"10 %, at most 12 pairs. Stored noise of this machine: ±{noise.spread:.1%} from pair to "
        f"pair, {len(noise.jumps) // 2} jumps. Intervals are 95 %, exact for a binomial share."
    )
    rows = [
        f"## Real gates of `wan-tiny`, {datetime.now(UTC):%Y-%m-%d}",
        "",
        how,
        "",
        "| head | gates | blocked | passed | undecided | mean launches | end-to-end | stage |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for kind, gates in zip(kinds, seen, strict=True):
        count = len(gates)
        blocked = sum(one.exit_code == 1 for one in gates)
        passed = sum(one.exit_code == 0 and one.verdict in ("passed", "improved") for one in gates)
        share = stats.binomtest(blocked, count).proportion_ci(method="exact")
        rows.append(
            f"| {kind.name} | {count} | {blocked} ({share.low:.0%} to {share.high:.0%}) | {passed} "
            f"| {count - blocked - passed} | {statistics.fmean(one.launches for one in gates):.1f} "
            f"| {statistics.median(one.end_to_end for one in gates) - 1:+.1%} "
            f"| {statistics.median(one.stage for one in gates) - 1:+.1%} |"
        )
    return "\n".join(rows) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
