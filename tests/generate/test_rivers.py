"""River lines as a file of a GIS."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import rasterio
from affine import Affine
from rasterio.crs import CRS

from tasks.generate.terrain.place import Place
from tasks.generate.write_sample import write_sample
from tests.generate.toys import params, terrain


def valley(rows: int = 60, cols: int = 41) -> np.ndarray:
    """A valley that runs south, with its bed in the middle column."""
    bed = np.abs(np.arange(cols) - cols // 2)[None] * 4.0 + np.arange(rows)[::-1, None]
    return (bed + 100).astype(np.float32)


def test_rivers_lie_on_the_geotiff_and_run_downhill(tmp_path):
    sidecar = write_sample(tmp_path, terrain(valley(), 30.0), params(exports=["geotiff", "rivers"]))
    lines = gpd.read_file(tmp_path / "t.rivers.gpkg", layer="rivers")
    assert len(lines) == sidecar["rivers"]["lines"] > 0
    assert sidecar["rivers"]["length_km"] == round(lines.length.sum() / 1000, 3)
    assert (lines.from_m >= lines.to_m).all() and np.allclose(lines.length, lines.length_m)
    with rasterio.open(tmp_path / "t.tif") as source:
        assert "no place on Earth" in lines.crs.to_wkt() and "no place on Earth" in source.crs.to_wkt()
        longest = lines.loc[lines.upstream_km2.idxmax()]
        ends = [longest.geometry.coords[0], longest.geometry.coords[-1]]
        assert [value[0] for value in source.sample(ends)] == [longest.from_m, longest.to_m]
    assert longest.geometry.coords[-1] == (20.5 * 30, 15.0), "the middle of the southern border"
    assert longest.upstream_km2 > 0.9 * 60 * 41 * 0.03**2


def test_rivers_give_the_same_bytes_twice_and_flat_ground_has_none(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write_sample(tmp_path / name, terrain(valley()), params(exports=["rivers"]))
    first, second = (tmp_path / name / "t.rivers.gpkg" for name in ("a", "b"))
    assert first.read_bytes() == second.read_bytes()
    sidecar = write_sample(tmp_path, terrain(np.zeros((20, 20), np.float32)), params(exports=["rivers"]))
    assert sidecar["rivers"]["lines"] == len(gpd.read_file(tmp_path / "t.rivers.gpkg")) == 0


def test_rivers_of_a_terrain_with_a_place_lie_there(tmp_path):
    place = Place("given.tif", CRS.from_epsg(32632).to_wkt(), Affine(30, 0, 500_000, 0, -30, 5_000_000))
    write_sample(tmp_path, terrain(valley(), 30.0, place=place), params(exports=["geotiff", "rivers"]))
    lines = gpd.read_file(tmp_path / "t.rivers.gpkg")
    longest = lines.loc[lines.upstream_km2.idxmax()]
    with rasterio.open(tmp_path / "t.tif") as source:
        assert lines.crs.to_epsg() == source.crs.to_epsg() == 32632
        assert next(source.sample([longest.geometry.coords[-1]]))[0] == longest.to_m
    assert longest.geometry.coords[-1] == (500_000 + 20.5 * 30, 5_000_000 - 59.5 * 30)
