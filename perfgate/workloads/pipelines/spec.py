"""What one launch of a pipeline is told, as one JSON argument. Standard library, does no I/O."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from perfgate.workloads.pipelines.options import Options


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """The longest that each part of a launch may take, in seconds."""

    download_s: float
    load_s: float
    compile_s: float
    request_s: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Spec:
    """One launch. ``request`` has the fields of a suite's request, those that are absent left out.

    ``requests`` are measured, after those that compile and warm up. ``model`` is a folder in the
    tree or a name on the hub, ``device`` what :func:`perfgate.profile.devices.opening.open_device`
    takes.
    """

    case: str
    model: str
    request: Mapping[str, Any]
    requests: int
    compile: bool
    options: Options
    device: str
    limits: Limits
    report: Path

    def to_json(self) -> str:
        return json.dumps({**asdict(self), "report": str(self.report)})

    @classmethod
    def from_json(cls, text: str) -> Spec:
        told = json.loads(text)
        return cls(
            **{
                **told,
                "options": Options(**told["options"]),
                "limits": Limits(**told["limits"]),
                "report": Path(told["report"]),
            }
        )
