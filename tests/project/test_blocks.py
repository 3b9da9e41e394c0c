"""Scenes cover all ground, at the poles and across 180° too, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import CRS
from shapely import Point, box

from tasks.project.cover import cover, groups
from tasks.project.footprint import GEOD, footprint, wrap
from tasks.project.projection import from_lonlat, to_lonlat


def holds(block, lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
    """Mask of the points on the block's grid."""
    x, y = from_lonlat(block.grid.crs, lon, lat)
    if block.grid.crs == "EPSG:4326":
        x = x - 360 * np.round((x - block.grid.lon) / 360)
    col, row = ~block.grid.transform @ (x, y)
    return (col >= 0) & (col <= block.grid.cols) & (row >= 0) & (row <= block.grid.rows)


def points_in(west: float, south: float, width: float, height: float) -> tuple[np.ndarray, np.ndarray]:
    lon, lat = np.meshgrid(west + np.linspace(0, width, 23), south + np.linspace(0, height, 23))
    return (lon.ravel() + 180) % 360 - 180, lat.ravel()


boxes = st.tuples(
    st.floats(-180, 180), st.floats(-90, 89.5), st.floats(0.05, 12), st.floats(0.05, 6)
).map(lambda b: (b[0], b[1], b[2], min(b[3], 90 - b[1])))  # fmt: skip


@settings(max_examples=30)
@given(st.lists(boxes, min_size=1, max_size=3), st.sampled_from([100.0, 450.0, 3000.0]), st.sampled_from([64, 300]))
def test_every_point_of_every_footprint_is_in_some_scene(ground, gsd, px):
    if gsd * px < 40_000:
        gsd = 40_000 / px  # keeps an example to some hundreds of scenes
    shapes = [wrap(box(w, s, w + width, s + height)) for w, s, width, height in ground]
    blocks = cover(shapes, [gsd] * len(shapes), gsd, px, "local_equal_area")
    assert len({block.grid.name for block in blocks}) == len(blocks)
    for index, bounds in enumerate(ground):
        lon, lat = points_in(*bounds)
        found = np.zeros(lon.shape, bool)
        for block in blocks:
            if index in block.members:
                found |= holds(block, lon, lat)
        assert found.all(), (lon[~found][:3], lat[~found][:3])
    for block in blocks:
        assert max(block.grid.cols, block.grid.rows) <= px
        assert (block.grid.transform.a, block.grid.transform.e) == (gsd, -gsd)


@settings(max_examples=25)
@given(st.floats(-180, 180), st.floats(-84, 83), st.floats(0.1, 3), st.floats(0.1, 2))
def test_latitude_rescale_covers_too(west, south, width, height):
    height = min(height, 85 - south)
    ground = wrap(box(west, south, west + width, south + height))
    blocks = cover([ground], [0], 200.0, 200, "latitude_rescale")
    lon, lat = points_in(west, south, width, height)
    assert np.any([holds(block, lon, lat) for block in blocks], axis=0).all()
    assert all(max(block.grid.cols, block.grid.rows) <= 200 for block in blocks)


@pytest.mark.parametrize("lat", [0.0, 46.0, 70.0, 85.0, 89.9, -89.9])
def test_a_pixel_is_gsd_metres_on_the_ellipsoid(lat):
    shape = wrap(box(20, max(lat - 0.4, -90), 21, min(lat + 0.4, 90)))
    for block in cover([shape], [0], 250.0, 200, "local_equal_area"):
        grid = block.grid
        col, row = np.array([0, 1, 0]) + grid.cols / 3, np.array([0, 0, 1]) + grid.rows / 3
        x, y = grid.transform @ (col, row)
        lon, lat_ = to_lonlat(grid.crs, x, y)
        _, _, metres = GEOD.inv([lon[0]] * 2, [lat_[0]] * 2, lon[1:], lat_[1:])
        assert metres == pytest.approx([250, 250], rel=1e-4)


def test_across_180_is_one_stretch_of_ground():
    """Taveuni: two cells that meet at 180° are one group, covered without a seam there."""
    shapes = [box(179, -17, 180, -16), box(-180, -17, -179, -16)]
    blocks = cover(shapes, [100, 100], 100.0, 1024, "local_equal_area")
    assert any(block.members == (0, 1) for block in blocks)
    assert sum(block.grid.cols * block.grid.rows for block in blocks) < 1.05 * 2132 * 1107
    assert all(abs(block.grid.lon) > 178.9 for block in blocks)


def test_one_raster_across_180():
    """Chukotka: a raster that runs from 178° to 186°."""
    ground = footprint("EPSG:4326", Affine(0.01, 0, 178, 0, -0.01, 67), 800, 200)
    assert ground.covers(Point(-175, 66)) and ground.covers(Point(179, 66)) and not ground.intersects(Point(0, 66))
    blocks = cover([ground], [1000], 500.0, 512, "local_equal_area")
    assert 1 <= len(blocks) <= 4
    assert {block.grid.region for block in blocks} <= {"N60E170", "N60W180"}


@pytest.mark.parametrize("pole", [1, -1])
def test_a_pole_gets_one_scene_of_its_own(pole):
    crs = CRS.from_epsg(3413 if pole > 0 else 3031).to_wkt()
    ground = footprint(crs, Affine(500, 0, -100_000, 0, -500, 100_000), 400, 400)
    assert ground.covers(Point(123, pole * 89.99)) and ground.covers(Point(-180, pole * 89.5))
    blocks = cover([ground], [500], 500.0, 300, "local_equal_area")
    assert [block.grid.lat for block in blocks].count(pole * 90.0) == 1
    lon, lat = np.meshgrid(np.linspace(-180, 180, 90), pole * np.linspace(89.2, 90, 20))
    assert np.any([holds(block, lon.ravel(), lat.ravel()) for block in blocks], axis=0).all()


def test_far_apart_sources_share_no_scene_and_leave_no_empty_one():
    shapes = [box(8, 46, 9, 47), box(10, 46, 11, 47), box(-70, -33, -69, -32)]
    assert groups(shapes, [90] * 3, 90, 1024) == [[0], [1], [2]]
    blocks = cover(shapes, [90] * 3, 90.0, 1024, "local_equal_area")
    assert all(len(block.members) == 1 for block in blocks)
    area = sum(block.grid.cols * block.grid.rows * 90.0**2 for block in blocks)
    true = sum(abs(GEOD.geometry_area_perimeter(shape)[0]) for shape in shapes)
    assert area < 1.03 * true


def test_a_gap_of_a_pixel_still_touches():
    assert groups([box(0, 80, 1, 81), box(1.0008, 80, 2, 81)], [90, 90], 90, 512) == [[0, 1]]


def test_same_input_same_grids_in_name_order():
    shapes = [box(8 + i, 46, 9 + i, 47) for i in range(3)]
    first, second = (cover(shapes, [90] * 3, 90.0, 512, "local_equal_area") for _ in range(2))
    assert first == second
    assert [block.grid.name for block in first] == sorted(block.grid.name for block in first)


def test_a_scene_never_grows_until_shapes_bend():
    ground = footprint("EPSG:4326", Affine(1, 0, -180, 0, -1, 90), 360, 180)
    blocks = cover([ground], [0], 20_000.0, 4096, "local_equal_area")
    assert max(max(block.grid.cols, block.grid.rows) for block in blocks) * 20_000 <= 1_200_000
