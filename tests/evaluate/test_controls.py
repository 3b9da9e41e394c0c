"""Controls keep what they claim to keep, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.evaluate.terrain.controls import controls, shuffle
from tasks.relief.shade.slope import slope_degrees
from tasks.relief.spectrum import radial_power
from tests.evaluate.landscape import GSD, landscapes


@pytest.fixture(scope="module")
def real() -> np.ndarray:
    return landscapes(30, 4)


@pytest.fixture(scope="module")
def bad(real) -> dict[str, np.ndarray]:
    return controls(real, GSD, seed=1)


def test_all_are_tiles_like_the_real_ones(real, bad):
    assert list(bad) == ["noise", "noise_tile", "blur", "blocks", "shuffle"]
    for name, tiles in bad.items():
        assert tiles.shape == real.shape and tiles.dtype == np.float32 and np.isfinite(tiles).all(), name
        assert np.array_equal(tiles, controls(real, GSD, seed=1)[name]), name


@pytest.mark.parametrize("name", ["noise", "noise_tile"])
def test_noise_has_the_relief_and_the_spectrum(real, bad, name):
    assert bad[name].min(axis=(1, 2)) == pytest.approx(real.min(axis=(1, 2)), rel=1e-4)
    assert np.ptp(bad[name], axis=(1, 2)) == pytest.approx(np.ptp(real, axis=(1, 2)), rel=1e-4)
    logs = [np.log(radial_power(tiles, GSD)[1]) for tiles in (real, bad[name])]
    shapes = [rows - rows.mean(axis=1, keepdims=True) for rows in logs]
    assert np.abs(shapes[0].mean(axis=0) - shapes[1].mean(axis=0)).max() < 0.25
    if name == "noise_tile":
        assert np.abs(shapes[0] - shapes[1]).mean() < 0.1


def test_shuffles_keep_every_height_and_blocks_keep_their_inside(real, bad):
    for name in ("shuffle", "blocks"):
        assert np.array_equal(np.sort(bad[name].reshape(30, -1)), np.sort(real.reshape(30, -1)))
        assert not np.array_equal(bad[name], real)
    corners = {tile.tobytes() for tile in real.reshape(30, 4, 8, 4, 8).swapaxes(2, 3).reshape(-1, 8, 8)}
    moved = bad["blocks"].reshape(30, 4, 8, 4, 8).swapaxes(2, 3).reshape(-1, 8, 8)
    assert {tile.tobytes() for tile in moved} == corners


def test_odd_sides_take_the_largest_block_that_fits():
    tiles = np.arange(2 * 18 * 18.0).reshape(2, 18, 18)
    out = shuffle(tiles, 8, np.random.default_rng(1))
    assert np.array_equal(np.sort(out.ravel()), np.sort(tiles.ravel()))


def test_blur_flattens(real, bad):
    assert slope_degrees(bad["blur"], GSD).mean() < 0.8 * slope_degrees(real, GSD).mean()
    assert bad["blur"].mean(axis=(1, 2)) == pytest.approx(real.mean(axis=(1, 2)), rel=1e-3)


def test_level_tiles_go_through():
    level = np.full((3, 32, 32), 12.0, np.float32)
    assert all(np.isfinite(tiles).all() for tiles in controls(level, GSD, 0).values())
