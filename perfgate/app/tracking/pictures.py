"""Puts the picture of a regression on the data branch, and tells its address there.

The address names a commit, so that nobody can change what an issue shows. What cannot be drawn or
pushed is told once: an issue does without.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol, TypeAlias

from perfgate.errors import ConfigurationError, PublishError
from perfgate.records.history import LineKey
from perfgate.report.draw import Picture, draw_chart
from perfgate.report.panels import Spec
from perfgate.report.tracker import Place
from perfgate.report.tracker_chart import tracker_chart
from perfgate.verdict.standing import Regression

FOLDER: Final = "pictures"
Draw: TypeAlias = Callable[[Spec], Picture]


class PictureBranch(Protocol):
    """A branch that takes files; ``commit`` is its newest one, None before there is any."""

    @property
    def commit(self) -> str | None: ...

    def add(self, files: dict[str, bytes]) -> tuple[str, ...]: ...


@dataclass(kw_only=True)
class Pictures:
    """Draws each regression once; ``problem`` says why there is none, empty where there is."""

    branch: PictureBranch
    place: Place
    draw: Draw = draw_chart
    problem: str = ""
    _known: dict[tuple[LineKey, int], str] = field(default_factory=dict)

    def __call__(self, regression: Regression) -> str:
        """The address of the picture, empty for none."""
        head = regression.head
        which = head.key, head.point.index
        if which not in self._known and not self.problem:
            self._known[which] = self._put(tracker_chart(head))
        return self._known.get(which, "")

    def _put(self, spec: Spec) -> str:
        try:
            png = self.draw(spec).png
            name = f"{FOLDER}/{hashlib.sha256(png).hexdigest()[:24]}.png"
            self.branch.add({name: png})
        except (ConfigurationError, PublishError, ValueError) as error:
            self.problem = f"The issues have no pictures. {error}"
            return ""
        return f"{self.place.url}/blob/{self.branch.commit}/{name}?raw=true"
