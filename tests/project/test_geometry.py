"""A circle on the ellipsoid is round and has the right size in a scene, for every CRS of the source."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from affine import Affine
from pyproj import CRS, Geod, Transformer

from tasks.project.cover import cover
from tasks.project.footprint import footprint
from tasks.project.rasters import RasterReader
from tasks.project.warp import Target, warp
from tests.project.synthetic import raster

RADIUS, EDGE = 5000.0, 15.0  # metres
GEOD = Geod(ellps="WGS84")


def drawn_circle(folder: Path, crs: str, lat: float, lon: float = 10.0):
    """A raster with 1 inside a circle of 5 km around (lat, lon), 0 outside, pixels of 15 m on the ground there."""
    to_crs = Transformer.from_crs("EPSG:4326", CRS.from_user_input(crs), always_xy=True)
    around = np.linspace(0, 360, 73)
    lons, lats, _ = GEOD.fwd(np.full(73, lon), np.full(73, lat), around, np.full(73, RADIUS + 300))
    x, y = to_crs.transform(lons, lats)
    cols, rows = (round(2 * (RADIUS + 300) / EDGE) for _ in range(2))
    transform = Affine(np.ptp(x) / cols, 0, min(x), 0, -np.ptp(y) / rows, max(y))
    col, row = np.meshgrid(np.arange(cols) + 0.5, np.arange(rows) + 0.5)
    lons, lats = to_crs.transform(*(transform @ (col, row)), direction="INVERSE")
    _, _, distance = GEOD.inv(np.full(lons.shape, lon), np.full(lons.shape, lat), lons, lats)
    inside = np.clip((RADIUS - distance) / EDGE + 0.5, 0, 1)  # its rim is a pixel wide
    return raster(folder, "circle", crs, transform, inside.astype(np.float32))


def axis_ratio(weights: np.ndarray) -> float:
    """Longer over shorter axis of the ellipse with the same second moments."""
    row, col = np.indices(weights.shape)
    total = weights.sum()
    row, col = row - (weights * row).sum() / total, col - (weights * col).sum() / total
    moments = [(weights * a * b).sum() / total for a, b in ((col, col), (col, row), (row, row))]
    small, large = np.linalg.eigvalsh([[moments[0], moments[1]], [moments[1], moments[2]]])
    return float(np.sqrt(large / small))


@pytest.mark.parametrize("gsd", [20.0, 45.0])  # cubic, and average
@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:3857"])
@pytest.mark.parametrize("lat", [0.0, 45.0, 70.0, 85.0])
def test_circle_stays_round_and_keeps_its_area(tmp_path, lat, crs, gsd):
    source = drawn_circle(tmp_path, crs, lat)
    ground = footprint(source.crs, source.transform, source.cols, source.rows)
    (block,) = cover([ground], [source.gsd], gsd, 1024, "local_equal_area")
    grid = block.grid
    with RasterReader() as reader:
        pixels, _ = warp([source], Target(grid.crs, grid.transform, grid.cols, grid.rows), grid.lon, "cubic", reader)
    circle = np.nan_to_num(pixels[0].astype(np.float64))
    turn = np.arange(3600) / 10
    lon, lat, _ = GEOD.fwd(np.full(3600, 10.0), np.full(3600, lat), turn, np.full(3600, RADIUS))
    true_area = abs(GEOD.polygon_area_perimeter(lon, lat)[0])
    assert axis_ratio(circle) < 1.005
    assert circle.sum() * gsd**2 == pytest.approx(true_area, rel=0.001)
