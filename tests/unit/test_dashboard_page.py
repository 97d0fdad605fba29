"""The page as a text: hostile names, its policy, its size; what it does is tested in a browser."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from datetime import UTC, date, datetime
from html.parser import HTMLParser

import pytest

from perfgate.report.dashboard.kept import Kept
from perfgate.report.dashboard.links import Links
from perfgate.report.dashboard.markdown import render_markdown
from perfgate.report.dashboard.page import Dashboard, render_page
from perfgate.report.dashboard.trends import trend_charts
from tests.factories import an_acceptance
from tests.histories import SERVER, a_history, a_line, a_miss, a_run, nights, shifts_in

HOSTILE = "</script><script>alert(1)</script><img src=//evil.example onerror=alert(2)>\"'`${x}]]>"
EVIL = ("https://evil.example/", "javascript:alert(1)")


def a_dashboard(history, *, repository=SERVER, **kept):
    return Dashboard.of(
        history,
        shifts_in(history),
        title=HOSTILE,
        kept=Kept(today=date(2026, 6, 1), **kept),
        links=Links.to(repository),
        made_at=datetime(2026, 6, 1, tzinfo=UTC),
    )


def a_hostile_history():
    """Every text that is free in a result file, as hostile as it can be."""
    return a_history(
        a_line(nights((20, 1000.0), (20, 1300.0), noise=0.005)),
        a_line(nights((40, 700.0), noise=0.005), metric=HOSTILE),
        missed=[a_miss(39, text=HOSTILE)],
        problems=[HOSTILE],
        runs=[
            a_run(night, commit=HOSTILE[:64], id=HOSTILE, name=HOSTILE, url=EVIL[night % 2])
            for night in range(40)
        ],
    )


class Read(HTMLParser):
    """Elements with their attributes, and the text of each script element."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.scripts, self._inside = [], [], False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self._inside = tag == "script"
        if self._inside:
            self.scripts.append("")

    def handle_endtag(self, tag):
        self._inside = False

    def handle_data(self, data):
        if self._inside:
            self.scripts[-1] += data


def test_hostile_texts__make_no_element_and_no_attribute():
    good = Read(render_page(a_dashboard(a_history(a_line(nights((40, 1000.0)))))))
    read = Read(render_page(a_dashboard(a_hostile_history())))
    tags = {tag for tag, _ in read.elements}
    assert "img" not in tags
    assert len([tag for tag, _ in read.elements if tag == "script"]) == len(good.scripts)
    for tag, attributes in read.elements:
        assert not [name for name in attributes if name.startswith("on") or name == "style"], tag
        for name in ("href", "src"):
            address = attributes.get(name, "")
            assert address in {"", "data:,"} or address.startswith(("#", SERVER)), address


def test_hostile_texts__stay_text_in_the_index():
    read = Read(render_page(a_dashboard(a_hostile_history())))
    index = json.loads(read.scripts[0])
    assert any(name.startswith("</script>") for name in index["metrics"])
    assert max(map(len, index["metrics"])) <= 80


def test_policy__names_our_script_and_style_and_nothing_else():
    page = render_page(a_dashboard(a_hostile_history()))
    read = Read(page)
    (policy,) = [
        attributes["content"]
        for tag, attributes in read.elements
        if tag == "meta" and attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    digest = base64.b64encode(hashlib.sha256(read.scripts[-1].encode()).digest()).decode()
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)[1]
    style_digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == f"'sha256-{digest}'"
    assert rules["style-src"] == f"'sha256-{style_digest}'"
    assert not {"unsafe-inline", "unsafe-eval"} & set(re.findall(r"[\w-]+", policy))


def test_policy__stands_before_everything_that_it_governs():
    page = render_page(a_dashboard(a_history(a_line([1.0]))))
    assert page.index("Content-Security-Policy") < min(
        page.index("<title>"), page.index("<style>"), page.index("<script")
    )


def test_no_repository__no_address_but_those_within_the_page():
    read = Read(render_page(a_dashboard(a_hostile_history(), repository="")))
    found = {attributes["href"] for _, attributes in read.elements if "href" in attributes}
    assert all(address.startswith("#") or address == "data:," for address in found)


def test_without_a_script__the_tables_say_it_all():
    page = render_page(a_dashboard(a_history(a_line(nights((20, 1000.0), (20, 1300.0))))))
    table = page[: page.index('id="index"')]
    assert "1.30 s" in table
    assert "+30.0 %" in table
    assert "need JavaScript" in table


def test_size__the_oldest_points_find_no_place_and_it_says_so():
    history = a_history(
        *(a_line(nights((900, 1000.0), noise=0.02, seed=n), case=f"c{n}") for n in range(6))
    )
    whole = render_page(a_dashboard(history))
    small = render_page(a_dashboard(history), most_bytes=len(whole) - 10_000)
    assert len(small.encode()) <= len(whole) - 10_000
    assert re.search(r"points before 20\d\d-\d\d-\d\d, which are in the history", small)
    counts = [line[6] for line in json.loads(Read(small).scripts[0])["lines"]]
    assert len(counts) == 6
    assert min(counts) > 450


def test_size__a_change_of_level_keeps_its_point():
    values = nights((300, 1000.0), (300, 1300.0), noise=0.02)
    history = a_history(a_line(values), *(a_line(values, metric=f"S{n}") for n in range(9)))
    whole = render_page(a_dashboard(history))
    small = render_page(a_dashboard(history), most_bytes=len(whole) - 6_000)
    index = json.loads(Read(small).scripts[0])
    left = index["lines"][0][6]
    assert left < 600
    assert {left - shift[1] for shift in index["shifts"] if shift[0] == 0} == {300}


def test_kept__permissions_are_told_and_drawn():
    page = render_page(
        a_dashboard(
            a_history(a_line(nights((20, 1100.0)), hardware_key="cpu-test-x2")),
            accepted=(an_acceptance(),),
        )
    )
    assert "Slower by permission" in page
    assert "the new sampler is better" in page
    assert 'href="https://github.com/o/r/issues/7"' in page
    index = json.loads(Read(page).scripts[0])
    assert index["accepted"] == [[0, 0, 0, 1000.0, pytest.approx(1150.0), "2026-06-30"]]


def test_markdown__hostile_texts_are_escaped():
    shown = a_dashboard(a_hostile_history())
    text = render_markdown(shown, list(trend_charts(shown)), [HOSTILE])
    assert "<script" not in text
    assert "<img" not in text
    assert "evil.example/)" not in text
    assert "javascript:alert(1))" not in text


def test_markdown__keeps_to_a_size():
    many = [
        a_line(nights((8, 1000.0), (8, 1300.0), noise=0.01), case=f"case_{n}", framework=f"f{m}")
        for n in range(150)
        for m in range(8)
    ]
    shown = a_dashboard(a_history(*many, missed=[a_miss(15, text=HOSTILE)] * 500))
    charts = list(trend_charts(shown))
    text = render_markdown(shown, charts, [])
    assert len(charts) == 20
    assert len(text.encode()) < 400_000
    assert "And 3 more frameworks on the page." in text
