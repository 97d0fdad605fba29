"""A comparison of frameworks as JUnit XML: a test for each cell; may not decide anything."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from perfgate.records.results import Cell, Results
from perfgate.report.competition.rows import failures, headline
from perfgate.report.escape import one_line, xml_text
from perfgate.verdict.competition import spread_of


def render_junit(results: Results) -> str:
    """One suite; a cell in which a launch failed is a failed test, with its number all the same."""
    suite = ET.Element("testsuite", name="perfgate compete")
    properties = ET.SubElement(suite, "properties")
    facts = {"headline": headline(results), "hardware": results.hardware_key}
    for name, value in {**facts, "commit": results.commit}.items():
        ET.SubElement(properties, "property", name=name, value=_line(value))
    told = {one.subject: one.text for one in failures(results)}
    for cell in results.cells:
        _add(suite, cell, told.get(f"{cell.case} · {cell.framework}"))
    if not results.cells:
        test = ET.SubElement(suite, "testcase", classname="perfgate.compete", name="measured")
        ET.SubElement(test, "failure", message="nothing was measured")
    suite.set("tests", str(len(suite.findall("testcase"))))
    suite.set("failures", str(len(suite.findall("testcase/failure"))))
    ET.indent(suite)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(suite, "unicode") + "\n"


def _add(suite: ET.Element, cell: Cell, failed: str | None) -> None:
    test = ET.SubElement(
        suite,
        "testcase",
        classname=_line(f"perfgate.compete.{cell.case}"),
        name=_line(cell.framework),
    )
    spread = spread_of(cell)
    if spread is not None:
        test.set("time", f"{spread.median / 1000:.6f}")
    if failed is not None:
        element = ET.SubElement(test, "failure", message=_line(failed))
        element.set("type", str(cell.failures[0].kind))


def _line(text: str) -> str:
    return xml_text(one_line(text, limit=1000))
