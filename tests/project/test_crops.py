"""Crops of global maps: positions of centres, and correct ground at 70°, at 180° and at a pole."""

from __future__ import annotations

import numpy as np
import pytest
from affine import Affine

from tasks.core.errors import LandloomError
from tasks.core.hashing import dvc_md5
from tasks.formats.tables.scenes import SceneReader, read_scenes
from tasks.project.batches import Job, share_out
from tasks.project.crops import centres
from tasks.project.grids import centred_grid
from tasks.project.rasters import RasterReader
from tasks.project.warp import Target, warp
from tests.project.stage import ledger_row, project
from tests.project.synthetic import coordinates, raster

WORLD = Affine(0.25, 0, -180, 0, -0.25, 90)


def world(raw, key: str = "height", layer: str = "height", rows: int = 720):
    """A smooth function of the point on the sphere, so that it has no seam anywhere."""
    lat, lon = np.radians(90 - (np.arange(rows) + 0.5) * 0.25), np.radians(-180 + (np.arange(1440) + 0.5) * 0.25)
    ground = _ground(lat[:, None], lon[None, :])
    pixels = ground.astype(np.float32) if layer == "height" else np.stack([ground / 40 + 100] * 3).astype(np.uint8)
    return raster(raw, key, "EPSG:4326", WORLD, pixels, layer)


def _ground(lat, lon):
    x, y, z = np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)
    return 1000 * (np.sin(4 * x + 1) + np.cos(5 * y) + np.sin(6 * z))


@pytest.fixture
def raw(tmp_path):
    folder = tmp_path / "data/terrain/raw"
    folder.mkdir(parents=True)
    return folder


def test_centres_are_even_over_the_sphere():
    points = np.array(centres(20_000, np.random.default_rng(1)))
    assert np.abs(points[:, 0]).max() <= 180 and np.abs(points[:, 1]).max() <= 90
    # Latitudes above 60° have 1 - sin 60° = 13.4 % of the sphere. Uniform latitudes would put a third there.
    assert abs((np.abs(points[:, 1]) > 60).mean() - (1 - np.sin(np.radians(60)))) < 0.01
    assert abs((points[:, 0] < -90).mean() - 0.25) < 0.015


@pytest.mark.parametrize(("lon", "lat"), [(10.0, 0.0), (25.0, 70.0), (180.0, -17.0), (-179.9, 66.0), (40.0, 89.0)])
def test_ground_comes_out_right_anywhere(raw, lon, lat):
    source, grid = world(raw), centred_grid(lon, lat, 64, 20_000)
    with RasterReader() as reader:
        pixels, used = warp([source], Target(grid.crs, grid.transform, grid.cols, grid.rows), grid.lon, "cubic", reader)
    assert used == [source.key] and not np.isnan(pixels).any()
    truth = _ground(*(np.radians(axis) for axis in coordinates(grid.crs, grid.transform, 64, 64)[::-1]))
    assert np.abs(pixels[0] - truth).max() < 12  # metres, of 4,000 m; a shift of one pixel would give up to 130


def test_scenes_are_whole_squares_with_every_layer(tmp_path, raw):
    rows = [ledger_row(world(raw)), ledger_row(world(raw, "color", "color"))]
    settings = {"method": "sphere_crops", "gsd": 20_000.0, "scene_px": 32, "crops": 12, "lowest": 0.0}
    data = project(tmp_path, rows, **settings)
    scenes = read_scenes(data / "scenes.parquet")
    assert len(scenes) == 12 and (scenes["cols"] == 32).all() and (scenes["rows"] == 32).all()
    assert scenes["void_share"].max() == 0 and scenes["gsd"].eq(20_000).all()
    with SceneReader(data, scenes) as reader:
        for name in scenes.index:
            height, color = reader.height(name), reader.color(name)
            assert height.min() >= 0 and color.shape == (4, 32, 32)
            high = height > 100
            assert not high.any() or np.abs(color[0][high] - (height[high] / 40 + 100)).max() < 2
    first = {path.name: dvc_md5(path) for path in (data / "scenes").iterdir()}
    again = project(tmp_path, rows, engine="processes", **settings)
    assert {path.name: dvc_md5(path) for path in (again / "scenes").iterdir()} == first


def test_crops_off_one_of_the_layers_are_left_out(tmp_path, raw):
    half = world(raw, "color", "color", rows=360)  # only the northern hemisphere
    settings = {"method": "sphere_crops", "gsd": 20_000.0, "scene_px": 32, "crops": 40}
    data = project(tmp_path, [ledger_row(world(raw)), ledger_row(half)], **settings)
    scenes = read_scenes(data / "scenes.parquet")
    assert 10 < len(scenes) < 40
    assert scenes["height"].notna().all() and scenes["color"].notna().all()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"method": "sphere_crops"}, "needs a number of crops"),
        ({"crops": 5}, "only, not by local_equal_area"),
        ({"method": "sphere_crops", "crops": 5, "gsd": 50_000.0, "scene_px": 256}, "12,800 km wide"),
    ],
)
def test_settings_that_make_no_sense(tmp_path, raw, changes, told):
    with pytest.raises(ValueError, match=told):
        project(tmp_path, [ledger_row(world(raw))], **changes)


def test_a_map_that_is_too_coarse_is_told(tmp_path, raw):
    with pytest.raises(LandloomError, match="too coarse"):
        project(tmp_path, [ledger_row(world(raw))], method="sphere_crops", gsd=5_000.0, scene_px=64, crops=3)


@pytest.mark.parametrize("packs", [3, 40])
def test_many_crops_share_files_and_keep_their_pixels(tmp_path, raw, monkeypatch, packs):
    rows = [ledger_row(world(raw)), ledger_row(world(raw, "color", "color"))]
    settings = {"method": "sphere_crops", "gsd": 20_000.0, "scene_px": 32, "crops": 12}
    data = project(tmp_path, rows, **settings)
    loose = read_scenes(data / "scenes.parquet")
    with SceneReader(data, loose) as reader:
        pixels = {name: (reader.height(name), reader.color(name)) for name in loose.index}

    monkeypatch.setattr("tasks.project.batches.FILES_OF_THEIR_OWN", 11)
    monkeypatch.setattr("tasks.project.batches._PACKS", (packs, 900))
    project(tmp_path, rows, **settings)
    names = sorted(path.name for path in (data / "scenes").iterdir())
    assert names == [f"pack-{number:03d}.zip" for number in range(min(packs, 12))]
    scenes = read_scenes(data / "scenes.parquet")
    assert scenes.drop(columns=["height", "color"]).equals(loose.drop(columns=["height", "color"]))
    assert scenes["height"].str.match(r"scenes/pack-0\d\d\.zip/[NS]\d+[EW]\d+\.height\.tif$").all()
    with SceneReader(data, scenes) as reader:
        for name, (height, color) in pixels.items():
            assert (reader.height(name) == height).all() and (reader.color(name) == color).all()
    first = dvc_md5(data / "scenes")
    project(tmp_path, rows, engine="processes", **settings)
    assert dvc_md5(data / "scenes") == first


def test_however_many_scenes_there_are_the_files_stay_few(tmp_path):
    grid = centred_grid(0, 0, 256, 1000)
    for count in (1, 4, 500, 501, 1500, 40_000):
        jobs = [Job(grid, ())] * count
        batches = share_out(jobs, tmp_path, None)
        assert [job for batch in batches for job in batch.scenes] == jobs and all(batch.scenes for batch in batches)
        packs = [batch.pack for batch in batches]
        assert len(set(packs)) == len(packs) <= 900 if count > 500 else set(packs) == {None}
