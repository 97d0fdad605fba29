"""The dashboard's charts in a real browser: points, marks, and a closer look."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.e2e.visits import STORY, becomes, the_page, titles
from tests.histories import (
    SERVER,
    a_history,
    a_line,
    a_miss,
    a_run,
    commit_of,
    nights,
    seconds_of,
)


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
