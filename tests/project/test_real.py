"""Real rasters: borders between published cells are not visible in scenes."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import rasterio

from tasks.formats.tables.ledger import LedgerRow
from tasks.formats.tables.scenes import SceneReader, read_scenes
from tasks.formats.tables.sources import read_sources
from tasks.project.projection import local_crs
from tasks.project.rasters import Raster, RasterReader
from tasks.project.warp import Target, warp
from tests.project.stage import project
from tests.project.test_warp import target

PAIRS = {  # names, place of their border (lat, lon), and whether it runs north-south
    "seam at sea level and in mountains": (["srtm3_N49W123.tif", "srtm3_N49W124.tif"], (49.5, -123.0), True),
    "north and south": (["N49E011.hgt.zip", "N50E011.hgt.zip"], (50.0, 11.5), False),
    "equator": (["N00E010.hgt", "N00E011.hgt.zip"], (0.5, 11.0), True),
    "coast": (["N41E001.hgt.zip", "N42E001.hgt.zip"], (42.0, 1.5), False),
}


def described(folder: Path, name: str) -> Raster:
    with rasterio.open(folder / name) as dataset:
        return Raster(
            name, str(folder / name), "height", dataset.crs.to_wkt(), dataset.transform, dataset.width,
            dataset.height, dataset.nodata, 80.0, False,
        )  # fmt: skip


@pytest.mark.parametrize("gsd", [60.0, 90.0, 200.0])
@pytest.mark.parametrize("names, place, upright", PAIRS.values(), ids=PAIRS.keys())
def test_no_step_at_the_border_of_cells(realdata, names, place, upright, gsd):
    to: Target = target(*place, gsd, 400)
    with RasterReader() as reader:
        rasters = [described(realdata / "dem", name) for name in names]
        heights = warp(rasters, to, place[1], "cubic", reader)[0][0]
    assert to.crs == local_crs(*place)
    lines = heights if upright else heights.T
    step = np.abs(np.diff(lines, axis=1))
    # The border is the middle column (or row) of the grid, within a pixel or two over its length.
    border, elsewhere = step[:, 196:204], np.delete(step, np.s_[190:210], axis=1)
    assert np.isfinite(border).mean() > 0.98 * np.isfinite(elsewhere).mean()
    by_column = np.nanmean(elsewhere, axis=0)
    assert np.nanmean(border, axis=0).max() < by_column.mean() + 4 * by_column.std()
    assert np.nanmax(border) <= np.nanmax(elsewhere)


def test_formats_that_rasterio_opens(realdata, tmp_path):
    raw = tmp_path / "data/terrain/raw"
    raw.mkdir(parents=True)
    names = ["SainteHelens_usgs.dem", "Mandakini.bil", "gmt_Kilauea_utm.nc", "N41E001.hgt.zip", "dtm_2m_utm18.tif"]
    rows = []
    for name in [*names, "Mandakini.hdr"]:
        shutil.copy(realdata / "dem" / name, raw)
    for name in names:
        with rasterio.open(raw / name) as dataset:
            crs, nodata = dataset.crs.to_wkt(), dataset.nodata
        rows.append(LedgerRow(name, "height", "files", "x", "x", path=name, crs=crs, nodata=nodata))
    data = project(tmp_path, rows, scene_px=1300)
    scenes = read_scenes(data / "scenes.parquet")
    assert read_sources(data / "sources.parquet")["refused"].isna().all()
    ranges = {}
    with SceneReader(data, scenes) as reader:
        for name, row in scenes.iterrows():
            heights = reader.height(name)
            ranges[row["sources"][0]] = (np.nanmin(heights), np.nanmax(heights))
    # The published height, within what an average over 90 m removes from a peak.
    assert ranges["SainteHelens_usgs.dem"] == pytest.approx((682, 2543), abs=30)
    assert ranges["Mandakini.bil"] == pytest.approx((644, 6741), abs=60)
    assert ranges["gmt_Kilauea_utm.nc"] == pytest.approx((0, 1505), abs=30)
    assert ranges["N41E001.hgt.zip"] == pytest.approx((-20, 1204), abs=20)
