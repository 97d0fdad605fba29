"""The file of another format that a suite keeps beside perfgate's own; texts in, texts out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from perfgate.baselines.change import MetricChange
from perfgate.baselines.native import Baseline
from perfgate.baselines.sglang import Scenario, parse_sglang_baseline
from perfgate.baselines.sglang_edit import figures_of, updated_scenario
from perfgate.baselines.sglang_memory import memory_changes
from perfgate.baselines.update import Figures
from perfgate.errors import BaselineError
from perfgate.suite import Suite
from perfgate.verdict.metrics import END_TO_END, LOAD


@dataclass(frozen=True, kw_only=True)
class Tree:
    """The commit whose files are read, and its date: since then a figure without launches holds."""

    commit: str
    date: str


@dataclass(frozen=True, kw_only=True)
class Foreign:
    """The file of another format that is kept beside the launches."""

    path: str
    text: str
    at: Tree

    @classmethod
    def of(cls, suite: Suite, files: Mapping[str, str], key: str, at: Tree) -> Foreign | None:
        """None where no pattern of the suite names a file for this machine."""
        path = suite.sglang.file_of(key) if suite.sglang is not None else None
        if path is None:
            return None
        if path not in files:
            raise BaselineError(
                f"there is no file {path}, which the suite names for {key}",
                fix="Begin it with sglang's own metadata and tolerances, or mend the path.",
            )
        return cls(path=path, text=files[path], at=at)

    def updated(self, case: str, entry: Baseline) -> Foreign:
        """The file with every figure of a case from the entry's launches."""
        text = updated_scenario(self.text, case, figures_of(entry), source=self.path)
        return replace(self, text=text)

    def memory(self, case: str, entry: Baseline) -> tuple[MetricChange, ...]:
        """What becomes of the memory peaks that only this file holds."""
        after = self.updated(case, entry).scenario(case)
        if after is None:
            return ()
        jobs, launches = entry.derived.jobs, entry.derived.launches
        return memory_changes(self.scenario(case), after, launches=launches, jobs=jobs)

    def scenario(self, case: str) -> Scenario | None:
        """What the file says of a case; None where it does not have it."""
        return parse_sglang_baseline(self.text, source=self.path).scenarios.get(case)

    def figures(self, case: str) -> Figures | None:
        """What the file says of a case in the metrics that launches have, too."""
        scenario = self.scenario(case)
        if scenario is None:
            return None
        return Figures(values=_comparable(scenario), commit=self.at.commit, date=self.at.date)


def _comparable(scenario: Scenario) -> dict[str, float]:
    """Times of sglang's that mean the same as ours; its memory is read at other moments."""
    told = {END_TO_END: scenario.expected_e2e_ms, **scenario.stages_ms}
    told[LOAD] = scenario.expected_load_ms
    return {name: value for name, value in told.items() if value}
