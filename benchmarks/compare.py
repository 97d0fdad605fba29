"""Measures what it costs to decide from files, beside peers: ``make bench-peers``.

    python -m benchmarks.compare [--rounds 5] [--cases 100] [--metrics 60] [--launches 10]

Every contender is a whole process that reads the same samples from its own kind of file and says of
every metric whether it changed:

    perfgate compare            two records of one job, decided pair by pair, every metric printed
    pyperf compare_to           two pyperf suites, Student's t for each benchmark
    google-benchmark's way      two of its JSON files, Mann-Whitney's U for each benchmark (scipy),
                                as its tools/compare.py does

The contenders take turns, and the order changes from round to round. Exit code 1 where a goal is
missed. No figure is kept: it is this machine's, now.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from perfgate import __version__
from perfgate.records import (
    CaseRecord,
    Fingerprint,
    GatePolicy,
    Launch,
    Record,
    Report,
    Side,
    Stage,
    Tree,
    to_json,
)

GOAL_S = 1.0
GOAL_MB = 300.0
SEED = 20261
NOISE = 0.01
SLOWER_CASES = 0.1
SLOWDOWN = 0.12
OTHER_METRICS = 3
"""End-to-end, the median step and load are metrics beside the stages."""

Samples = npt.NDArray[np.float64]
WHEN = "2026-01-01T00:00:00+00:00"


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """How much is compared."""

    cases: int = 100
    metrics: int = 60
    launches: int = 10


@dataclass(frozen=True, kw_only=True)
class Contender:
    """A whole process; its exit codes that mean it decided."""

    name: str
    command: tuple[str, ...]
    decided: frozenset[int] = frozenset({0})


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Of the fastest round, and of the largest."""

    wall_s: float
    median_s: float
    processor_s: float
    peak_mb: float


def main(arguments: Sequence[str]) -> int:
    """Measure, print, and say with the exit code whether every goal is met."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="how often each is run")
    for name, usual in vars(Sizes()).items():
        parser.add_argument(f"--{name}", type=int, default=usual)
    chosen = parser.parse_args(arguments)
    sizes = Sizes(cases=chosen.cases, metrics=chosen.metrics, launches=chosen.launches)
    with tempfile.TemporaryDirectory(prefix="perfgate-bench-") as folder:
        contenders = write_files(Path(folder), sizes)
        costs = measure(contenders, rounds=chosen.rounds)
    print(
        f"Python {sys.version.split()[0]}, {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}, "
        f"{chosen.rounds} interleaved rounds\n{sizes.cases} cases x {sizes.metrics} metrics x "
        f"{sizes.launches} launches a side\n"
    )
    print(f"{'':28} {'wall s':>8} {'median':>8} {'CPU s':>8} {'peak MB':>8}  perfgate takes")
    ours = costs[contenders[0].name]
    for contender in contenders:
        cost = costs[contender.name]
        ratio = f"{ours.wall_s / cost.wall_s:.2f} x its time, {ours.peak_mb / cost.peak_mb:.2f} x"
        told = "" if cost is ours else f"{ratio} its memory"
        print(
            f"{contender.name:28} {cost.wall_s:>8.2f} {cost.median_s:>8.2f} "
            f"{cost.processor_s:>8.2f} {cost.peak_mb:>8.0f}  {told}"
        )
    met = ours.wall_s <= GOAL_S, ours.peak_mb <= GOAL_MB
    print(f"\ngoal: at most {GOAL_S:g} s  {_word(met[0])}; at most {GOAL_MB:g} MB  {_word(met[1])}")
    return 0 if all(met) else 1


def _word(met: bool) -> str:
    return "met" if met else "MISSED"


def write_files(folder: Path, sizes: Sizes) -> list[Contender]:
    """The same samples in each contender's files; ours is the first contender."""
    sides = samples(sizes)
    python = sys.executable
    files = {}
    for side, values in sides.items():
        files[side] = {
            "record": _written(folder / f"{side}.record.json", to_json(record(values, side))),
            "pyperf": _written(folder / f"{side}.pyperf.json", json.dumps(pyperf_suite(values))),
            "google": _written(folder / f"{side}.google.json", json.dumps(google_file(values))),
        }
    pairs = {kind: (files["base"][kind], files["head"][kind]) for kind in files["base"]}
    perfgate = (python, "-m", "perfgate", "compare")
    # Exit code 1 says that cases are slower, as they are.
    found = frozenset({0, 1})
    return [
        Contender(name="perfgate compare", command=(*perfgate, *pairs["record"]), decided=found),
        Contender(
            name="perfgate compare --json",
            command=(*perfgate, *pairs["record"], "--json"),
            decided=found,
        ),
        Contender(
            name="pyperf compare_to",
            command=(python, "-m", "pyperf", "compare_to", *pairs["pyperf"]),
        ),
        Contender(
            name="Mann-Whitney (google)",
            command=(python, "-m", "benchmarks.mann_whitney", *pairs["google"]),
        ),
    ]


def _written(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    return str(path)


def samples(sizes: Sizes) -> dict[str, Samples]:
    """Milliseconds of each side: cases x launches x metrics, with every tenth case slower."""
    random = np.random.default_rng(SEED)
    usual = random.uniform(20.0, 200.0, (sizes.cases, 1, sizes.metrics))
    shape = (sizes.cases, sizes.launches, sizes.metrics)
    slower = np.arange(sizes.cases) < SLOWER_CASES * sizes.cases
    sides = {}
    for side, slowdown in (("base", 0.0), ("head", SLOWDOWN)):
        values = usual * np.exp(random.normal(0.0, NOISE, shape))
        sides[side] = values * (1.0 + slowdown * slower[:, None, None])
    return sides


def record(values: Samples, side: str) -> Record:
    """A job whose head launches took these times, with the first once more as burn-in.

    The last three metrics of a case are what end-to-end adds to its stages, the median step, load.
    """
    return Record(
        perfgate=__version__,
        suite="bench",
        job="1/1/bench/runner",
        created_at=WHEN,
        fingerprint=Fingerprint(hardware_key="nvidia-h100-80gb-hbm3-x1"),
        policy=GatePolicy(strategy="paired"),
        base=None,
        head=Tree(commit=("a" if side == "head" else "b") * 40, ref=side),
        cases=tuple(
            CaseRecord(
                id=f"case_{number:03}",
                workload_hash="0123456789abcdef",
                launches=(
                    _launch(case[0], pair=None),
                    *(_launch(times, pair=pair) for pair, times in enumerate(case)),
                ),
            )
            for number, case in enumerate(values)
        ),
    )


def _launch(times: npt.NDArray[np.float64], *, pair: int | None) -> Launch:
    *stages, rest, step, load = times.tolist()
    report = Report(
        total_duration_ms=sum(stages) + rest,
        stages=tuple(
            Stage(name=f"Part{index:02}Stage", duration_ms=ms) for index, ms in enumerate(stages)
        ),
        steps_ms=(step,) * 8,
        load_ms=load,
    )
    return Launch(
        side=Side.HEAD,
        pair=pair,
        order=0 if pair is None else pair + 1,
        started_at=WHEN,
        duration_s=10.0,
        reports=(report,),
    )


def names(values: Samples) -> list[str]:
    """A name for every case and metric, in the order of the flattened samples."""
    cases, _, metrics = values.shape
    return [
        f"case_{case:03}/metric_{metric:02}" for case in range(cases) for metric in range(metrics)
    ]


def _by_metric(values: Samples) -> list[list[float]]:
    """The launches of each case and metric, in seconds."""
    flat: list[list[float]] = (values.swapaxes(1, 2).reshape(-1, values.shape[1]) / 1e3).tolist()
    return flat


def pyperf_suite(values: Samples) -> dict[str, object]:
    """pyperf's file: a benchmark for every case and metric, a run for every launch."""
    return {
        "version": "1.0",
        "metadata": {"loops": 1, "unit": "second"},
        "benchmarks": [
            {"metadata": {"name": name}, "runs": [{"values": [value]} for value in launches]}
            for name, launches in zip(names(values), _by_metric(values), strict=True)
        ],
    }


def google_file(values: Samples) -> dict[str, object]:
    """google-benchmark's file: a repetition for every launch."""
    return {
        "context": {},
        "benchmarks": [
            {
                "name": name,
                "run_type": "iteration",
                "repetition_index": index,
                "real_time": 1e3 * value,
                "cpu_time": 1e3 * value,
                "time_unit": "ms",
            }
            for name, launches in zip(names(values), _by_metric(values), strict=True)
            for index, value in enumerate(launches)
        ],
    }


def measure(contenders: Sequence[Contender], *, rounds: int) -> dict[str, Cost]:
    """Run each contender once a round, beginning with another one each round."""
    seen: dict[str, list[tuple[float, float, float]]] = {one.name: [] for one in contenders}
    for turn in range(rounds):
        first = turn % len(contenders)
        for one in (*contenders[first:], *contenders[:first]):
            seen[one.name].append(_run(one))
    return {
        name: Cost(
            wall_s=min(wall for wall, _, _ in runs),
            median_s=statistics.median(wall for wall, _, _ in runs),
            processor_s=min(processor for _, processor, _ in runs),
            peak_mb=max(peak for _, _, peak in runs),
        )
        for name, runs in seen.items()
    }


def _run(contender: Contender) -> tuple[float, float, float]:
    """Wall seconds, processor seconds and peak MB of one process."""
    with tempfile.TemporaryFile() as errors:
        start = time.perf_counter()
        child = subprocess.Popen(contender.command, stdout=subprocess.DEVNULL, stderr=errors)
        _, status, used = os.wait4(child.pid, 0)
        wall_s = time.perf_counter() - start
        code = child.returncode = os.waitstatus_to_exitcode(status)
        if code not in contender.decided:
            errors.seek(0)
            raise SystemExit(f"{contender.name} ended with {code}: {errors.read().decode()[-500:]}")
    # Linux gives KiB, macOS bytes.
    peak = used.ru_maxrss * (1.0 if sys.platform == "darwin" else 1024.0)
    return wall_s, used.ru_utime + used.ru_stime, peak / 1e6


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
