"""Descriptors are finite and correct, and do not change when a tile is rotated."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.relief.descriptors import describe
from tests.evaluate.landscape import GSD, landscapes


def column(heights: np.ndarray, name: str, gsd: float = GSD) -> np.ndarray:
    matrix, names = describe(heights, gsd)
    return matrix[:, names.index(name)]


@pytest.fixture(scope="module")
def tiles() -> np.ndarray:
    return landscapes(12, 1)


def test_unusual_tiles_have_finite_descriptors():
    rows, cols = np.mgrid[:32, :32]
    cone = 500 - 20 * np.hypot(rows - 16, cols - 16)
    step = np.where(cols < 16, 0.0, 3000.0)
    spike = np.zeros((32, 32))
    spike[5, 5] = 1e6
    strange = np.stack([np.zeros((32, 32)), np.full((32, 32), -420.0), 3.0 * rows, cone, step, spike])
    matrix, names = describe(strange, GSD)
    assert matrix.shape == (6, len(names)) and np.isfinite(matrix).all()
    assert len(set(names)) == len(names) > 40


@pytest.mark.parametrize("turn", [lambda h: h[:, ::-1], lambda h: np.rot90(h, axes=(1, 2)), lambda h: h.swapaxes(1, 2)])
def test_flips_and_turns_change_nothing(tiles, turn):
    before, names = describe(tiles, GSD)
    after, _ = describe(turn(tiles), GSD)
    free = [i for i, name in enumerate(names) if not name.startswith(("concavity", "hack", "stream", "largest"))]
    assert np.allclose(after[:, free], before[:, free], atol=1e-5)
    # Where water leaves a level place is a matter of the order in which neighbours are looked at.
    assert np.abs(after - before).mean() < 0.02


def test_altitude_is_one_number(tiles):
    before, names = describe(tiles.astype(np.float64), GSD)
    after, _ = describe(tiles.astype(np.float64) + 1024, GSD)
    others = [i for i, name in enumerate(names) if name != "mean_height"]
    assert np.allclose(after[:, others], before[:, others], atol=2e-3)
    assert (after[:, names.index("mean_height")] > before[:, names.index("mean_height")]).all()


def test_a_plane_measures_as_it_should():
    plane = np.broadcast_to(0.25 * GSD * np.arange(32.0), (1, 32, 32))  # 25 % towards the east
    assert column(plane, "slope_q50") == pytest.approx(np.log(26), rel=1e-5)
    assert column(plane, "relief") == pytest.approx(np.log1p(0.25 * GSD * 31))
    assert column(plane, "hypsometric_integral") == pytest.approx(0.5)
    assert column(plane, "height_q25") == pytest.approx(-0.25, abs=0.01)
    assert column(plane, "aspect") == pytest.approx(0, abs=1e-9)
    assert column(plane, "profile_q95") == pytest.approx(0, abs=1e-6)
    assert column(plane, "landform_slope") == pytest.approx(1)
    assert column(plane, "pit_fraction") == pytest.approx(0)


def test_a_cone_falls_to_all_sides():
    rows, cols = np.mgrid[:33, :33] - 16
    cone = -10.0 * np.hypot(rows, cols)[None]
    assert column(cone, "aspect") > 0.99
    assert column(cone, "plan_q50") > 0 > column(-cone, "plan_q50")


def test_rim_and_comb_artefacts_are_measured():
    rng = np.random.default_rng(3)
    smooth = np.cumsum(rng.standard_normal((4, 32, 32)), axis=1)
    frame = smooth.copy()
    frame[:, [0, -1]] += 50
    frame[:, :, [0, -1]] += 50
    assert (column(frame, "rim_gradient") > column(smooth, "rim_gradient") + 1).all()
    comb = smooth.repeat(2, axis=1).repeat(2, axis=2)  # doubled pixels: every second step is none
    assert (np.abs(column(comb, "comb_gradient")) > np.abs(column(smooth, "comb_gradient")) + 1).all()


def test_how_tiles_are_grouped_changes_nothing():
    tiles = landscapes(70, 2, side=16)
    whole, _ = describe(tiles, GSD)
    parts = np.concatenate([describe(tiles[:3], GSD)[0], describe(tiles[3:], GSD)[0]])
    assert np.allclose(whole, parts, rtol=0, atol=1e-9)
    empty, names = describe(tiles[:0], GSD)
    assert empty.shape == (0, len(names))


def test_voids_are_refused(tiles):
    holed = tiles.copy()
    holed[0, 3, 3] = np.nan
    with pytest.raises(ValueError, match="finite"):
        describe(holed, GSD)
