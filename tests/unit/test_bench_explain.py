"""What `make bench-explain` plants: each change has its place, and is known by its first row."""

from __future__ import annotations

import pytest

from benchmarks.explain import PLANTED, is_right, told
from benchmarks.planting import ROOT
from tests.explanations import a_row, an_explained_case

CAST = next(one for one in PLANTED if "cast" in one.name)
NOTHING = next(one for one in PLANTED if not one.plants)


def test_there_are_ten_and_one_of_them_changes_nothing() -> None:
    assert len(PLANTED) == 10
    assert sum(not one.plants for one in PLANTED) == 1


@pytest.mark.parametrize("planted", PLANTED, ids=lambda one: one.name)
def test_every_change_has_its_one_place(planted) -> None:
    for one in planted.plants:
        assert (ROOT / one.file).read_text(encoding="utf-8").count(one.at) == 1


def test_only_the_first_row_counts() -> None:
    cause, other = a_row(path=("step", "aten::to")), a_row(path=("step", "aten::add"))
    assert is_right(CAST, an_explained_case([cause, other]))
    assert not is_right(CAST, an_explained_case([other, cause]))
    assert not is_right(CAST, an_explained_case([]))
    assert not is_right(CAST, an_explained_case([cause], problem="too few captures"))
    assert not is_right(CAST, an_explained_case([a_row("time", path=("aten::to",))]))


def test_any_row_is_wrong_where_nothing_changed() -> None:
    assert is_right(NOTHING, an_explained_case([]))
    assert not is_right(NOTHING, an_explained_case())
    assert not is_right(NOTHING, an_explained_case([], problem="too few captures"))


def test_the_table_says_what_stood_first() -> None:
    found = [(CAST, an_explained_case()), (NOTHING, an_explained_case([]))]
    text = told(found, captures=7, loads="1.0 before, 1.0 after")
    assert "1 of 2 right" in text
    assert "| an extra cast | clone;" in text
    assert "| nothing | none |" in text
