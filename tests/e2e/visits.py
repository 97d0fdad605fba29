"""Visits of a dashboard in a real browser, and all that its page asks for and complains of.

Needs Chromium on PATH and playwright, which `make e2e` installs; no network, no root.
"""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime

import pytest

from perfgate.report.dashboard.kept import Kept, Update
from perfgate.report.dashboard.links import Links
from perfgate.report.dashboard.page import Dashboard, render_page
from tests.factories import an_acceptance
from tests.histories import (
    SERVER,
    a_history,
    a_line,
    a_miss,
    nights,
    seconds_of,
    shifts_in,
)

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
ADDRESS = "http://dashboard.test/"
H100, CPU = "nvidia-h100-80gb-hbm3-x1", "cpu-test-x2"


@pytest.fixture(scope="module")
def chromium():
    """A browser of the system's Chromium."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="playwright is missing; `make e2e` installs it"
    )
    found = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if found is None:
        pytest.skip("no Chromium is on PATH")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=found, args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


class Visit:
    """One visitor: the page, and everything that it asked for or complained of."""

    def __init__(self, browser, html, **context):
        self.asked, self.complaints = [], []
        self._context = browser.new_context(
            **{"viewport": {"width": 1280, "height": 900}} | context
        )
        self._context.route("**/*", self._answer)
        self._html = html
        self.page = self._context.new_page()
        self.page.set_default_timeout(20_000)
        self.page.on("console", lambda said: self.complaints.append(said.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _answer(self, route):
        self.asked.append(route.request.url)
        if route.request.url.split("#")[0] == ADDRESS:
            route.fulfill(body=self._html, content_type="text/html; charset=utf-8")
        else:
            route.abort()

    def come(self, fragment=""):
        self.page.goto(ADDRESS + fragment)
        return self.page

    def drawn(self, fragment=""):
        """The page when its first chart stands."""
        self.come(fragment)
        self.page.wait_for_selector("figure svg.chart")
        return self.page

    def close(self):
        self._context.close()


@pytest.fixture
def visit(chromium):
    """Visits of this test, none of which may ask for anything or complain."""
    visits = []

    def start(html, **context):
        visits.append(Visit(chromium, html, **context))
        return visits[-1]

    yield start
    for one in visits:
        one.close()
    assert [url for one in visits for url in one.asked if url.split("#")[0] != ADDRESS] == []
    assert [text for one in visits for text in one.complaints] == []


def the_page(history, **kept):
    return render_page(
        Dashboard.of(
            history,
            shifts_in(history),
            title="o/r: performance over time",
            kept=Kept(today=date(2026, 6, 1), **kept),
            links=Links.to(SERVER),
            made_at=datetime(2026, 6, 1, tzinfo=UTC),
        )
    )


def a_story():
    """Three cases, two frameworks, two machines, stages, a slowdown, another workload, a miss."""
    return a_history(
        a_line(nights((60, 6700.0), (40, 7400.0), noise=0.006, seed=1), case="flux"),
        a_line(nights((100, 8900.0), noise=0.006, seed=2), case="flux", framework="vllm-omni"),
        a_line(nights((100, 5100.0), noise=0.006, seed=3), case="flux", metric="DenoisingStage"),
        a_line(nights((50, 22800.0), noise=0.006, seed=4), case="qwen"),
        a_line(
            nights((50, 14800.0), noise=0.006, seed=4),
            case="qwen",
            first_night=50,
            workload_hash="f" * 16,
        ),
        a_line(nights((100, 210.0), noise=0.01, seed=5), case="tiny", hardware_key=CPU),
        missed=[
            a_miss(99, "out of memory", "CUDA out of memory", case="qwen", framework="vllm-omni")
        ],
    )


STORY = the_page(
    a_story(),
    accepted=(an_acceptance("flux", hardware=H100, reference=6700.0, ceiling=1.15),),
    updates=(Update(case="flux", hardware_key=H100, seconds=seconds_of(61), commit="c" * 40),),
)


def becomes(page, selector, count):
    """Waits until so many elements are there; the page's policy forbids waiting for a script."""
    from playwright.sync_api import expect  # noqa: PLC0415 - what only `make e2e` installs

    expect(page.locator(selector)).to_have_count(count)


def titles(page):
    return page.locator("figure h3").all_inner_texts()
