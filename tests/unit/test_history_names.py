"""Names of a history's files: what they tell, and what no stranger can make of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfgate.errors import ConfigurationError
from perfgate.history.names import (
    MonthFile,
    ResultFile,
    digest_of,
    month_name,
    parse_name,
    result_name,
)
from perfgate.records.results import JobRun
from tests.result_files import a_results

DIGEST = "0123456789ab"
NAME = f"results/2026/05/2026-05-17T013500Z_25977513684_2_{DIGEST}.json"


def test_a_name_tells_time_run_attempt_and_content() -> None:
    assert parse_name(NAME) == ResultFile(
        name=NAME,
        stamp=datetime(2026, 5, 17, 1, 35, tzinfo=UTC),
        run="25977513684",
        attempt=2,
        digest=DIGEST,
    )


def test_a_month_s_name_tells_the_month() -> None:
    name = month_name("2026-05", b"PAR1")

    assert name == f"results/2026/05/2026-05_{digest_of(b'PAR1')[:12]}.parquet"
    assert parse_name(name) == MonthFile(name=name, month="2026-05", digest=digest_of(b"PAR1")[:12])


def test_time_is_utc_whatever_zone_the_results_are_in() -> None:
    there = datetime(2026, 5, 1, 1, 0, tzinfo=timezone(timedelta(hours=2)))

    assert result_name(a_results(measured_at=there), b"").startswith(
        "results/2026/04/2026-04-30T230000Z_"
    )


def test_outside_of_a_workflow_the_run_is_local() -> None:
    assert "_local_1_" in result_name(a_results(run=JobRun()), b"")


@pytest.mark.parametrize(
    "name",
    [
        "results/notes.txt",
        NAME.replace("results/", "other/"),
        f"x/{NAME}",
        f"{NAME}/x",
        f"{NAME}\n",
        NAME.replace("-05-17T", "-02-31T"),
        NAME.replace("_2_", "_0_"),
        NAME.replace("_2_", f"_{10**9}_"),
        NAME.replace(DIGEST, DIGEST[:11]),
        NAME.replace(DIGEST, DIGEST.upper()),
        NAME.replace("25977513684", "../x"),
        f"results/2026/05/2026-05_{DIGEST}.json",
    ],
)
def test_anything_else_is_no_file_of_a_history(name: str) -> None:
    assert parse_name(name) is None


@given(run=st.text(max_size=300), content=st.binary(max_size=50))
def test_a_name_stays_in_its_folder_and_is_read_again(run: str, content: bytes) -> None:
    name = result_name(a_results(run=JobRun(id=run, attempt=3)), content)

    found = parse_name(name)

    assert isinstance(found, ResultFile)
    assert name.count("/") == 3
    assert (found.attempt, found.digest) == (3, digest_of(content)[:12])


def test_an_attempt_that_cannot_stand_in_a_name_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="attempt 10000000000"):
        result_name(a_results(attempt=10**10), b"")
