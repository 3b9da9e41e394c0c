"""River lines: the network of a known valley, its orders and its ends."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.relief.rivers import rivers


def confluence() -> np.ndarray:
    """Two straight valleys that run south and meet in a third; each pixel drains to a bed."""
    height = np.full((41, 41), np.inf)
    beds = [((r, 10), 80 - r) for r in range(20)] + [((r, 30), 80 - r) for r in range(20)]
    beds += [((20, c), 60 - 0.1 * (10 - abs(c - 20))) for c in range(10, 31)] + [
        ((r, 20), 59 - (r - 20)) for r in range(20, 41)
    ]
    rows, cols = np.indices(height.shape)
    for (r, c), level in beds:
        height = np.minimum(height, level + 3 * np.hypot(rows - r, cols - c))
    return height


def test_two_rivers_of_order_one_meet_in_one_of_order_two():
    lines = rivers(confluence(), cells=150)
    assert sorted(line.order for line in lines) == [1, 1, 2]
    low = next(line for line in lines if line.order == 2)
    ends = {tuple(line.pixels[-1]) for line in lines if line.order == 1}
    assert ends == {tuple(low.pixels[0])}
    assert low.pixels[-1][0] == 40 and abs(low.pixels[-1][1] - 20) <= 1
    assert low.upstream >= sum(line.upstream for line in lines if line.order == 1)
    for line in lines:
        assert (np.abs(np.diff(line.pixels, axis=0)).max(axis=1) == 1).all(), "neighbours"


def test_a_river_ends_at_the_first_pixel_of_the_sea():
    height = np.abs(np.arange(21.0) - 10)[None] + np.arange(30.0)[::-1, None] - 10
    sea = np.zeros(height.shape, bool)
    sea[22:] = True
    (line,) = [line for line in rivers(height, 60, sea) if line.order]
    assert tuple(line.pixels[-1]) == (22, 10)


def test_ground_without_streams_has_no_lines_and_voids_are_refused():
    assert rivers(np.arange(36.0).reshape(6, 6), cells=30) == []
    with pytest.raises(ValueError, match="not numbers"):
        rivers(np.full((5, 5), np.nan), 4)
