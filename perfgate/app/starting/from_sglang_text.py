"""Writes what sglang's files became as the YAML texts of a suite, with comments. Does no I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import yaml

from perfgate.app.starting.from_sglang_files import Platform
from perfgate.app.starting.scalar import scalar

STATE: Final = "perfgate/"
_WIDTH: Final = 98


def baselines_text(platforms: Sequence[tuple[Platform, int]]) -> str:
    """The block under ``baselines:``; each file comes with the number of its scenarios."""
    lines = ["format: sglang", "files:   # the first pattern that the machine's hardware key fits"]
    lines += [
        f'  "{platform.keys}": {scalar(platform.path)}   # {scenarios} scenarios'
        for platform, scenarios in platforms
    ]
    lines.append(f"state: {STATE}   # launches, calibration, acceptances: these files keep none")
    return "\n".join(lines) + "\n"


def cases_text(groups: Iterable[tuple[str, Sequence[Mapping[str, Any]]]]) -> str:
    """The list under ``cases:``: groups, each below a comment of its own."""
    parts: list[str] = []
    for heading, cases in groups:
        if cases:
            # A path may have line ends, and a comment has none.
            parts.append(f"# {' '.join(heading.split())}\n" + "".join(map(_case, cases)))
    return "\n".join(parts)


def _case(values: Mapping[str, Any]) -> str:
    return yaml.safe_dump(
        [dict(values)],
        sort_keys=False,
        allow_unicode=True,
        width=_WIDTH,
        default_flow_style=None,
    )
