"""Rasters on the same ground that disagree are found, named, and never mosaicked in silence."""

from __future__ import annotations

import numpy as np
import pytest
from affine import Affine

from tasks.core.errors import LandloomError
from tasks.formats.tables.scenes import SceneReader, read_scenes
from tasks.formats.tables.sources import read_sources
from tests.project.stage import ledger_row, project
from tests.project.synthetic import coordinates, raster, surface

PLACE = "EPSG:4326", Affine(1 / 1200, 0, 8.0, 0, -1 / 1200, 47.0)
SIDE = 90


def ground(crs=PLACE[0], transform=PLACE[1], side=SIDE) -> np.ndarray:
    return surface(*coordinates(crs, transform, side, side), scale=2000).astype(np.float32)


def run(tmp_path, layers: dict[str, np.ndarray], places: dict | None = None, **changes):
    raw = tmp_path / "data/terrain/raw"
    raw.mkdir(parents=True, exist_ok=True)
    made = [raster(raw, key, *(places or {}).get(key, PLACE), pixels) for key, pixels in layers.items()]
    return project(tmp_path, [ledger_row(item) for item in made], **changes)


def slope(height: np.ndarray) -> np.ndarray:
    down, across = np.gradient(height, 90)
    return np.degrees(np.arctan(np.hypot(down, across))).astype(np.float32)


def aspect(height: np.ndarray) -> np.ndarray:
    down, across = np.gradient(height)
    return (np.degrees(np.arctan2(across, down)) % 360).astype(np.float32)


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (lambda height: slope(height), "median difference"),
        (lambda height: height / np.float32(0.3048), "median difference"),
        (lambda height: aspect(height) + np.median(height) - 180, "correlation"),
        (lambda height: -height, "correlation -1.00"),
    ],
    ids=["slope", "feet", "aspect about the same median", "depths"],
)
def test_two_rasters_disagree(tmp_path, other, said):
    with pytest.raises(LandloomError, match="a_other and dem") as told:
        run(tmp_path, {"dem": ground(), "a_other": other(ground()).astype(np.float32)})
    assert said in str(told.value) and "project.prefer" in str(told.value) and "disagree_m" in str(told.value)


def test_a_person_says_which_wins(tmp_path):
    data = run(tmp_path, {"dem": ground(), "a_slope": slope(ground())}, prefer=["d*"])
    scenes = read_scenes(data / "scenes.parquet")
    assert list(scenes.iloc[0]["sources"]) == ["dem"]
    with SceneReader(data, scenes) as reader:
        assert np.nanmin(reader.height(scenes.index[0])) > 100
    reason = read_sources(data / "sources.parquet").set_index("key").loc["a_slope", "refused"]
    assert "disagrees with dem" in reason and "project.prefer" in reason
    with pytest.raises(LandloomError, match="prefer: 'x' matches no raster"):
        run(tmp_path, {"dem": ground()}, prefer=["x"])


def test_a_raster_that_lost_beats_no_other(tmp_path):
    layers = {"best": ground(), "other": ground() + 500, "third": ground() + 10}
    data = run(tmp_path, layers, prefer=["best", "other"])
    sources = read_sources(data / "sources.parquet").set_index("key")
    assert "disagrees with best" in sources.loc["other", "refused"]
    assert "disagrees with" not in str(sources.loc["third", "refused"])


def test_models_of_one_ground_agree(tmp_path):
    utm = "EPSG:32632", Affine(60, 0, 424_000, 0, -60, 5_205_000)
    noise = np.random.default_rng(5).normal(0, 4, (SIDE, SIDE)).astype(np.float32)
    forest = np.where(np.arange(SIDE) % 20 < 12, 25, 0).astype(np.float32)
    layers = {"dem": ground(), "noisy": ground() + noise, "surface": ground() + forest, "utm": ground(*utm, 130)}
    data = run(tmp_path, layers, {"utm": utm})
    assert read_sources(data / "sources.parquet")["stage"].isna().all()


def test_the_sea_and_its_floor_agree_and_so_do_neighbours(tmp_path):
    coast = np.maximum(ground() - 450, 0)
    east = PLACE[0], Affine(1 / 1200, 0, 8.0 + (SIDE - 1) / 1200, 0, -1 / 1200, 47.0)
    layers = {"coast": coast, "floor": np.where(coast > 0, coast, -900), "east": coast + 800}
    data = run(tmp_path, {key: pixels.astype(np.float32) for key, pixels in layers.items()}, {"east": east})
    assert read_sources(data / "sources.parquet")["stage"].isna().all()


def test_across_180_degrees(tmp_path):
    here = PLACE[0], Affine(1 / 1200, 0, 179.97, 0, -1 / 1200, 47.0)
    there = PLACE[0], Affine(1 / 1200, 0, -180.03, 0, -1 / 1200, 47.0)
    with pytest.raises(LandloomError, match=r"a and b \(median difference -900 m"):
        run(tmp_path, {"a": ground(*here), "b": ground(*there) + 900}, {"a": here, "b": there})


def test_threshold(tmp_path):
    layers = {"dem": ground(), "higher": ground() + 60}
    with pytest.raises(LandloomError, match="-60 m, correlation 1.00"):
        run(tmp_path, layers)
    run(tmp_path, layers, disagree_m=80.0)
