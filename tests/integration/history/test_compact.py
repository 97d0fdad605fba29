"""Finished months as one Parquet file each, in real folders and on a real branch."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pytest

from perfgate.errors import PublishError
from perfgate.history.append import append
from perfgate.history.compact import compact
from perfgate.history.folder import Folder
from perfgate.history.names import month_name, result_name
from perfgate.history.query import query
from perfgate.history.read import read_history
from perfgate.history.store import Store
from perfgate.records.history import History
from tests.result_files import NOW, a_cell, a_folder, a_results
from tests.stores import Opener

MAY = date(2026, 5, 1)


def told(history: History) -> object:
    """All of a history as plain values."""
    lines = {
        line.key: [
            column.tolist()
            for column in (line.seconds, line.values, line.lows, line.highs, line.counts, line.runs)
        ]
        for line in history.lines
    }
    return lines, history.runs, history.missed, history.problems


def nights(first: int, last: int) -> list[object]:
    """Three cells a night, one of which has no number; night 12 is the first of April."""
    return [
        a_results(
            a_cell(1000.1 + night, 1002.7, step=(3.25,), memory=(512,)).model_copy(
                update={"launches": (1, 1), "framework_version": "0.5"}
            ),
            a_cell(7.5, case="flux", framework="diffusers"),
            a_cell("timed out", case="ideogram"),
            day=night,
        )
        for night in range(first, last)
    ]


def suffixes(store: Store) -> list[str]:
    return [name.rpartition(".")[2] for name in store.names()]


def test_finished_months_become_one_file_each_and_tell_the_same(opener: Opener) -> None:
    append(opener(), nights(0, 50))
    before = told(read_history(opener(), now=NOW))

    done = compact(opener(), before=MAY, now=NOW)

    assert [(month.month, len(month.files)) for month in done.months] == [
        ("2026-03", 12),
        ("2026-04", 30),
    ]
    assert done.problems == ()
    assert suffixes(opener()) == ["parquet", "parquet", *["json"] * 8]
    assert told(read_history(opener(), now=NOW)) == before


def test_a_month_keeps_every_column_of_every_cell(tmp_path: Path) -> None:
    store = a_folder(tmp_path, *nights(0, 3))
    every = "SELECT * FROM cells ORDER BY measured_at, case_id"
    before = query(store, every, now=NOW)

    compact(store, before=MAY, now=NOW)

    assert suffixes(store) == ["parquet"]
    assert query(store, every, now=NOW) == before
    assert "[1, 1]" in str(before.rows)


def test_a_second_time_changes_nothing(opener: Opener) -> None:
    append(opener(), nights(0, 15))
    compact(opener(), before=MAY, now=NOW)
    names = opener().names()

    assert compact(opener(), before=MAY, now=NOW).months == ()
    assert opener().names() == names


def test_a_late_file_stays_as_it_is_until_the_next_time(tmp_path: Path) -> None:
    every = nights(0, 20)
    store = a_folder(tmp_path, *every[:5], *every[6:])
    whole = told(read_history(a_folder(tmp_path / "whole", *every), now=NOW))
    compact(store, before=MAY, now=NOW)

    append(store, [every[5]])

    assert sorted(suffixes(store)) == ["json", "parquet", "parquet"]
    assert told(read_history(store, now=NOW)) == whole

    (month,) = compact(store, before=MAY, now=NOW).months

    assert suffixes(store) == ["parquet", "parquet"]
    assert month.month == "2026-03"
    assert told(read_history(store, now=NOW)) == whole


def test_what_a_month_holds_is_not_added_again(tmp_path: Path) -> None:
    every = nights(0, 20)
    store = a_folder(tmp_path, *every)
    compact(store, before=MAY, now=NOW)
    names = store.names()

    again = append(store, every)

    assert (again.added, len(again.already)) == ((), 20)
    assert store.names() == names


def test_two_jobs_that_compact_at_once_leave_months_that_count_once(tmp_path: Path) -> None:
    every = nights(0, 12)
    one, other = a_folder(tmp_path / "one", *every[:9]), a_folder(tmp_path / "other", *every[2:])
    whole = told(read_history(a_folder(tmp_path / "whole", *every), now=NOW))
    for store in (one, other):
        compact(store, before=MAY, now=NOW)
    (name,) = other.names()
    one.add({name: (tmp_path / "other" / name).read_bytes()})

    assert suffixes(one) == ["parquet", "parquet"]
    assert told(read_history(one, now=NOW)) == whole

    compact(one, before=MAY, now=NOW)

    assert suffixes(one) == ["parquet"]
    assert told(read_history(one, now=NOW)) == whole


def test_a_month_that_is_not_over_is_left_alone(tmp_path: Path) -> None:
    store = a_folder(tmp_path, *nights(0, 20))

    assert compact(store, before=date(2026, 3, 31), now=NOW).months == ()
    done = compact(store, before=date(2030, 1, 1), now=datetime(2026, 4, 8, tzinfo=UTC))
    assert [month.month for month in done.months] == ["2026-03"]


def test_a_damaged_file_is_kept_and_told(tmp_path: Path) -> None:
    store = a_folder(tmp_path, *nights(0, 12))
    damaged, *_ = sorted(tmp_path.rglob("*.json"))
    damaged.write_bytes(damaged.read_bytes()[:99])

    done = compact(store, before=MAY, now=NOW)

    assert [len(month.files) for month in done.months] == [11]
    assert "cut short" in done.problems[0]
    assert damaged.read_bytes()
    assert compact(store, before=MAY, now=NOW).months == ()


def test_a_file_of_which_a_part_cannot_be_read_keeps_the_rest_to_itself(tmp_path: Path) -> None:
    strange = a_results(a_cell(1000), a_cell(2000, case="b")).model_dump(mode="json")
    strange["cells"][1]["metrics"][0]["unit"] = "furlongs"
    content = json.dumps(strange).encode()
    store = a_folder(tmp_path, *nights(1, 3))
    (name,) = store.add({result_name(a_results(), content): content})
    before = told(read_history(store, now=NOW))

    compact(store, before=MAY, now=NOW)

    assert [one for one in store.names() if one.endswith(".json")] == [name]
    assert told(read_history(store, now=NOW)) == before


def test_a_month_that_was_cut_short_is_told_and_its_files_are_not_trusted_to_it(
    tmp_path: Path,
) -> None:
    store = a_folder(tmp_path, *nights(0, 3))
    compact(store, before=MAY, now=NOW)
    (month,) = tmp_path.rglob("*.parquet")
    month.write_bytes(month.read_bytes()[:-10])
    append(store, nights(3, 4))

    history = read_history(store, now=NOW)

    assert "cut short" in history.problems[0]
    assert {len(line) for line in history.lines} == {1}
    assert "cut short" in compact(store, before=MAY, now=NOW).problems[0]
    assert month.exists()


@pytest.mark.parametrize("told", ["", ", KV_METADATA {perfgate_month: '1'}"])
def test_a_month_of_another_format_is_told(tmp_path: Path, told: str) -> None:
    duckdb.sql(f"COPY (SELECT 'x' AS file, 1 AS x) TO '{tmp_path}/x' (FORMAT parquet{told})")
    content = (tmp_path / "x").read_bytes()
    store = a_folder(tmp_path / "s", *nights(0, 1))
    store.add({month_name("2026-03", content): content})

    (problem,) = read_history(store, now=NOW).problems

    assert "it is no finished month that this perfgate reads" in problem


class StoppedError(Exception):
    """What ends a compaction half-way."""


@dataclass(frozen=True)
class Fails:
    """A folder that stops at the call so named, before or after it has done it."""

    inner: Folder
    at: str
    after: bool

    @property
    def told(self) -> str:
        return self.inner.told

    def _stop(self, call: str, *, after: bool) -> None:
        if (call, after) == (self.at, self.after):
            raise StoppedError

    def names(self) -> tuple[str, ...]:
        return self.inner.names()

    def add(self, files: Mapping[str, bytes]) -> tuple[str, ...]:
        self._stop("add", after=False)
        added = self.inner.add(files)
        self._stop("add", after=True)
        return added

    def remove(self, names: Collection[str]) -> None:
        self._stop("remove", after=False)
        for number, name in enumerate(sorted(names)):
            if number == 4:
                self._stop("remove some", after=False)
            self.inner.remove([name])
        self._stop("remove", after=True)

    def files(self, names: Collection[str]) -> AbstractContextManager[Path]:
        return self.inner.files(names)


@pytest.mark.parametrize(
    ("at", "after"),
    [("add", False), ("add", True), ("remove", False), ("remove some", False), ("remove", True)],
)
@pytest.mark.parametrize("late", [False, True], ids=["the first time", "with a late file"])
def test_what_ends_it_half_way_loses_nothing_and_counts_nothing_twice(
    tmp_path: Path, at: str, after: bool, late: bool
) -> None:
    every = nights(0, 12)
    store = a_folder(tmp_path, *every[: 6 if late else 12])
    if late:
        compact(store, before=MAY, now=NOW)
        append(store, every[6:])
    before = told(read_history(store, now=NOW))

    with pytest.raises(StoppedError):
        compact(Fails(store, at, after), before=MAY, now=NOW)

    assert told(read_history(store, now=NOW)) == before
    compact(store, before=MAY, now=NOW)
    assert suffixes(store) == ["parquet"]
    assert told(read_history(store, now=NOW)) == before


class Forgets(Fails):
    """A place that keeps something else than it was given."""

    def add(self, files: Mapping[str, bytes]) -> tuple[str, ...]:
        ((name, content),) = files.items()
        return self.inner.add({name: content[:4] + bytes(4) + content[8:]})


def test_files_are_removed_only_for_a_month_that_was_read_back(tmp_path: Path) -> None:
    store = a_folder(tmp_path, *nights(0, 12))

    with pytest.raises(PublishError, match="no file was removed"):
        compact(Forgets(store, "never", after=False), before=MAY, now=NOW)

    assert suffixes(store).count("json") == 12
