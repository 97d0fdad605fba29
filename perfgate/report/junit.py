"""The decision as JUnit XML, for tools that collect test results; may not decide anything."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from perfgate.errors import ExitCode
from perfgate.records import CaseDecision, Decision, Verdict
from perfgate.report.conclusion import headline
from perfgate.report.escape import log_lines, one_line, xml_text
from perfgate.report.rows import all_rows
from perfgate.report.sentences import told

_UNDECIDED = frozenset({Verdict.INCONCLUSIVE, Verdict.INCOMPARABLE})


def render_junit(decision: Decision) -> str:
    """One suite, one test a case; a job that decided nothing is one test with an error."""
    suite = ET.Element("testsuite", name=_line(decision.suite))
    properties = ET.SubElement(suite, "properties")
    for name, value in _facts(decision).items():
        ET.SubElement(properties, "property", name=name, value=_line(value))
    for case in decision.cases:
        _add_case(suite, case, decision)
    if decision.problem is not None or not decision.cases:
        test = ET.SubElement(suite, "testcase", classname="perfgate", name="decision")
        error = ET.SubElement(test, "error", message=_line(headline(decision)))
        if decision.problem is not None:
            error.text = xml_text(f"{decision.problem.problem}\n{decision.problem.fix}")
    for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(attribute, str(len(suite.findall(f"testcase/{tag}"))))
    suite.set("tests", str(len(suite.findall("testcase"))))
    ET.indent(suite)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(suite, "unicode") + "\n"


def _facts(decision: Decision) -> dict[str, str]:
    return {
        "headline": headline(decision),
        "conclusion": decision.conclusion,
        "hardware": decision.hardware_key,
        "base": decision.base.commit if decision.base else "",
        "head": decision.head.commit if decision.head else "",
    }


def _line(text: str) -> str:
    return xml_text(one_line(text, limit=1000))


def _add_case(suite: ET.Element, case: CaseDecision, decision: Decision) -> None:
    test = ET.SubElement(
        suite, "testcase", classname=_line(f"perfgate.{decision.suite}"), name=_line(case.id)
    )
    tag = _tag(case.verdict, decision)
    if tag is not None:
        element = ET.SubElement(test, tag, message=_line(str(told(case))))
        if tag == "failure":
            element.set("type", str(case.verdict))
            element.text = xml_text("\n".join(log_lines(case.log_tail))) or None
    rows = [
        _line(f"{row.metric}: {row.base} → {row.head}, {row.change}, {row.verdict}")
        for row in all_rows(case)
        if row.metric
    ]
    rows += [_line(f"warning: {text}") for text in case.warnings]
    if rows:
        ET.SubElement(test, "system-out").text = "\n".join(rows)


def _tag(verdict: Verdict, decision: Decision) -> str | None:
    """Red here where the verdict makes the job red; the policy itself is not in a decision."""
    failed = {Verdict.REGRESSED, Verdict.FAILED}
    if decision.conclusion == "failure":
        failed.add(Verdict.MISSING)
    if decision.exit_code == ExitCode.UNDECIDED:
        failed |= _UNDECIDED
    if verdict in failed:
        return "failure"
    return "skipped" if verdict in {*_UNDECIDED, Verdict.MISSING, Verdict.NEW} else None
