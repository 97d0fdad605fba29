"""Charts as files: drawn without a network, harmless to open, named in both summaries."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from PIL import Image

from perfgate.app.outputs import prepare_folder, write_folder
from perfgate.app.publishing.publish import find_charts
from perfgate.errors import ConfigurationError
from perfgate.report.charts import charts
from perfgate.report.draw import NOT_INSTALLED, Picture, draw_chart
from perfgate.report.summary import render_summary
from perfgate.verdict.decide import decide
from tests.factories import a_case_record, a_record

ROOT = Path(__file__).parents[2]
HOSTILE = "</text><script href='http://evil.example/x'>\"&]]> <image xlink:href='//evil'/>"
SVG = "{http://www.w3.org/2000/svg}"


def a_job(*cases):
    record = a_record(cases or [a_case_record()])
    return decide(record), record


def picture(*cases):
    decision, record = a_job(*cases)
    return draw_chart(next(charts(record, decision)).spec)


def slower(case_id, stage="DecodingStage"):
    base = {"total": 1000.0, "DenoisingStage": 800.0, stage: 200.0}
    head = {"total": 1100.0, "DenoisingStage": 800.0, stage: 300.0}
    return a_case_record(case_id, base=[base] * 5, head=[head] * 5)


class TestPicture:
    def test_both_forms_fit_a_phone(self):
        drawn = picture()
        assert ET.fromstring(drawn.svg).get("width") == "600"
        with Image.open(io.BytesIO(drawn.png)) as png:
            assert png.size[0] == 1200

    def test_hostile_names__are_nothing_but_text(self):
        root = ET.fromstring(picture(slower(HOSTILE, stage=HOSTILE)).svg)
        tags = {element.tag.removeprefix(SVG) for element in root.iter()}
        assert tags <= {"svg", "rect", "g", "path", "line", "text", "tspan", "defs", "clipPath"}
        texts = ["".join(element.itertext()) for element in root.iter(f"{SVG}text")]
        assert any(text.startswith("</text><script href=") for text in texts)
        attributes = {name for element in root.iter() for name in element.keys()}  # noqa: SIM118
        assert not [name for name in attributes if "href" in name or name.startswith("on")]

    def test_svg__refers_to_nothing_outside_itself(self):
        svg = picture(slower("a")).svg
        assert set(re.findall(r"https?://[^\"' <)]+", svg)) == {
            "http://www.w3.org/2000/svg",
            "http://www.w3.org/1999/xlink",
        }
        assert set(re.findall(r'font-family="([^"]*)"', svg)) == {"sans-serif"}
        assert re.findall(r"url\((?!#)", svg) == []
        assert not re.search("@import|@font-face|<style|<image|<use|<foreignObject", svg)

    def test_data_from_an_address__are_refused(self):
        spec = {"data": {"url": "http://127.0.0.1:9/rows.csv"}, "mark": "point"}
        with pytest.raises(ValueError, match="not allowed"):
            draw_chart(spec)


_DRAW = """
import socket, sys
class Refused(socket.socket):
    def __init__(self, *arguments, **options):
        raise OSError("the network was asked for")
socket.socket = Refused
socket.create_connection = socket.getaddrinfo = Refused
from tests.factories import a_case_record, a_record
from perfgate.report.charts import charts
from perfgate.report.draw import draw_chart
from perfgate.verdict.decide import decide
record = a_record([a_case_record()])
drawn = draw_chart(next(charts(record, decide(record))).spec)
print(drawn.svg.startswith("<svg"), drawn.png.startswith(b"\\x89PNG"))
"""


def may_leave_the_network() -> bool:
    """Whether this machine lets a process have a network of its own, with nothing in it."""
    try:
        done = subprocess.run(["unshare", "-rn", "true"], capture_output=True, check=False)
    except FileNotFoundError:
        return False
    return done.returncode == 0


@pytest.mark.parametrize(
    "without",
    [
        pytest.param([], id="sockets refused"),
        pytest.param(
            ["unshare", "-rn"],
            id="no network at all",
            marks=pytest.mark.skipif(not may_leave_the_network(), reason="needs user namespaces"),
        ),
    ],
)
def test_drawing_needs_no_network(without, tmp_path):
    done = subprocess.run(
        [*without, sys.executable, "-c", _DRAW],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["True", "True"]
    assert list(tmp_path.iterdir()) == []


class TestFolder:
    def test_charts__are_written_and_shown_in_the_summary_beside_them(self, tmp_path):
        decision, record = a_job(a_case_record("quick"), slower("wan"))
        write_folder(tmp_path, decision, record)
        assert {path.name for path in (tmp_path / "charts").iterdir()} == {
            *("quick.svg", "quick.png", "wan.svg", "wan.png"),
        }
        summary = (tmp_path / "summary.md").read_text()
        assert summary.index("![wan](charts/wan.svg)") < summary.index("![quick](charts/quick.svg)")
        assert "charts/" not in (tmp_path / "comment.md").read_text()

    def test_job_summary__names_files_that_it_cannot_link(self, tmp_path):
        decision, record = a_job(slower("wan"))
        write_folder(tmp_path, decision, record)
        summary = render_summary(decision, charts=find_charts(tmp_path, decision))
        assert "`charts/wan.svg`" in summary
        assert "](charts/" not in summary

    def test_foreign_id__stays_in_the_folder(self, tmp_path):
        folder = tmp_path / "out"
        decision, record = a_job(a_case_record("../../escaped"))
        write_folder(folder, decision, record)
        assert [path.name for path in tmp_path.iterdir()] == ["out"]
        assert len(list((folder / "charts").glob("escaped-*.svg"))) == 1
        assert len(find_charts(folder, decision).names) == 1

    def test_earlier_job__leaves_no_chart(self, tmp_path):
        decision, record = a_job(a_case_record("earlier"))
        write_folder(tmp_path, decision, record)
        prepare_folder(tmp_path)
        assert list((tmp_path / "charts").iterdir()) == []

    def test_many__are_told_by_their_number(self, tmp_path):
        decision, record = a_job(*(a_case_record(f"case_{n}", [1.0], [1.0]) for n in range(23)))
        write_folder(tmp_path, decision, record, draw=lambda _: Picture(svg="<svg/>", png=b""))
        summary = (tmp_path / "summary.md").read_text()
        assert summary.count("![") == 20
        assert "And 3 more in `charts/`." in summary


class TestWithoutPictures:
    def test_missing_extra__is_one_note_and_nothing_else_is_lost(self, tmp_path):
        def cannot(spec):
            raise ConfigurationError("no chart was drawn", fix=NOT_INSTALLED)

        decision, record = a_job(a_case_record("a"), a_case_record("b"))
        write_folder(tmp_path, decision, record, draw=cannot)
        summary = (tmp_path / "summary.md").read_text()
        assert summary.count("**Note:**") == 1
        assert "no chart was drawn; charts need pip install 'perfgate" in summary
        assert "perfgate[" not in (tmp_path / "comment.md").read_text()
        assert {path.name for path in tmp_path.iterdir()} == {
            *("record.json", "decision.json", "comment.md", "summary.md", "junit.xml"),
        }

    def test_missing_extra__is_found_by_the_import(self):
        script = (
            "import sys; sys.modules['vl_convert'] = None\n"
            "from perfgate.report.draw import draw_chart; draw_chart({})"
        )
        done = subprocess.run(
            [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert f"ConfigurationError: no chart was drawn\n  → {NOT_INSTALLED}" in done.stderr

    def test_one_that_cannot_be_drawn__costs_no_other(self, tmp_path):
        def draw(spec):
            if spec["title"]["text"] == "odd":
                raise ValueError("conversion failed:\n  at line 7")
            return Picture(svg="<svg/>", png=b"")

        decision, record = a_job(a_case_record("odd"), a_case_record("plain"))
        write_folder(tmp_path, decision, record, draw=draw)
        summary = (tmp_path / "summary.md").read_text()
        assert "**Note:** odd has no chart: conversion failed: at line 7" in summary
        assert "![plain](charts/plain.svg)" in summary
