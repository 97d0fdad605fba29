"""Makes the picture in docs/nightly.md: ``python -m tests.dashboard_picture docs/dashboard.png``.

Its figures are made up in the shape of a nightly comparison of three frameworks. Needs Chromium on
PATH and playwright.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from datetime import UTC, date, datetime
from pathlib import Path

from perfgate.records.history import History
from perfgate.report.dashboard.kept import Kept
from perfgate.report.dashboard.links import Links
from perfgate.report.dashboard.page import Dashboard, render_page
from tests.histories import a_history, a_line, a_miss, nights, shifts_in

NIGHTS = 126
_SIZE = {"width": 1280, "height": 1330}


def a_nightly_comparison() -> History:
    """Four cases in three frameworks: a slowdown, a speed-up, another workload, failures."""
    lines = [
        a_line(
            nights(*levels, noise=noise, seed=seed, spikes=0.015), case=case, framework=framework
        )
        for seed, (case, framework, noise, *levels) in enumerate(
            [
                ("flux1_dev_t2i_1024", "sglang", 0.006, (74, 6690.0), (52, 7240.0)),
                ("flux1_dev_t2i_1024", "vllm-omni", 0.007, (NIGHTS, 7910.0)),
                ("flux1_dev_t2i_1024", "diffusers", 0.004, (NIGHTS, 9480.0)),
                ("qwen_image_edit_2511", "sglang", 0.006, (40, 23800.0), (86, 20900.0)),
                ("qwen_image_edit_2511", "vllm-omni", 0.008, (NIGHTS, 20700.0)),
                ("wan22_t2v_a14b_720p", "sglang", 0.002, (NIGHTS, 210700.0)),
                ("wan22_t2v_a14b_720p", "vllm-omni", 0.003, (90, 246000.0), (36, 228000.0)),
                ("wan22_ti2v_5b_720p", "sglang", 0.002, (NIGHTS - 1, 64200.0), (1, 68400.0)),
                ("wan22_ti2v_5b_720p", "diffusers", 0.002, (NIGHTS, 91500.0)),
            ]
        )
    ]
    denoising = nights((74, 5400.0), (52, 5950.0), noise=0.006, seed=0)
    return a_history(
        *lines,
        a_line(denoising, case="flux1_dev_t2i_1024", metric="DenoisingStage"),
        missed=[
            *(
                a_miss(n, "crashed", case="qwen_image_edit_2511", framework="vllm-omni")
                for n in (31, 88)
            ),
            *(
                a_miss(n, "out of memory", case="wan22_t2v_a14b_720p", framework="diffusers")
                for n in range(96, NIGHTS)
            ),
        ],
    )


def main(path: Path) -> None:
    """Draw the upper part of the page."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - only this needs it

    history = a_nightly_comparison()
    shown = Dashboard.of(
        history,
        shifts_in(history),
        title="Nightly comparison",
        kept=Kept(today=date(2026, 7, 24)),
        links=Links.to("https://github.com/OWNER/PROJECT"),
        made_at=datetime(2026, 7, 24, 3, 0, tzinfo=UTC),
    )
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        page_file = Path(folder, "index.html")
        page_file.write_text(render_page(shown), encoding="utf-8")
        browser = driver.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport=_SIZE)
        page.goto(page_file.as_uri())
        page.locator("svg.chart").nth(1).wait_for()
        page.screenshot(path=path)
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
