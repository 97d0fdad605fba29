"""Everything that the page's charts are drawn from, as texts: an index, and a block for each case.

``assets/data.js`` reads them. Names from outside are bounded here and become text nodes there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perfgate.records.history import History, Line
from perfgate.report.dashboard.columns import compressed, exponent_of, packed
from perfgate.report.dashboard.kept import Kept, metric_of
from perfgate.report.dashboard.links import Links
from perfgate.report.dashboard.shifts import Shift
from perfgate.report.dashboard.told import NAME_CHARS, metric_name
from perfgate.report.escape import one_line

MAX_LINES = 5_000
MAX_MARKS = 10_000
_TEXT_CHARS = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Payload:
    """``index`` is JSON that is read at once; ``moments`` and ``blocks`` are base64 of gzip.

    ``blocks`` has one text for each of the index's cases, in its order. ``left_out`` says what
    found no place.
    """

    index: str
    moments: str
    blocks: tuple[str, ...]
    left_out: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Bytes on the page."""
        return len(self.index) + len(self.moments) + sum(len(block) for block in self.blocks)


def payload_of(
    history: History, shifts: Sequence[Shift], kept: Kept, links: Links, *, since: int = 0
) -> Payload:
    """The data of a history from second ``since`` on."""
    left_out = []
    lines = [_from(line, since) for line in history.lines]
    lines = [line for line in lines if len(line)]
    if len(lines) > MAX_LINES:
        newest = sorted(lines, key=lambda line: (-int(line.seconds[-1]), line.key))
        left_out.append(f"{len(lines) - MAX_LINES:,} lines, those without newer points")
        lines = sorted(newest[:MAX_LINES], key=lambda line: line.key)
    names = _Names.of(lines, history)
    moments = _Moments.of(lines, history)
    blocks = []
    at = [moments.of_line(line) for line in lines]
    for case in names.cases:
        mine = [number for number, line in enumerate(lines) if line.key.case == case]
        blocks.append(packed([lines[n] for n in mine], [at[n] for n in mine]))
    index = {
        "repository": links.repository,
        **names.shown(),
        "lines": [names.line(line) for line in lines],
        "shifts": _shifts(shifts, lines),
        "updates": [
            [names.case(one.case), names.machine(one.hardware_key), one.seconds]
            for one in kept.updates[:MAX_MARKS]
            if one.case in names.cases and one.hardware_key in names.machines
        ],
        "accepted": _accepted(kept, names),
        "missed": _missed(history, names, moments, since),
    }
    return Payload(
        index=json_in_html(index),
        moments=compressed(moments.text(history, links).encode()),
        blocks=tuple(blocks),
        left_out=tuple(left_out),
    )


def json_in_html(value: Any) -> str:  # noqa: ANN401 - any JSON
    """JSON that can stand in a script element: nothing in it ends the element or opens another."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _from(line: Line, since: int) -> Line:
    first = int(np.searchsorted(line.seconds, since))
    if first == 0:
        return line
    return replace(
        line,
        seconds=line.seconds[first:],
        values=line.values[first:],
        lows=line.lows[first:],
        highs=line.highs[first:],
        counts=line.counts[first:],
        runs=line.runs[first:],
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Names:
    """Each name once: elsewhere stands its place in these lists."""

    cases: tuple[str, ...]
    frameworks: tuple[str, ...]
    machines: tuple[str, ...]
    metrics: tuple[str, ...]

    @classmethod
    def of(cls, lines: Sequence[Line], history: History) -> _Names:
        keys = [line.key for line in lines]
        frameworks = {key.framework for key in keys} | {one.framework for one in history.missed}
        return cls(
            cases=tuple(sorted({key.case for key in keys})),
            frameworks=tuple(sorted(frameworks)),
            machines=tuple(sorted({key.hardware_key for key in keys})),
            metrics=tuple(sorted({key.metric for key in keys})),
        )

    def case(self, name: str) -> int:
        return self.cases.index(name)

    def machine(self, name: str) -> int:
        return self.machines.index(name)

    def line(self, line: Line) -> list[object]:
        key = line.key
        return [
            self.case(key.case),
            self.frameworks.index(key.framework),
            self.machine(key.hardware_key),
            self.metrics.index(key.metric),
            key.workload_hash,
            key.unit,
            len(line),
            exponent_of(line),
        ]

    def shown(self) -> dict[str, list[str]]:
        def bounded(names: Sequence[str]) -> list[str]:
            return [one_line(name, limit=NAME_CHARS) for name in names]

        return {
            "cases": bounded(self.cases),
            "frameworks": bounded(self.frameworks),
            "machines": bounded(self.machines),
            "metrics": [metric_name(name) for name in self.metrics],
            "metricIds": bounded(self.metrics),
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class _Moments:
    """Every second at which a run gave points, in order: what points refer to instead of both."""

    keys: NDArray[np.int64]
    runs: int

    @classmethod
    def of(cls, lines: Sequence[Line], history: History) -> _Moments:
        runs = max(1, len(history.runs))
        found = [_key(line.seconds, line.runs, runs) for line in lines]
        missed = [one.seconds * runs + one.run for one in history.missed]
        found.append(np.array(missed, dtype=np.int64))
        return cls(keys=np.unique(np.concatenate(found)), runs=runs)

    def of_line(self, line: Line) -> NDArray[np.int64]:
        return np.searchsorted(self.keys, _key(line.seconds, line.runs, self.runs))

    def of_miss(self, seconds: int, run: int) -> int:
        return int(np.searchsorted(self.keys, seconds * self.runs + run))

    def text(self, history: History, links: Links) -> str:
        """As JSON: seconds as differences, each moment's run, and the runs that any point has."""
        used, at = np.unique(self.keys % self.runs, return_inverse=True)
        runs = [history.runs[int(number)] for number in used]
        return json.dumps(
            {
                "seconds": np.diff(self.keys // self.runs, prepend=0).tolist(),
                "run": np.diff(at, prepend=0).tolist(),
                "runs": [
                    [
                        one_line(run.commit, limit=64),
                        links.commit(run.commit) != "",
                        links.job_path(run.url),
                        one_line(run.name, limit=_TEXT_CHARS),
                        one_line(run.id, limit=_TEXT_CHARS),
                        run.attempt,
                    ]
                    for run in runs
                ],
            },
            separators=(",", ":"),
        )


def _key(seconds: NDArray[np.int64], runs: NDArray[np.int32], many: int) -> NDArray[np.int64]:
    return seconds * many + runs.astype(np.int64)


def _shifts(shifts: Sequence[Shift], lines: Sequence[Line]) -> list[list[object]]:
    """Line, point, ratio and the levels before and after; points that are left out have none."""
    place = {line.key: (number, len(line)) for number, line in enumerate(lines)}
    found: list[list[object]] = []
    for shift in shifts:
        if shift.line.key not in place or not np.isfinite(shift.ratio):
            continue
        number, points = place[shift.line.key]
        point = shift.point - (len(shift.line) - points)
        if point > 0:
            levels = [float(f"{level:.6g}") for level in (shift.before, shift.after)]
            found.append([number, point, round(shift.ratio, 4), *levels])
    return found[:MAX_MARKS]


def _accepted(kept: Kept, names: _Names) -> list[list[object]]:
    """Permissions of this page's lines: where, the reference, the ceiling, and the last day."""
    metric_at: Mapping[str, int] = {name: number for number, name in enumerate(names.metrics)}
    return [
        [
            names.case(one.case),
            names.machine(one.hardware),
            metric_at[metric_of(one.metric)],
            one.reference.value,
            one.reference.value * one.ceiling,
            one.expires.isoformat(),
        ]
        for one in kept.accepted
        if one.case in names.cases
        and one.hardware in names.machines
        and metric_of(one.metric) in metric_at
    ]


def _missed(history: History, names: _Names, moments: _Moments, since: int) -> list[list[object]]:
    found = [
        one
        for one in history.missed
        if one.seconds >= since and one.case in names.cases and one.hardware_key in names.machines
    ]
    found.sort(key=lambda one: -one.seconds)
    return [
        [
            names.case(one.case),
            names.frameworks.index(one.framework),
            names.machine(one.hardware_key),
            moments.of_miss(one.seconds, one.run),
            str(one.kind),
        ]
        for one in found[:MAX_MARKS]
    ]
