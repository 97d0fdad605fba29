"""Questions in SQL about real folders of results, and what they may not reach."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from perfgate.errors import ConfigurationError
from perfgate.history.folder import Folder
from perfgate.history.query import VIEWS, Answer, query
from tests.result_files import NOW, START, a_cell, a_folder, a_results


@pytest.fixture
def store(tmp_path: Path) -> Folder:
    return a_folder(
        tmp_path / "store",
        a_results(a_cell(1000, 1030, 1010, memory=(512,)), day=0),
        a_results(a_cell(1100, "crashed"), a_cell("out of memory", case="flux"), day=1),
    )


def ask(store: Folder, sql: str) -> Answer:
    return query(store, sql, now=NOW)


def test_points_have_the_median_and_the_samples(store: Folder) -> None:
    answer = ask(
        store,
        "SELECT measured_at, metric, value, low, high, samples, unit FROM points ORDER BY ALL",
    )

    assert answer.columns == ("measured_at", "metric", "value", "low", "high", "samples", "unit")
    assert answer.rows == (
        ("2026-03-20T02:00:00Z", "e2e", 1010.0, 1000.0, 1030.0, [1000.0, 1030.0, 1010.0], "ms"),
        ("2026-03-20T02:00:00Z", "peak_memory", 512.0, 512.0, 512.0, [512.0], "MiB"),
        ("2026-03-21T02:00:00Z", "e2e", 1100.0, 1100.0, 1100.0, [1100.0], "ms"),
    )


def test_cells_have_their_workload_and_how_often_they_failed(store: Folder) -> None:
    answer = ask(
        store,
        "SELECT case_id, e2e_ms, failures, workload->>'model' FROM cells "
        "ORDER BY measured_at, case_id",
    )

    assert answer.rows == (
        ("wan_t2v_tiny", 1010.0, 0, "tiny"),
        ("flux", None, 1, "tiny"),
        ("wan_t2v_tiny", 1100.0, 1, "tiny"),
    )


def test_failures_say_whether_there_is_a_number_all_the_same(store: Folder) -> None:
    answer = ask(store, "SELECT case_id, kind, text, has_numbers FROM failures ORDER BY 1")

    assert answer.rows == (
        ("flux", "out of memory", "it said: out of memory", False),
        ("wan_t2v_tiny", "crashed", "it said: crashed", True),
    )


def test_the_columns_are_those_that_help_tells(store: Folder) -> None:
    told: dict[str, list[str]] = {}
    for line in re.sub(r"\([^)]*\)", "", VIEWS).splitlines():
        first, *rest = line.split()
        if not line.startswith(" "):
            told[first] = view = []
        view += rest if not line.startswith(" ") else [first, *rest]

    assert list(told) == ["points", "cells", "failures"]
    for name, columns in told.items():
        assert sorted(columns) == sorted(ask(store, f"SELECT * FROM {name}").columns)


def test_since_and_cases_ask_less(store: Folder) -> None:
    answer = query(
        store,
        "SELECT count(*) FROM points",
        now=NOW,
        since=START.replace(day=21),
        cases=["wan_t2v_tiny"],
    )

    assert answer.rows == ((1,),)


def test_numbers_that_json_has_not_are_null_and_times_are_text(store: Folder) -> None:
    answer = ask(
        store,
        "SELECT 'nan'::DOUBLE, 1.5::DECIMAL(3,1), DATE '2026-01-02', {'a': ['inf'::DOUBLE]}, "
        "TIME '01:02:03', INTERVAL 1 DAY",
    )

    assert answer.rows == ((None, 1.5, "2026-01-02", {"a": [None]}, "01:02:03", "1 day, 0:00:00"),)


@pytest.mark.parametrize(
    "sql",
    [
        "DROP TABLE stored",
        "INSERT INTO stored SELECT * FROM stored",
        "SELECT 1; SELECT 2",
        "COPY points TO '{tmp}/out.csv'",
        "ATTACH '{tmp}/x.db'",
        "INSTALL httpfs",
        "SET enable_external_access = true",
        "PRAGMA database_list",
        "EXPORT DATABASE '{tmp}/out'",
        "",
    ],
)
def test_what_is_no_single_select_is_refused(store: Folder, tmp_path: Path, sql: str) -> None:
    with pytest.raises(ConfigurationError, match="one SELECT and nothing else") as raised:
        ask(store, sql.format(tmp=tmp_path))

    assert "points, cells and failures" in raised.value.fix
    assert [path.name for path in tmp_path.iterdir()] == ["store"]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_text('{tmp}/secret.txt')",
        "SELECT * FROM read_blob('{tmp}/*')",
        "SELECT * FROM '{tmp}/secret.csv'",
        "SELECT * FROM read_csv('{tmp}/secret.csv')",
        "SELECT * FROM read_parquet('{tmp}/secret.csv')",
        "SELECT * FROM glob('{tmp}/*')",
        "SELECT * FROM read_json('http://127.0.0.1:1/x.json')",
        "SELECT getenv('PATH')",
        "SELECT * FROM query('COPY points TO ''{tmp}/out.csv''')",
        "EXPLAIN ANALYZE COPY points TO '{tmp}/out.csv'",
        "SELECT * FROM secret_of_python",
        "SELECT * FROM duckdb_secrets(), load_aws_credentials()",
    ],
)
def test_a_select_reaches_no_file_no_network_and_no_variable(
    store: Folder, tmp_path: Path, sql: str
) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "secret.csv").write_text("a,b\n1,2\n")
    secret_of_python = [{"a": 1}]

    with pytest.raises(ConfigurationError) as raised:
        ask(store, sql.format(tmp=tmp_path))

    assert len(secret_of_python) == 1
    assert not (tmp_path / "out.csv").exists()
    assert "the statement cannot be answered" in raised.value.problem


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("SELEC 1", "syntax error"),
        ("SELECT nothing FROM points", "nothing"),
        ("SELECT * FROM tables_of_mine", "tables_of_mine"),
        ("SELECT 1 // 0 FROM points WHERE error('mine')", "mine"),
    ],
)
def test_a_wrong_statement_is_told_in_duckdb_s_words_with_the_views(
    store: Folder, sql: str, told: str
) -> None:
    with pytest.raises(ConfigurationError, match=told) as raised:
        ask(store, sql)

    assert "points, cells and failures" in raised.value.fix


def test_a_time_with_a_zone_says_how_to_ask_for_it(store: Folder) -> None:
    answer = ask(store, "SELECT CAST(measured_at AS TIMESTAMPTZ)::VARCHAR FROM points LIMIT 1")

    assert str(answer.rows[0][0]).startswith("2026-03-2")
    with pytest.raises(ConfigurationError) as raised:
        ask(store, "SELECT now()")
    assert "Cast them to TIMESTAMP" in raised.value.fix
