"""Level shifts of a series: what is found, what is none, and how exactly the place is told."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from perfgate.verdict.change_points import change_points, newest


def levels(*parts: tuple[float, int], noise: float = 0.01, seed: int = 1) -> NDArray[np.float64]:
    """Levels as (height, points), each with that relative noise."""
    heights = np.concatenate([np.full(points, height) for height, points in parts])
    return heights * np.exp(noise * np.random.default_rng(seed).normal(size=len(heights)))


def test_a_clear_step_is_found_at_its_place() -> None:
    (found,) = change_points(levels((100.0, 60), (110.0, 40)))

    assert found.index == 60
    assert found.earliest <= 60 <= found.latest
    assert found.before == pytest.approx(100.0, rel=0.01)
    assert found.ratio == pytest.approx(1.1, rel=0.01)


@pytest.mark.parametrize("points", [0, 1, 2, 5])
def test_a_short_series_has_no_change_points(points: int) -> None:
    assert change_points(np.arange(1.0, points + 1.0)) == ()


def test_only_finite_numbers_make_a_series() -> None:
    with pytest.raises(ValueError, match="finite"):
        change_points([1.0, float("nan"), 2.0])


def test_newest_tells_places_in_the_whole_series() -> None:
    values = levels((100.0, 980), (110.0, 20))

    assert [one.index for one in newest(values)] == [980]
