"""A regression's picture: drawn and pushed once, at an address that names its commit."""

from __future__ import annotations

import json

import pytest

from perfgate.app.tracking.pictures import Pictures
from perfgate.errors import ConfigurationError, PublishError
from perfgate.report.draw import Picture, draw_chart
from perfgate.report.tracker import Place
from perfgate.report.tracker_chart import MAX_POINTS, tracker_chart
from tests.histories import a_line, nights
from tests.tracking import SLOWER, levels, tracking

PLACE = Place(url="https://github.com/octo/bench")
COMMIT = "c" * 40


class ABranch:
    """Takes files in memory."""

    def __init__(self, error: Exception | None = None) -> None:
        self.files: dict[str, bytes] = {}
        self.commit: str | None = None
        self._error = error

    def add(self, files: dict[str, bytes]) -> tuple[str, ...]:
        if self._error:
            raise self._error
        self.files |= files
        self.commit = COMMIT
        return tuple(files)


def drawn(spec) -> Picture:
    return Picture(svg="", png=json.dumps(spec).encode())


@pytest.fixture
def regression():
    return tracking(levels(*SLOWER)).standing.regressions[0]


def test_a_picture__one_file_and_the_same_address_every_time(regression):
    branch = ABranch()
    pictures = Pictures(branch=branch, place=PLACE, draw=drawn)
    address = pictures(regression)
    (name,) = branch.files
    assert address == f"{PLACE.url}/blob/{COMMIT}/{name}?raw=true"
    branch.commit = "d" * 40
    assert pictures(regression) == address
    assert pictures.problem == ""


@pytest.mark.parametrize(
    "error",
    [PublishError("the push was refused", fix="x"), ConfigurationError("no remote", fix="x")],
)
def test_a_branch_that_takes_nothing__told_once_and_not_tried_again(regression, error):
    branch = ABranch(error)
    pictures = Pictures(branch=branch, place=PLACE, draw=drawn)
    assert pictures(regression) == ""
    assert pictures.problem.startswith(f"The issues have no pictures. {error.problem}")
    branch._error = None
    assert pictures(regression) == ""


def test_charts_that_are_not_installed__told(regression):
    def missing(spec):
        raise ConfigurationError("no chart was drawn", fix="pip install 'perfgate[charts]'")

    pictures = Pictures(branch=ABranch(), place=PLACE, draw=missing)
    assert pictures(regression) == ""
    assert "perfgate[charts]" in pictures.problem


def test_the_chart_is_one__and_holds_nothing_of_ours_but_titles(regression):
    hostile = "**x** <b> ${{ x }} \x1b[31m"
    found = tracking(levels(*SLOWER, case="wan", framework=hostile, metric="e2e"))
    spec = tracker_chart(found.standing.regressions[0].head)
    assert draw_chart(spec).png.startswith(b"\x89PNG")
    assert "<b>" not in json.dumps({**spec, "title": None})
    assert "\x1b" not in spec["title"]["subtitle"]
    assert "<b>" in spec["title"]["subtitle"]  # drawn as it stands


def test_a_long_line__its_newest_points():
    line = a_line(nights((700, 1000.0), (200, 1100.0), noise=0.005))
    shift = tracking(line).standing.regressions[0].head
    spec = tracker_chart(shift)
    assert len(spec["data"]["values"]) == MAX_POINTS
    assert spec["data"]["values"][-1]["at"] == int(line.seconds[-1]) * 1000
    draw_chart(spec)
