"""What a stranger's job uploads: read or refused, never believed, and nothing written elsewhere."""

from __future__ import annotations

import io
import json
import warnings
import zipfile
from datetime import date
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from hypothesis import strategies as st

from perfgate.app.answering import explained
from perfgate.app.outputs import prepare_folder, write_folder
from perfgate.app.publishing.finished_run import Judged
from perfgate.app.publishing.judged_again import Rules, decide_again
from perfgate.github.archive import MAX_RECORD_BYTES, record_text
from perfgate.records import Tree, parse_decision, parse_record, to_json
from perfgate.report.check import MAX_CHECK_BYTES, render_check
from perfgate.report.comment import MAX_COMMENT_CHARS, render_comment
from perfgate.report.draw import Picture
from perfgate.report.summary import MAX_SUMMARY_BYTES, render_summary
from perfgate.suite import parse_suite
from perfgate.verdict.permission import Permissions
from tests.factories import a_case_decision, a_case_record, a_decision, a_metric, a_record
from tests.fuzz.counted import fuzz
from tests.fuzz.hostile import JSON, JSON_TEXT, LONG, TEXT, damaged
from tests.fuzz.refusals import unless_refused
from tests.fuzz.shown import page_of, spoken

SUITE = parse_suite(
    """\
version: 1
name: tiny
gate: {strategy: paired, margin: 3%}
cases:
  - {id: wan, backend: command, command: python3 wan.py}
  - {id: flux, backend: command, command: python3 flux.py}
""",
    source="perfgate.yml",
)
RULES = Rules(
    suite=SUITE,
    base=Tree(commit="b" * 40, ref="main"),
    head=Tree(commit="c" * 40, ref="pull request 7"),
    expected=frozenset({"wan", "flux"}),
    may_change=True,
    permissions=Permissions(today=date(2026, 3, 1)),
)
STEADY = [1000, 1001, 999, 1000]
RECORD = a_record(
    [
        a_case_record("wan", STEADY, STEADY, workload_hash=SUITE.cases[0].workload_hash()),
        a_case_record("new", STEADY, ["exit status 1", 1100, 1100, 1100]),
    ],
    suite="tiny",
)
RECORD_JSON = json.loads(to_json(RECORD))
RECORD_BYTES = json.dumps(RECORD_JSON).encode()[:400]
DECISION_JSON = json.loads(
    to_json(a_decision([a_case_decision("wan", "regressed", [a_metric(verdict="regressed")])]))
)
NAME = st.sampled_from(
    ["record.json", "./record.json", "../record.json", "/record.json", "charts/x.svg", "a\\b"]
) | JSON_TEXT.filter(lambda text: "\ud800" not in text and "\udfff" not in text)


@st.composite
def archives(draw):
    """A zip file as somebody may make one by hand, of which some bytes may be others."""
    held = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(held, "w") as opened:
        warnings.simplefilter("ignore")  # of one name twice, which is meant
        for _ in range(draw(st.integers(0, 3))):
            entry = zipfile.ZipInfo(draw(NAME) or "x")
            entry.external_attr = draw(st.sampled_from([0, 0o100644, 0o120777, 0o40755])) << 16
            entry.compress_type = draw(
                st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])
            )
            opened.writestr(entry, draw(st.binary(max_size=60) | st.just(RECORD_BYTES)))
    data = bytearray(held.getvalue())
    for place in draw(st.lists(st.integers(0, len(data) - 1), max_size=6)):
        data[place] = draw(st.integers(0, 255))
    return bytes(data[: draw(st.just(len(data)) | st.integers(0, len(data)))])


@st.composite
def documents(draw, document):
    """A document as text: damaged, cut, or something else."""
    kind = draw(st.integers(0, 9))
    if kind == 0:
        return draw(LONG | JSON.map(json.dumps))
    text = json.dumps(draw(damaged(document)))
    return text[: draw(st.integers(0, len(text)))] if kind == 1 else text


@fuzz(archives() | st.binary(max_size=300))
def test_archive__its_record_or_a_refusal(data):
    text = unless_refused(lambda: record_text(data))
    assert text is None or len(text.encode()) <= MAX_RECORD_BYTES


@fuzz(documents(RECORD_JSON))
def test_record__judged_by_the_bases_rules_or_refused(text):
    judged = unless_refused(
        lambda: decide_again(
            parse_record(text, source="its record.json"), RULES, measured_by_fork=True
        )
    )
    if judged is None:
        return
    decision, seen = judged
    assert seen.policy == SUITE.gate.policy()
    assert (decision.suite, decision.base, decision.head) == ("tiny", RULES.base, RULES.head)
    assert {"wan", "flux"} <= {case.id for case in decision.cases}
    assert decision.measured_by_fork
    check_rendered(decision)
    for case in decision.cases[:3]:
        check_explained(Judged(decision=decision, record=seen), case.id)


@fuzz(documents(DECISION_JSON))
def test_decision__rendered_or_refused(text):
    decision = unless_refused(lambda: parse_decision(text, source="decision.json"))
    if decision is not None:
        check_rendered(decision)


def check_explained(judged, case):
    text = unless_refused(lambda: explained._told(judged, case))
    if text is not None:
        page = page_of(text)
        assert page.links == set()
        assert page.hidden == []
        assert spoken(page) == []


def check_rendered(decision):
    assert len(render_comment(decision)) < MAX_COMMENT_CHARS
    assert len(render_summary(decision).encode()) < MAX_SUMMARY_BYTES
    assert len(render_check(decision).encode()) <= MAX_CHECK_BYTES


@fuzz(st.lists(TEXT, min_size=1, max_size=3, unique=True), TEXT)
def test_folder__nothing_is_written_outside_of_it(names, suite):
    record = a_record([a_case_record(name) for name in names], suite=suite)
    decision = a_decision([a_case_decision(name) for name in names], suite=suite)
    with TemporaryDirectory() as place:
        folder = Path(place, "out")
        prepare_folder(folder)
        write_folder(folder, decision, record, draw=lambda _: Picture(svg="<svg/>", png=b"png"))
        assert [path.name for path in Path(place).iterdir()] == ["out"]
        assert not [path for path in folder.rglob("*") if path.is_symlink()]
        found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    texts = {".gitignore", "record.json", "decision.json", "comment.md", "summary.md", "junit.xml"}
    assert texts <= found
    charts = [PurePosixPath(one) for one in found - texts]
    assert all(one.parent == PurePosixPath("charts") for one in charts)
    assert len(charts) == 2 * len(names)
