from __future__ import annotations

import numpy as np
import rasterio

from tests.acquire.stage import acquire, params


def test_the_sample_is_named_for_what_it_is(tmp_path):
    ledger = acquire(tmp_path, params("sample", planet_cells=["N20W165", "N04W147"], planet_px=40))
    assert dict(ledger["procedural"]) == {"jacksboro": False, "planet_N04W147": True, "planet_N20W165": True}
    assert ledger["refused"].isna().all() and ledger["licence"].str.len().min() > 3
    raw = tmp_path / "data/terrain/raw"
    with rasterio.open(raw / ledger.loc["jacksboro", "path"]) as dataset:
        height = dataset.read(1)
        assert (height.min(), height.max()) == (236, 1076)
        assert dataset.bounds.top > 36.73 and dataset.crs.to_epsg() == 4326
        # The ridge of the Cumberland Mountains lies in the south-west of the picture, the valley in the south-east.
        assert height[200:, :200].mean() > height[200:, 250:].mean() + 100
    with rasterio.open(raw / ledger.loc["planet_N20W165", "path"]) as dataset:
        assert tuple(dataset.bounds) == (-165, 20, -164, 21)
        assert np.ptp(dataset.read(1)) > 300


def test_an_area_picks_from_the_sample(tmp_path):
    given = params("sample", ["N20W165"], planet_cells=["N20W165", "N04W147"], planet_px=40)
    assert list(acquire(tmp_path, given).index) == ["planet_N20W165"]


def test_the_same_bytes_again(tmp_path):
    given = params("sample", planet_cells=["N20W165"], planet_px=40)
    folders = [tmp_path / name / "data/terrain/raw" for name in ("a", "b")]
    for name in ("a", "b"):
        acquire(tmp_path / name, given)
    names = sorted(path.name for path in folders[0].iterdir())
    assert names == ["jacksboro.tif", "ledger.parquet", "planet_N20W165.tif"]
    assert all((folders[0] / name).read_bytes() == (folders[1] / name).read_bytes() for name in names)
