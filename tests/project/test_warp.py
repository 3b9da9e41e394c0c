"""One warp from many sources: no seams, voids do not spread, finer sources have priority, any place on Earth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from affine import Affine
from pyproj import Transformer

from tasks.project import warp as warping
from tasks.project.projection import local_crs
from tasks.project.rasters import Raster, RasterReader
from tasks.project.warp import Target, warp
from tests.project.synthetic import coordinates, of_surface, raster, surface

LAEA_HALF = 200  # pixels; the targets are 400² unless said otherwise
ROWS = 420  # of a 1° cell; divisible by 1.5, 2, 3, 5 and 10
STEP = 1 / ROWS
HALF_WORLD = 20037508.342789244  # metres; where EPSG:3857 ends


def target(lat: float, lon: float, gsd: float, px: int = 2 * LAEA_HALF) -> Target:
    return Target(local_crs(lat, lon), Affine(gsd, 0, -px * gsd / 2, 0, -gsd, px * gsd / 2), px, px)


def warped(rasters: list[Raster], to: Target, lon: float, resampling: str = "cubic") -> np.ndarray:
    with RasterReader() as reader:
        return warp(rasters, to, lon, resampling, reader)[0]


def error(rasters: list[Raster], to: Target, lon: float) -> np.ndarray:
    """Warped minus true heights, NaN where void."""
    return warped(rasters, to, lon)[0] - surface(*coordinates(to.crs, to.transform, to.cols, to.rows))


def cells(folder: Path, lons, lats, registration: str, width=lambda lat: STEP) -> list[Raster]:
    """1° cells of `surface`, 420 rows high, with a given pixel width, registered like elevation products."""
    out, step = [], STEP
    for lon in lons:
        for lat in lats:
            across = width(lat)
            cols, rows = round(1 / across), ROWS
            shift = 0.5 if registration in ("node", "corner") else 0.0
            extra = 1 if registration == "node" else 0  # SRTM repeats its neighbours' edge pixels
            west, north = lon - shift * across, lat + 1 + shift * step
            transform = Affine(across, 0, west, 0, -step, north)
            out.append(of_surface(folder, f"c{lat:+03d}{lon:+04d}", "EPSG:4326", transform, cols + extra, rows + extra))
    return out


def glo30_width(lat: float) -> float:
    """Longitude spacing of GLO-30, which widens with latitude, at about a tenth of its resolution."""
    south = lat if lat >= 0 else -lat - 1
    bands = ((50, 1), (60, 1.5), (70, 2), (80, 3), (85, 5), (90, 10))
    return STEP * next(factor for limit, factor in bands if south < limit)


@pytest.mark.parametrize("registration", ["node", "pixel", "corner"])
def test_four_cells_are_one_surface(tmp_path, registration):
    off = error(cells(tmp_path, [8, 9], [45, 46], registration), target(46, 9, 300), 9)
    assert np.abs(off).max() < 0.25  # of 450 m of relief; a void would be NaN and fail too


@pytest.mark.parametrize("lat", [50, 60, 80, 85])
def test_cells_of_two_latitude_bands_are_one_surface(tmp_path, lat):
    reach = 1 if lat <= 60 else 8
    sources = cells(tmp_path, range(9 - reach, 9 + reach), [lat - 1, lat], "corner", glo30_width)
    off = error(sources, target(lat, 9, 250), 9)
    assert np.abs(off).max() < 0.5
    # The border between the bands is a parallel through the middle; it is no rougher than the rest.
    step = np.abs(np.diff(off, axis=0))
    assert step[LAEA_HALF - 8 : LAEA_HALF + 8].max() < 2 * step.max(axis=1)[20:150].max() + 0.05


@pytest.mark.parametrize("gsd", [300, 800])
def test_a_border_of_bands_when_shrinking(tmp_path, gsd):
    sources = cells(tmp_path, [8, 9], [49, 50], "corner", glo30_width)
    to = target(50, 9, gsd, 120)
    off = error(sources, to, 9)
    step = np.abs(np.diff(off, axis=0))
    assert np.isfinite(off).all() and step[55:65].max() < 2 * step[:50].max() + 0.05


@pytest.mark.parametrize(("lon", "lat"), [(180, -17), (-179.9, -17), (179.6, 66)])
def test_cells_on_both_sides_of_180(tmp_path, lon, lat):
    """Taveuni and Chukotka."""
    sources = cells(tmp_path, [178, 179, -180, -179], [round(lat) - 1, round(lat)], "corner")
    off = error(sources, target(lat, lon, 200), lon)
    assert np.abs(off).max() < 0.25


def test_one_raster_counted_past_180(tmp_path):
    source = of_surface(tmp_path, "long", "EPSG:4326", Affine(1 / 400, 0, 178, 0, -1 / 400, 67), 1600, 800)
    assert np.abs(error([source], target(66, -179.5, 200), -179.5)).max() < 0.25


@pytest.mark.parametrize("lon", [180.0, -179.9, 179.8])
def test_mercator_on_both_sides_of_180(tmp_path, lon):
    _, north = Transformer.from_crs(4326, 3857, always_xy=True).transform(0, -16)
    east = of_surface(tmp_path, "east", "EPSG:3857", Affine(250, 0, HALF_WORLD - 600 * 250, 0, -250, north), 600, 1000)
    west = of_surface(tmp_path, "west", "EPSG:3857", Affine(250, 0, -HALF_WORLD, 0, -250, north), 600, 1000)
    assert np.abs(error([east, west], target(-17, lon, 300), lon)).max() < 0.25


@pytest.mark.parametrize(("lat", "lon", "gsd"), [(-90, 0, 300), (-90, 0, 1100), (-89.6, 50, 300), (-89.2, 180, 400)])
def test_south_pole_from_longitudes_and_latitudes(tmp_path, lat, lon, gsd):
    source = of_surface(tmp_path, "cap", "EPSG:4326", Affine(0.05, 0, -180, 0, -0.004, -87), 7200, 750)
    to = target(lat, lon, gsd, 250)
    off = error([source], to, lon)
    # The average over a pixel differs from the surface at its centre by up to 0.25 m at 300 m, and more on larger ones.
    assert np.nanmax(np.abs(off)) < 0.4 + 2e-6 * gsd**2
    assert not np.isnan(off).any()


def test_north_pole_from_many_cells_and_from_polar_stereographic(tmp_path):
    sources = [
        of_surface(
            tmp_path, f"c{lon:+04d}", "EPSG:4326", Affine(0.1, 0, lon - 0.05, 0, -STEP, 90 + STEP / 2), 150, ROWS
        )
        for lon in range(-180, 180, 15)
    ]
    assert np.abs(error(sources, target(90, 0, 500, 300), 0)).max() < 0.9
    polar = of_surface(tmp_path, "polar", "EPSG:3413", Affine(300, 0, -100_000, 0, -300, 100_000), 667, 667)
    assert np.abs(error([polar], target(90, 0, 300), 0)).max() < 0.05


@pytest.mark.parametrize("gsd", [60, 90, 130])  # finer than the source, 1:1, a little coarser
@pytest.mark.parametrize("resampling", ["cubic", "bilinear"])
def test_a_void_does_not_bleed(tmp_path, gsd, resampling):
    plane = np.fromfunction(lambda row, col: 1000 + col, (500, 500)).astype(np.int16)
    plane[200:260, 200:260] = -32768
    source = raster(tmp_path, "utm", "EPSG:32632", Affine(90, 0, 477_500, 0, -90, 5_120_000), plane, nodata=-32768)
    lon, lat = (value.mean() for value in coordinates(source.crs, source.transform, 500, 500))
    to = target(lat, lon, gsd, 30_000 // gsd)
    heights = warped([source], to, lon, resampling)[0]
    x, _ = Transformer.from_crs(to.crs, "EPSG:32632", always_xy=True).transform(
        *(to.transform @ tuple(axis + 0.5 for axis in np.meshgrid(np.arange(to.cols), np.arange(to.rows))))
    )
    known = np.isfinite(heights)
    # A kernel that uses -32768, or is not normalised at the rim, gives values far from the plane.
    assert np.abs(heights - (1000 + (x - 477_500) / 90 - 0.5))[known].max() < 0.6
    assert (~known).sum() * gsd**2 == pytest.approx((60 * 90) ** 2, rel=0.05)


def test_an_average_is_void_where_half_its_ground_is(tmp_path):
    pixels = np.full((400, 400), 100.0, np.float32)
    pixels[:, 200:] = np.nan
    pixels[100:104, 100:104] = np.nan  # a quarter of one target pixel
    to = target(0, 9, 240, 40)
    source = raster(tmp_path, "fine", to.crs, Affine(30, 0, -6000, 0, -30, 6000), pixels)
    heights = warped([source], to, 9)[0]
    assert np.isnan(heights[:, 20 + 5 :]).all() and not np.isnan(heights[:, :20]).any()
    assert np.nanmin(heights) == np.nanmax(heights) == 100


def test_average_is_the_mean_of_the_ground(tmp_path):
    pixels = np.random.default_rng(0).normal(size=(480, 480)).astype(np.float32)
    to = target(20, 9, 240, 60)
    source = raster(tmp_path, "fine", to.crs, Affine(30, 0, -7200, 0, -30, 7200), pixels)
    assert warped([source], to, 9)[0] == pytest.approx(pixels.reshape(60, 8, 60, 8).mean(axis=(1, 3)), abs=1e-4)


def test_zero_is_a_height(tmp_path):
    pixels = np.zeros((100, 100), np.int16)
    to = target(20, 9, 90, 80)
    source = raster(tmp_path, "sea", to.crs, Affine(90, 0, -4500, 0, -90, 4500), pixels)
    assert np.array_equal(warped([source], to, 9)[0], np.zeros((80, 80)))


def test_finer_first_and_coarser_in_its_holes(tmp_path):
    to = target(10, 9, 100, 100)
    fine, coarse = np.full((200, 200), 5.0, np.float32), np.full((60, 60), 7.0, np.float32)
    fine[60:120, 60:120] = np.nan
    sources = [
        raster(tmp_path, "a_coarse", to.crs, Affine(200, 0, -6000, 0, -200, 6000), coarse),
        raster(tmp_path, "b_fine", to.crs, Affine(60, 0, -6000, 0, -60, 6000), fine),
    ]
    heights = warped(sources, to, 9)[0]
    assert (heights[5:24, 5:24] == 5).all()
    assert heights[45, 45] == 7


def test_a_gap_of_one_pixel_between_cells_is_closed(tmp_path):
    """Some products leave such gaps at high latitudes."""
    step = 1 / 400
    left = of_surface(tmp_path, "left", "EPSG:4326", Affine(step, 0, 8, 0, -step, 47), 399, 800)
    right = of_surface(tmp_path, "right", "EPSG:4326", Affine(step, 0, 9, 0, -step, 47), 400, 800)
    assert np.abs(error([left, right], target(46, 9, 250, 300), 9)).max() < 0.5


def test_parts_of_a_huge_raster_join(tmp_path, monkeypatch):
    source = of_surface(tmp_path, "big", "EPSG:4326", Affine(1 / 400, 0, 8, 0, -1 / 400, 47), 800, 800)
    for gsd in (250, 700):
        to = target(46, 9, gsd, 120)
        whole = warped([source], to, 9)
        monkeypatch.setattr(warping, "WINDOW_PIXELS", 5000)
        parts = warped([source], to, 9)
        monkeypatch.undo()
        assert np.array_equal(np.isnan(whole), np.isnan(parts))
        assert np.nanmax(np.abs(whole - parts)) < 0.1


def test_color_is_warped_with_its_void(tmp_path):
    to = target(30, 9, 100, 60)
    pixels = np.zeros((3, 100, 100), np.uint8)
    pixels[0], pixels[1, :50] = 200, 90
    pixels[:, 40:50, 40:50] = 255
    source = raster(tmp_path, "rgb", to.crs, Affine(100, 0, -5000, 0, -100, 5000), pixels, "color", nodata=255)
    colors = warped([source], to, 9)
    assert np.isnan(colors[:, 20:30, 20:30]).all() and np.isnan(colors[0]).sum() == 100
    assert colors[0, 5, 5] == 200 and colors[1, 5, 5] == 90 and colors[1, 50, 5] == 0
