"""1,000 cases of 60 metrics: each text within its limit, the worst told first, the rest counted."""

import itertools
import re

import pytest

from perfgate.records import SEVERITY
from perfgate.report.check import MAX_CHECK_BYTES, render_check
from perfgate.report.comment import MAX_COMMENT_CHARS, render_comment
from perfgate.report.order import ordered_cases
from perfgate.report.rows import all_rows, notable_rows
from perfgate.report.summary import MAX_SUMMARY_BYTES, render_summary
from tests.factories import a_case_decision, a_decision, a_metric

pytestmark = pytest.mark.slow

CASES, METRICS = 1000, 60
CHANGE = {"regressed": 1.2, "improved": 0.8, "inconclusive": 1.02, "passed": 1.0, "new": 1.0}
SUITES = {"unchanged": ["passed"], "all slower": ["regressed"], "mixed": list(CHANGE)}


def a_case(number, verdict):
    """A case whose every metric says the same; a higher number is a larger change."""
    ratio = CHANGE[verdict] ** (1 + number / CASES)
    names = ["end-to-end", *(f"Stage{stage:02d}OfThePipeline" for stage in range(1, METRICS))]
    rows = [a_metric(name, 1000, 1000 * ratio, verdict) for name in names]
    return a_case_decision(f"wan2_1_t2v_14b_{verdict}_{number:04d}", verdict, rows)


@pytest.fixture(scope="module", params=SUITES)
def decision(request):
    verdicts = SUITES[request.param]
    return a_decision([a_case(n, verdicts[n % len(verdicts)]) for n in range(CASES)])


@pytest.fixture(scope="module")
def comment(decision):
    return render_comment(decision)


@pytest.fixture(scope="module")
def summary(decision):
    return render_summary(decision)


@pytest.fixture(scope="module")
def check(decision):
    return render_check(decision)


def tables(text):
    """The case and metric of each row of each table; a case is named in its first row only."""
    found = []
    for block in re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE):
        rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in block.splitlines()[2:]]
        for above, row in itertools.pairwise(rows):
            row[0] = row[0] or above[0]
        found.append([(row[0], row[1]) for row in rows])
    return found


def left_out(text):
    told = re.search(r"_([\d,]+) rows? left out for length", text)
    return int(told[1].replace(",", "")) if told else 0


def rows_of(decision, rows):
    """The rows that would be shown if there were room, in their order."""
    found = [row for case in ordered_cases(decision) for row in rows(case)]
    return [(row.case, row.metric) for row in found]


def test_every_text_is_within_its_limit(comment, summary, check):
    assert len(comment) < MAX_COMMENT_CHARS
    assert len(summary.encode()) < MAX_SUMMARY_BYTES
    assert len(check.encode()) <= MAX_CHECK_BYTES


def test_summary__its_table_is_the_worst_rows_and_says_how_many_more_there_are(decision, summary):
    every, table = rows_of(decision, all_rows), tables(summary)[0]
    assert len(every) == CASES * METRICS
    assert 5_000 < len(table) < len(every)
    assert table == every[: len(table)]
    assert left_out(summary) == len(every) - len(table)


def test_comment__its_table_is_the_worst_rows_and_no_row_of_a_table_is_lost_untold(
    decision, comment
):
    notable, found = rows_of(decision, notable_rows), tables(comment)
    if notable:
        assert found[0] == notable[: len(found[0])]
        assert len(found[0]) > 100
    unchanged = sum(not notable_rows(case) for case in decision.cases)
    # Every figure has a table of its own, unless the first one has room for all of them.
    figures = 0 if len(notable) == CASES * METRICS else CASES * METRICS
    assert left_out(comment) == len(notable) + unchanged + figures - sum(map(len, found))


def test_check__its_table_is_the_worst_rows_and_says_how_many_more_there_are(decision, check):
    notable = rows_of(decision, notable_rows)
    unchanged = sum(not notable_rows(case) for case in decision.cases)
    (table,) = tables(check)
    assert table[: len(notable)] == notable[: len(table)]
    assert left_out(check) == len(notable) + unchanged - len(table)


def test_worst_verdict_comes_first__and_of_many_the_largest_change(decision):
    cases = ordered_cases(decision)
    verdicts = [case.verdict for case in cases]
    assert verdicts == sorted(verdicts, key=SEVERITY.index)
    slower = [int(case.id[-4:]) for case in cases if case.verdict == "regressed"]
    assert slower == sorted(slower, reverse=True)
