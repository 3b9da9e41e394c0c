"""The two maps of the whole planet."""

from __future__ import annotations

import numpy as np
import rasterio

from tasks.acquire.sources.sample.planet_map import planet_maps
from tasks.core.hashing import dvc_md5
from tests.acquire.stage import acquire, params


def test_the_maps_match_and_have_no_seam():
    height, color = planet_maps(256, 20)
    assert height.shape == (128, 256) and color.shape == (128, 256, 3)
    land = height > 0
    assert 0.2 < land.mean() < 0.8
    open_sea = ~land & (color[..., 2].astype(int) - color[..., 0] > 20)
    assert open_sea.sum() > 0.8 * (~land).sum()  # the rest is frozen sea
    assert not (land & (color[..., 2].astype(int) - color[..., 0] > 40)).any()
    # The step across 180° is no larger than other steps in its row.
    steps = np.abs(np.diff(height, axis=1)).max()
    assert np.abs(height[:, 0] - height[:, -1]).max() <= steps


def test_slopes_towards_the_north_west_are_lit():
    height, color = planet_maps(512, 20)
    east = (np.roll(height, -1, 1) - np.roll(height, 1, 1))[64:-64]
    luma = color[64:-64].mean(axis=-1)
    ice = luma > 200
    rising, falling = (east > 300) & ~ice, (east < -300) & ~ice
    assert rising.sum() > 100 and falling.sum() > 100
    assert luma[rising].mean() > luma[falling].mean() + 10


def test_as_a_source(tmp_path):
    given = params("sample", planet_cells=[], planet_map_px=64)
    ledger = acquire(tmp_path, given)
    assert list(ledger.index) == ["planet_color", "planet_height"]
    assert list(ledger["layer"]) == ["color", "height"] and ledger["procedural"].all()
    assert (ledger["west"] == -180).all() and (ledger["north"] == 90).all()
    with rasterio.open(tmp_path / "data/terrain/raw/planet_height.tif") as found:
        assert found.shape == (32, 64)
    first = dvc_md5(tmp_path / "data/terrain/raw")
    planet_maps.cache_clear()
    acquire(tmp_path, given)
    assert dvc_md5(tmp_path / "data/terrain/raw") == first
