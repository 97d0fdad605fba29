"""Who reads the dashboard how: on a phone, in the dark, by ear, by keys, without JavaScript."""

from __future__ import annotations

import pytest

from tests.e2e.visits import H100, STORY


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
