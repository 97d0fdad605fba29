"""What the dashboard of five years of nights costs, beside its limits: ``make bench-dashboard``.

    python -m benchmarks.dashboard [--nights 1832] [--write docs/measurements.md]

13 cases in 6 frameworks with 7 metrics of 3 samples each, a million points: noise of one per cent
with spikes, and a change of level every few months. The command runs as a user runs it, in
processes of its own; the page is opened by the system's Chromium, headless.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from perfgate import __version__
from perfgate.history.compact import compact
from perfgate.history.folder import Folder
from perfgate.history.names import DIGEST_CHARS, digest_of
from perfgate.history.read import read_history
from perfgate.report.dashboard.kept import Kept
from perfgate.report.dashboard.links import Links
from perfgate.report.dashboard.page import Dashboard
from perfgate.report.dashboard.trends import MAX_POINTS, trend_charts

CASES, FRAMEWORKS = 13, ("diffusers", "lightx2v", "sglang", "sglang-compiled", "vllm-omni", "xdit")
METRICS = ("e2e", "server", "step", "TextEncodingStage", "DenoisingStage", "DecodingStage", "load")
SAMPLES = 3
NIGHTS = 1832
LIMITS = {"seconds": 10.0, "gigabytes": 1.0, "first chart": 1.5, "megabytes": 5.0}
_START = datetime(2021, 1, 1, 2, 0, tzinfo=UTC)
_VISITS = 5
_RUNS = 3


def write_history(folder: Path, *, nights: int) -> int:
    """A file a night, and how many points they hold together."""
    random = np.random.default_rng(20211120)
    lines = CASES * len(FRAMEWORKS) * len(METRICS)
    moved = np.where(
        random.random((nights, lines)) < 1 / 180, random.normal(0, 0.08, (nights, lines)), 0
    )
    level = np.exp(random.uniform(3.0, 12.0, lines) + np.cumsum(moved, axis=0))
    spikes = np.where(
        random.random((nights, lines)) < 0.02, random.uniform(0.05, 0.4, (nights, lines)), 0
    )
    night = level * np.exp(0.01 * random.standard_normal((nights, lines)) + spikes)
    samples = night[..., None] * np.exp(0.006 * random.standard_normal((nights, lines, SAMPLES)))
    for number in range(nights):
        _write_night(folder, number, np.round(samples[number], 3).tolist())
    return nights * lines


def _case(number: int) -> str:
    return f"model_{number:02d}_t2v_720p"


def _write_night(folder: Path, number: int, samples: list[list[float]]) -> None:
    moment = _START + timedelta(days=number)
    rows = iter(samples)
    cells = [
        {
            "case": _case(case),
            "framework": framework,
            "workload_hash": f"{case:016x}",
            "metrics": [
                {"name": metric, "unit": "ms", "samples": next(rows)} for metric in METRICS
            ],
        }
        for case in range(CASES)
        for framework in FRAMEWORKS
    ]
    commit = f"{number * 2654435761 % 2**160:040x}"
    results: dict[str, Any] = {
        "schema": "perfgate.results",
        "version": 1,
        "perfgate": __version__,
        "measured_at": moment.isoformat(),
        "commit": commit,
        "hardware_key": "nvidia-h100-80gb-hbm3-x4",
        "run": {"id": str(10**10 + number), "attempt": 1, "name": "nightly", "url": ""},
        "cells": cells,
    }
    content = json.dumps(results).encode()
    name = f"{moment:%Y-%m-%dT%H%M%SZ}_{10**10 + number}_1_{digest_of(content)[:DIGEST_CHARS]}.json"
    path = folder / "results" / f"{moment:%Y}" / f"{moment:%m}" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


@dataclass(frozen=True, kw_only=True, slots=True)
class Built:
    """One run of the command: wall and processor seconds, and its memory at most in GiB."""

    seconds: float
    processor_s: float
    gigabytes: float


def built(store: Path, output: Path) -> Built:
    """What the command takes from its start to its end, the processes that it starts included."""
    command = [sys.executable, "-m", "perfgate", "dashboard", "--from", str(store)]
    command += ["--output-dir", str(output), "--repository", "https://github.com/o/r"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    seconds = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Built(
        seconds=seconds,
        processor_s=after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        gigabytes=after.ru_maxrss / 2**20,
    )


def compacted(store: Path) -> None:
    """Every finished month as one file, as `perfgate history compact` leaves it."""
    now = datetime.now(UTC)
    compact(Folder(root=store, told="the history"), before=now.date(), now=now)


def vega_page(store: Path, page: Path) -> None:
    """The first case's chart alone, drawn by the Vega that vl-convert bundles."""
    import vl_convert  # noqa: PLC0415 - only this needs it

    now = datetime.now(UTC)
    history = read_history(Folder(root=store, told="the history"), now=now, cases=[_case(0)])
    shown = Dashboard.of(
        history, (), title="", kept=Kept(today=now.date()), links=Links(), made_at=now
    )
    spec = json.dumps(next(trend_charts(shown)).spec)
    # The stub forgets that the snippet may be left out.
    bundle = vl_convert.javascript_bundle()  # type: ignore[call-arg]
    script = bundle.replace("</script", "<\\/script")
    mark = 'performance.mark("first chart")'
    page.write_text(
        f'<!doctype html><meta charset="utf-8"><div id="chart"></div><script>{script}</script>'
        f'<script>vegaEmbed("#chart", {spec}, {{renderer: "svg"}}).then(() => {mark})</script>',
        encoding="utf-8",
    )


def first_charts(page: Path) -> list[float]:
    """Seconds from the visit's start to the first chart, once a visit."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - only this needs it

    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    found = []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        for _ in range(_VISITS):
            context = browser.new_context(viewport={"width": 1280, "height": 900})
            visit = context.new_page()
            visit.goto(page.as_uri())
            visit.wait_for_selector("svg.chart, svg.marks", state="attached")
            visit.wait_for_timeout(500)
            at = visit.evaluate("performance.getEntriesByName('first chart')[0].startTime")
            found.append(at / 1000)
            context.close()
        browser.close()
    return found


def report(
    runs: dict[str, list[Built]],
    *,
    page_mb: float,
    points: int,
    visits: list[float],
    vega: tuple[float, list[float]],
    load: float,
) -> str:
    """A section for docs/measurements.md."""
    rows = []
    for told, found in runs.items():
        typical = sorted(found, key=lambda one: one.seconds)[len(found) // 2]
        name = f"the command, {told} ({typical.processor_s:.1f} s of processors)"
        rows.append((name, typical.seconds, LIMITS["seconds"], "s"))
        most = max(one.gigabytes for one in found)
        rows.append(("its memory at most", most, LIMITS["gigabytes"], "GiB"))
    rows += [
        ("index.html", page_mb, LIMITS["megabytes"], "MB"),
        ("first chart drawn, median visit", statistics.median(visits), LIMITS["first chart"], "s"),
        ("first chart drawn, slowest visit", max(visits), LIMITS["first chart"], "s"),
    ]
    table = "\n".join(
        f"| {name} | {value:.2f} {unit} | {limit:g} {unit} | "
        f"{'met' if value <= limit else '**missed**'} |"
        for name, value, limit, unit in rows
    )
    return (
        f"## The dashboard of five years, {datetime.now(UTC):%Y-%m-%d}\n\n"
        f"`make bench-dashboard`, Python {platform.python_version()}, {os.cpu_count()} processors: "
        f"{points:,} points in {CASES * len(FRAMEWORKS) * len(METRICS)} lines of made-up nights, "
        f"{CASES} cases in {len(FRAMEWORKS)} frameworks with {len(METRICS)} metrics of {SAMPLES} "
        f"samples. Medians of {_RUNS} runs and of {_VISITS} visits of headless Chromium, while the "
        f"machine had a load of {load:.1f}, this run included.\n\n"
        f"| | found | limit | |\n| --- | ---: | ---: | --- |\n{table}\n\n"
        f"The page draws its charts itself. One chart alone of {MAX_POINTS} nights, drawn by the "
        f"Vega that vl-convert bundles, is a page of {vega[0]:.2f} MB and stands after "
        f"{statistics.median(vega[1]):.2f} s; and Vega makes functions of text, which the page's "
        f"Content-Security-Policy forbids.\n"
    )


def main() -> None:
    """Print the section, and append it where asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--nights", type=int, default=NIGHTS)
    parser.add_argument("--write", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="perfgate-bench-") as scratch:
        store, output = Path(scratch) / "history", Path(scratch) / "dashboard"
        points = write_history(store, nights=asked.nights)
        runs = {"from a file a night": [built(store, output) for _ in range(_RUNS)]}
        compacted(store)
        runs = {"from finished months": [built(store, output) for _ in range(_RUNS)], **runs}
        page = output / "index.html"
        visits = first_charts(page)
        other = Path(scratch) / "vega.html"
        vega_page(store, other)
        text = report(
            runs,
            page_mb=page.stat().st_size / 1e6,
            points=points,
            visits=visits,
            vega=(other.stat().st_size / 1e6, first_charts(other)),
            load=os.getloadavg()[1],
        )
    print(text)
    if asked.write:
        with asked.write.open("a", encoding="utf-8") as stream:
            stream.write(f"\n{text}")


if __name__ == "__main__":
    main()
