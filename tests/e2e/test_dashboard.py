"""The dashboard in a real browser: what a visitor sees, clicks and reads, and what leaves the page.

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
    a_run,
    commit_of,
    nights,
    seconds_of,
    shifts_in,
)

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
ADDRESS = "http://dashboard.test/"
H100, CPU = "nvidia-h100-80gb-hbm3-x1", "cpu-test-x2"
HOSTILE = (
    "</script><script>document.title='owned'</script><img src=x onerror=document.title='owned'>"
)


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


def test_first_look__the_table_and_a_chart_of_every_case(visit):
    page = visit(STORY).drawn()
    assert titles(page) == ["flux", "qwen", "tiny"]
    assert page.locator("table.latest tbody tr").count() == 3
    assert "out of memory" in page.locator("table.latest").inner_text()


def test_filter_by_case__charts_tables_and_address_follow(visit):
    page = visit(STORY).drawn()
    page.select_option("#filter-case", label="flux")
    page.wait_for_selector("figure svg.chart")
    assert titles(page) == ["flux"]
    assert page.locator("table.latest tbody tr:visible").count() == 1
    assert page.locator("#missed tbody tr:visible").count() == 0
    assert "None with these filters." in page.locator("#missed").inner_text()
    assert page.url.endswith("#case=flux")


def test_filter_by_machine(visit):
    page = visit(STORY).drawn()
    page.select_option("#filter-machine", label=CPU)
    assert titles(page) == ["tiny"]


def test_filter_by_metric__every_metric_has_a_chart_of_its_own(visit):
    page = visit(STORY).drawn("#case=flux")
    page.select_option("#filter-metric", label="every metric")
    assert titles(page) == ["flux", "flux"]
    told = page.locator("figcaption p").all_inner_texts()
    assert [text.split(" · ")[0] for text in told] == ["end-to-end", "DenoisingStage"]


def test_filter_by_framework__its_line_its_column_and_its_rows_go(visit):
    page = visit(STORY).drawn("#case=flux")
    assert page.locator("figure path.way").count() == 2
    page.get_by_role("checkbox", name="vllm-omni").uncheck()
    becomes(page, "figure path.way", 1)
    assert page.locator("table.latest thead th:visible").all_inner_texts() == ["case", "sglang"]
    page.get_by_role("checkbox", name="vllm-omni").check()
    becomes(page, "figure path.way", 2)
    page.click("#filter-reset")
    assert titles(page) == ["flux", "qwen", "tiny"]


def test_filter_by_time__only_the_newest_points_stay(visit):
    page = visit(STORY).drawn("#case=tiny")
    page.select_option("#filter-range", label="30 days")
    page.wait_for_selector("figure svg.chart")
    page.locator("figure summary").click()
    becomes(page, "table.points tbody tr", 31)
    page.select_option("#filter-range", label="from … to …")
    page.fill("#filter-from", "2026-04-01")
    page.fill("#filter-to", "2026-04-03")
    page.locator("figure summary").click()
    becomes(page, "table.points tbody tr", 3)


def test_filters_come_back_with_the_address(visit):
    page = visit(STORY).drawn("#case=flux&metric=DenoisingStage&without=vllm-omni&range=90")
    assert titles(page) == ["flux"]
    assert page.locator("#filter-metric option:checked").inner_text() == "DenoisingStage"
    assert page.locator("#filter-range option:checked").inner_text() == "90 days"
    assert not page.get_by_role("checkbox", name="vllm-omni").is_checked()


@pytest.mark.parametrize("fragment", ["#case=%3Cimg%3E&metric=__proto__&range=x&without=a,b", "#="])
def test_an_address_that_says_nonsense__is_as_none(visit, fragment):
    assert titles(visit(STORY).drawn(fragment)) == ["flux", "qwen", "tiny"]


def test_a_point__its_commit_and_its_job_are_right(visit):
    page = visit(STORY).drawn("#case=tiny")
    chart = page.locator("figure svg.chart")
    chart.focus()
    for _ in range(7):
        chart.press("ArrowLeft")
    told = page.locator("figure .told")
    night = 99 - 7
    assert told.locator("time").inner_text() == datetime.fromtimestamp(
        seconds_of(night), UTC
    ).strftime("%Y-%m-%d")
    value = nights((100, 210.0), noise=0.01, seed=5)[night]
    assert told.locator("b").inner_text() == f"{value:.0f} ms"
    commit = told.locator("a.commit-link")
    assert commit.get_attribute("href") == f"{SERVER}/commit/{commit_of(night)}"
    assert told.locator("a.job-link").get_attribute("href") == a_run(night).url
    chart.press("Home")
    assert commit.get_attribute("href") == f"{SERVER}/commit/{commit_of(0)}"


def test_a_point__under_the_pointer_and_kept_by_a_click(visit):
    page = visit(STORY).drawn("#case=tiny")
    chart = page.locator("figure svg.chart")
    box = chart.bounding_box()
    chart.click(position={"x": box["width"] / 2, "y": box["height"] / 2})
    told = page.locator("figure .told time").inner_text()
    chart.hover(position={"x": box["width"] - 30, "y": box["height"] / 2})
    assert page.locator("figure .told time").inner_text() == told != "2026-06-27"


def test_dragging__looks_closer(visit):
    page = visit(STORY).drawn("#case=tiny")
    box = page.locator("figure svg.chart").bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 150, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + 260, middle, steps=4)
    page.mouse.up()
    assert page.locator("#filter-range").input_value() == "own"
    assert page.locator("#filter-from").input_value() > "2026-03-20"
    assert page.locator("#filter-to").input_value() < "2026-06-20"


def test_marks__change_of_level_other_workload_baseline_permission_and_miss(visit):
    page = visit(STORY).drawn("#case=flux")
    assert "+10.6 %" in page.locator("g.shift").text_content()
    assert "baseline measured on" in page.locator("g.update").text_content()
    assert "accepted up to +15.0 %" in page.locator("g.ceiling").text_content()
    page.select_option("#filter-case", label="qwen")
    page.wait_for_selector("g.workload")
    assert "another workload from 2026-05-09 on" in page.locator("g.workload").text_content()
    assert "out of memory" in page.locator("g.miss").text_content()


def test_a_change_of_level__leads_to_its_chart_and_to_its_commits(visit):
    page = visit(STORY).drawn()
    row = page.locator("#shifts tbody tr").first
    assert row.locator("td.commit a").get_attribute("href").startswith(f"{SERVER}/compare/")
    row.locator("a[data-show-case]").click()
    assert titles(page) == ["flux"]


def test_hostile_names__stay_text(visit):
    history = a_history(
        a_line(nights((40, 1000.0), noise=0.01)),
        a_line(nights((40, 900.0), noise=0.01), metric=HOSTILE),
        missed=[a_miss(39, text=HOSTILE)],
        problems=[HOSTILE],
        runs=[a_run(n, id=HOSTILE, name=HOSTILE, url="javascript:alert(1)") for n in range(40)],
    )
    page = visit(the_page(history)).drawn("#metric=every")
    page.locator("figure summary").first.click()
    assert page.title() == "o/r: performance over time"
    assert page.locator("img").count() == 0
    assert page.locator("a[href^=javascript]").count() == 0
    assert HOSTILE[:40] in page.locator("#filter-metric").inner_text()


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_no_sideways_scroll(visit, width):
    page = visit(STORY, viewport={"width": width, "height": 844}).drawn()
    page.locator("figure summary").first.click()
    page.locator("table.points").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_phone__draws_narrow_charts_and_answers_a_tap(visit):
    page = visit(
        STORY, viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True
    ).drawn("#case=tiny")
    chart = page.locator("figure svg.chart")
    assert chart.bounding_box()["width"] <= 390
    box = chart.bounding_box()
    chart.tap(position={"x": box["width"] / 2, "y": box["height"] / 2})
    assert page.locator("figure .told time").inner_text() < "2026-06-01"


def luminance(page, selector, what):
    """From 0, black, to 1, white, of a colour that the browser computed."""
    colour = page.evaluate(
        "([selector, what]) => getComputedStyle(document.querySelector(selector))[what]",
        [selector, what],
    )
    parts = [int(part) for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]
    shares = [(p / 255 / 12.92 if p <= 10 else ((p / 255 + 0.055) / 1.055) ** 2.4) for p in parts]
    return 0.2126 * shares[0] + 0.7152 * shares[1] + 0.0722 * shares[2]


def contrast(one, other):
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_light_and_dark__text_and_charts_can_be_read(visit, scheme):
    page = visit(STORY, color_scheme=scheme).drawn()
    paper = luminance(page, "body", "backgroundColor")
    assert (paper < 0.1) == (scheme == "dark")
    card = luminance(page, "figure.panel", "backgroundColor")
    for selector, what, least in (
        ("body", "color", 7.0),
        ("header > p", "color", 4.5),
        ("a.case", "color", 4.5),
        ("figure .told", "color", 4.5),
        ("svg.chart text.up", "fill", 4.5),
        ("svg.chart .c0 .dot", "fill", 3.0),
        ("svg.chart .c1 .dot", "fill", 3.0),
    ):
        ground = card if "chart" in selector or "told" in selector else paper
        assert contrast(luminance(page, selector, what), ground) >= least, selector


def test_without_javascript__the_table_stands_and_says_what_needs_it(visit):
    page = visit(STORY, java_script_enabled=False).come()
    assert "need JavaScript" in page.locator("noscript").inner_text()
    assert page.locator("table.latest tbody tr:visible").count() == 3
    assert page.locator("#shifts tbody tr:visible").count() == 1
    assert not page.locator("#filters").is_visible()


def test_a_screen_reader__hears_what_a_chart_shows(visit):
    page = visit(STORY).drawn("#case=flux")
    told = page.get_by_role("img").first.get_attribute("aria-label")
    assert told.startswith(f"end-to-end of flux on {H100}. sglang: 100 points, newest ")
    named = page.evaluate(
        "[...document.querySelectorAll('select, input')].every((one) => one.labels.length)"
    )
    assert named
    assert page.locator("h1").count() == 1
    assert page.locator("th:not([scope])").count() == 0


def test_keys_alone__reach_filters_charts_and_links(visit):
    page = visit(STORY).drawn("#case=tiny")
    reached = []
    page.keyboard.press("Tab")
    for _ in range(60):
        reached.append(
            page.evaluate(
                "document.activeElement.id || document.activeElement.className.baseVal"
                " || document.activeElement.className"
            )
        )
        page.keyboard.press("Tab")
    assert reached[0] == "skip"
    assert {"filter-case", "filter-metric", "chart", "commit-link", "job-link"} <= set(reached)


def test_one_point_alone_and_a_line_of_zeros__are_drawn(visit):
    history = a_history(a_line([1000.0], case="one"), a_line([0.0, 0.0, 0.0], case="zeros"))
    page = visit(the_page(history)).drawn()
    page.locator("figure").nth(1).scroll_into_view_if_needed()
    becomes(page, "figure svg.chart", 2)
    drawn = page.evaluate(
        "[...document.querySelectorAll('path')].map((one) => one.getAttribute('d'))"
    )
    assert not [path for path in drawn if "NaN" in path or "Infinity" in path]


def test_failures_alone__the_page_stands_without_a_chart(visit):
    page = visit(the_page(a_history(missed=[a_miss(3)]))).come()
    becomes(page, "#filters:visible", 1)
    assert "crashed" in page.locator("table.latest").inner_text()
