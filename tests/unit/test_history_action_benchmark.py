"""Whatever stands in a file of github-action-benchmark's form is kept or refused in words."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from perfgate.errors import ConfigurationError
from perfgate.history.action_benchmark import is_stored, json_of, read_stored

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
BENCH = st.fixed_dictionaries(
    {
        "name": JSON | st.text(min_size=1),
        "value": JSON | st.floats(min_value=0, allow_infinity=False),
        "unit": JSON | st.sampled_from(["ms", "min", "iter/sec", "MiB"]),
    }
)
RUN = st.fixed_dictionaries(
    {
        "commit": JSON | st.fixed_dictionaries({"id": JSON | st.just("c0ffee")}),
        "date": JSON | st.integers(0, 2 * 10**12),
        "benches": JSON | st.lists(BENCH | JSON, max_size=4),
    }
)
ENTRIES = JSON | st.dictionaries(st.text(), JSON | st.lists(RUN | JSON, max_size=4), max_size=3)


@given(ENTRIES)
def test_any_entries__are_results_or_refused(entries: Any) -> None:
    document = {"lastUpdate": 1, "entries": entries}
    assert is_stored(document)
    try:
        stored = read_stored(document, hardware_key="github-hosted", perfgate="1.0.0")
    except ConfigurationError:
        return
    for results in stored.results:
        assert results.cells
        assert json.loads(results.model_dump_json())


@given(st.text())
def test_json_of__text_that_is_no_script_stays(text: str) -> None:
    assert json_of(text) == text or "window.BENCHMARK_DATA" in text


def test_json_of__a_script_that_ends_in_blanks() -> None:
    blanks = " \n" * 100_000
    assert json_of(f"window.BENCHMARK_DATA = {{{blanks}}}{blanks};{blanks}") == f"{{{blanks}}}"


def test_json_of__a_script_with_another_in_its_texts() -> None:
    inside = '{"message": "window.BENCHMARK_DATA = {};"}'
    assert json_of(f"window.BENCHMARK_DATA = {inside};") == inside
    assert json_of(inside) == inside
