"""The dashboard in a real browser: what its filters leave, and what hostile names do not do."""

from __future__ import annotations

import pytest

from tests.e2e.visits import CPU, STORY, becomes, the_page, titles
from tests.histories import (
    a_history,
    a_line,
    a_miss,
    a_run,
    nights,
)

HOSTILE = (
    "</script><script>document.title='owned'</script><img src=x onerror=document.title='owned'>"
)


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
