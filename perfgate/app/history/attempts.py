"""Numbers the attempts of runs that do not tell them, by time: sglang's files share a run's id."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from perfgate.history.months import in_months
from perfgate.history.names import ResultFile, parse_name, run_part
from perfgate.history.nightly import NightlyFile
from perfgate.history.store import Store


@dataclass(frozen=True, kw_only=True)
class Attempts:
    """The attempts that are known of each run, by the second in which they were measured."""

    known: dict[str, dict[datetime, int]]

    @classmethod
    def of(cls, store: Store, files: Sequence[NightlyFile]) -> Attempts:
        """Those that a store has of the months in which these files are."""
        known: dict[str, dict[datetime, int]] = {}
        if files:
            names = store.names()
            months = {f"{one.measured_at.astimezone(UTC):%Y-%m}" for one in files}
            for file in map(parse_name, {*names, *in_months(store, names, months)}):
                if isinstance(file, ResultFile):
                    known.setdefault(file.run, {})[file.stamp] = file.attempt
        return cls(known=known)

    def number(self, file: NightlyFile) -> int:
        """Its attempt: that of the same moment, or the next one. Ask in order of time."""
        if not file.run_id:
            return 1
        of_run = self.known.setdefault(run_part(file.run_id), {})
        second = file.measured_at.astimezone(UTC).replace(microsecond=0)
        return of_run.setdefault(second, max(of_run.values(), default=0) + 1)
