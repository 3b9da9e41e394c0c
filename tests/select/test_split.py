"""Geography: footprints and blocks at the seams of the globe, and no neighbours on both sides."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import shapely
from affine import Affine
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pyproj import Geod, Transformer

from tasks.core.errors import LandloomError
from tasks.select.blocks import BlockGrid
from tasks.select.footprints import footprints
from tasks.select.split import NEITHER, TRAIN, VAL, Touches, split_tiles
from tasks.select.verdict import touch_blocks
from tests.select.small import laea

PX = 32
latitudes = st.one_of(st.floats(-90, 90), st.sampled_from([90.0, -90.0, 89.9, 0.0]))
longitudes = st.one_of(st.floats(-180, 180), st.sampled_from([180.0, -180.0, 179.9]))


def place(lat, lon, gsd, count=8, stride=16, shift=0.0):
    """A scene of count × count windows around a place, and the places of its tiles."""
    side = PX + stride * (count - 1)
    transform = Affine(gsd, 0, -gsd * side / 2 + shift, 0, -gsd, gsd * side / 2)
    rows, cols = (part.ravel() * stride for part in np.mgrid[:count, :count])
    return transform, rows, cols, footprints(laea(lat, lon), transform, rows, cols, PX)


def tiles_of(prints, gsd, block_km, region="r"):
    west, south, east, north = prints.boxes(gsd / 1000)
    block = [BlockGrid(block_km).name(number) for number in BlockGrid(block_km).ids(prints.lat, prints.lon)]
    return pd.DataFrame(
        {"lat": prints.lat, "lon": prints.lon, "west": west, "south": south, "east": east, "north": north}
    ).assign(block=block, region=region)


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(
    lat=latitudes,
    lon=longitudes,
    gsd=st.sampled_from([10.0, 90.0, 400.0]),
    blocks=st.floats(1.2, 6),
    share=st.sampled_from([0.1, 0.3, 0.5]),
    seed=st.integers(0, 9),
    apart=st.floats(-6, 6),
)
def test_no_train_tile_overlaps_or_touches_a_val_tile(lat, lon, gsd, blocks, share, seed, apart):
    """Two overlapping scenes, each in its own projection, compared pixel by pixel."""
    near_lat = float(np.clip(lat + np.degrees(apart * PX * gsd / 6371000), -90, 90))
    scenes = [(lat, lon, *place(lat, lon, gsd)), (near_lat, lon + 0.01, *place(near_lat, lon + 0.01, gsd))]
    block_km = blocks * PX * gsd / 1000
    tiles = pd.concat([tiles_of(scene[5], gsd, block_km) for scene in scenes], ignore_index=True)
    try:
        sides = split_tiles(touch_blocks(tiles, block_km), share, seed)
    except LandloomError:
        assume(False)
    each = len(tiles) // 2
    val_lon, val_lat = (np.concatenate(part) for part in zip(*(
        lattice(scene, sides[k * each : (k + 1) * each] == VAL) for k, scene in enumerate(scenes)
    ), strict=True))  # fmt: skip
    for k, (centre_lat, centre_lon, transform, rows, cols, _) in enumerate(scenes):
        train = sides[k * each : (k + 1) * each] == TRAIN
        to_grid = Transformer.from_crs(4326, laea(centre_lat, centre_lon), always_xy=True)
        c, r = ~transform @ to_grid.transform(val_lon, val_lat)
        off = np.maximum(
            np.abs(c[:, None] - cols[train] - PX / 2), np.abs(r[:, None] - rows[train] - PX / 2)
        )  # of each val point from the middle of each train tile, in pixels
        assert not (off <= PX / 2 + 1).any()


def lattice(scene, chosen):
    """Longitudes and latitudes of 9 × 9 points in each chosen window of a scene, its edges included."""
    lat, lon, transform, rows, cols, _ = scene
    down, across = np.meshgrid(np.linspace(0, PX, 9), np.linspace(0, PX, 9))
    x, y = transform @ (
        (cols[chosen][:, None] + across.ravel()).ravel(), (rows[chosen][:, None] + down.ravel()).ravel()
    )  # fmt: skip
    return Transformer.from_crs(laea(lat, lon), 4326, always_xy=True).transform(x, y)


@settings(max_examples=60)
@given(lat=latitudes, lon=longitudes, block_km=st.floats(1, 3000))
def test_blocks_cover_the_globe_and_are_about_square(lat, lon, block_km):
    grid = BlockGrid(block_km)
    assert grid.ids(lat, lon) == grid.ids(lat, lon + 360) == grid.ids(lat, lon - 720)
    band = int(grid.band(lat))
    height = np.pi * 6371.0088 / grid.bands
    south = band * np.pi / grid.bands - np.pi / 2
    area = 2 * np.pi * 6371.0088**2 * (np.sin(south + np.pi / grid.bands) - np.sin(south)) / int(grid.columns(band))
    assert height == pytest.approx(block_km, rel=0.08)
    if grid.columns(band) > 5:
        assert area == pytest.approx(block_km * height, rel=0.15)


@settings(max_examples=60)
@given(
    lat=latitudes, lon=longitudes, gsd=st.sampled_from([10.0, 90.0, 1000.0]), block_km=st.floats(2, 500), data=st.data()
)
def test_a_tile_touches_the_block_of_each_of_its_points(lat, lon, gsd, block_km, data):
    transform, rows, cols, prints = place(lat, lon, gsd, count=4)
    grid = BlockGrid(block_km)
    tile, block = grid.touched(*prints.boxes(gsd / 1000))
    k = data.draw(st.integers(0, 15))
    across, down = data.draw(st.tuples(st.floats(0, PX), st.floats(0, PX)))
    x, y = transform @ (cols[k] + across, rows[k] + down)
    point_lon, point_lat = Transformer.from_crs(laea(lat, lon), 4326, always_xy=True).transform(x, y)
    assert int(grid.ids(point_lat, point_lon)) in block[tile == k]


@pytest.mark.parametrize(
    ("lat", "lon"), [(46, 11), (0, 180), (-80, -179.99), (90, 0), (-90, 40), (89.95, 180), (65, 179)]
)
def test_footprints_are_true_shapes_everywhere(lat, lon):
    """Footprints are valid, within ±180°, have the right area on the ellipsoid, and contain their centres."""
    *_, prints = place(lat, lon, 1000.0, count=3)
    shapes = prints.polygons()
    geod = Geod(ellps="WGS84")
    for k, shape in enumerate(shapes):
        assert shape.is_valid and shapely.box(-180, -90, 180, 90).covers(shape)
        assert shape.distance(shapely.Point((prints.lon[k] + 180) % 360 - 180, prints.lat[k])) < 1e-6
        if not prints.pole[k]:
            assert abs(geod.geometry_area_perimeter(shape)[0]) == pytest.approx(32_000.0**2, rel=0.01)
    assert (prints.pole != 0).any() == (abs(lat) > 89.5)


def grid_of_tiles(blocks, each, regions=1):
    """Tiles that are each inside one block."""
    count = blocks * each
    block = np.repeat(np.arange(blocks), each)
    region = np.array([f"r{number * regions // blocks}" for number in block], object)
    return Touches(np.arange(count), block, [f"b{number:03}" for number in range(blocks)], region)


@pytest.mark.parametrize(("blocks", "regions"), [(2, 1), (3, 3), (5, 1), (40, 4), (300, 30)])
def test_val_gets_about_its_share(blocks, regions):
    for seed in range(10):
        sides = split_tiles(grid_of_tiles(blocks, 20, regions), 0.2, seed)
        assert abs((sides == VAL).mean() - 0.2) <= max(0.5 / blocks, 0.3 if blocks < 4 else 0.0) + 1e-9
        assert (sides == VAL).any() and (sides == TRAIN).any() and not (sides == NEITHER).any()


def test_every_region_gives_to_val():
    touches = grid_of_tiles(60, 10, regions=6)
    sides = split_tiles(touches, 0.2, 1)
    for region in set(touches.region):
        assert 0.1 <= (sides[touches.region == region] == VAL).mean() <= 0.3


def test_an_area_of_one_block_cannot_be_split():
    with pytest.raises(LandloomError, match="20 tiles touch 1 blocks.*block_km smaller"):
        split_tiles(grid_of_tiles(1, 20), 0.2, 0)
    assert (split_tiles(grid_of_tiles(1, 20), 0.0, 0) == TRAIN).all()


def test_tiles_larger_than_blocks_cannot_be_split():
    *_, prints = place(46, 11, 90.0)
    with pytest.raises(LandloomError, match="larger if tiles are larger than a block"):
        split_tiles(touch_blocks(tiles_of(prints, 90.0, 0.5), 0.5), 0.2, 0)
