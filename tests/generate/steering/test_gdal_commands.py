"""The commands in messages about rasters: each is whole, and run as it stands it makes what the model takes."""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.warp import Resampling, calculate_default_transform, reproject

from tasks.core.errors import LandloomError
from tasks.generate.steering.rasters import fitting
from tasks.generate.world.given import read_given
from tests.generate.steering.asked import CORNER, UTM, raster

PX, GSD = 16, 90.0


def paste(command: str) -> Path:
    """Run a command of GDAL with rasterio, because the environment has no programs of GDAL; return its output."""
    program, *words = shlex.split(command)
    parser = argparse.ArgumentParser()
    if program == "gdalwarp":
        parser.add_argument("-overwrite", action="store_true", required=True)
        parser.add_argument("-t_srs")
        parser.add_argument("-tr", nargs=2, type=float, required=True)
        parser.add_argument("-r", required=True)
        parser.add_argument("-ot", choices=["Float32"], required=True)
        parser.add_argument("-dstnodata", type=float, required=True)
    else:
        assert program == "gdal_translate"
        parser.add_argument("-srcwin", nargs=4, type=int, required=True)
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    asked = parser.parse_args(words)
    assert not asked.target.exists()
    with rasterio.open(asked.source) as source:
        if program == "gdal_translate":
            col, row, cols, rows = asked.srcwin
            values = source.read(1)[row : row + rows, col : col + cols]
            crs, transform, nodata = source.crs, source.transform @ Affine.translation(col, row), source.nodata
        else:
            crs, nodata = asked.t_srs or source.crs, asked.dstnodata
            transform, cols, rows = calculate_default_transform(
                source.crs, crs, source.width, source.height, *source.bounds, resolution=tuple(asked.tr)
            )
            values = np.full((rows, cols), nodata, np.float32)
            reproject(
                rasterio.band(source, 1),
                values,
                dst_transform=transform,
                dst_crs=crs,
                dst_nodata=nodata,
                init_dest_nodata=True,
                resampling=Resampling[asked.r],
            )
    rows, cols = values.shape
    with rasterio.open(asked.target, "w", "GTiff", cols, rows, 1, crs, transform, values.dtype, nodata) as target:
        target.write(values, 1)
    return asked.target


def advice(words: str, read: Callable[..., Any], *given: Any) -> str:
    """The command in the message with which `read` refuses what is given."""
    with pytest.raises(LandloomError, match=words) as told:
        read(*given)
    return re.search("`(.*)`", str(told.value))[1]


@pytest.mark.parametrize(
    ("crs", "transform", "warp"),
    [
        ("EPSG:4326", Affine(1 / 1200, 0, 8, 0, -1 / 1200, 46), "-t_srs EPSG:32632 -tr 90 90 -r bilinear"),
        ("EPSG:4326", Affine(1 / 3600, 0, -70, 0, -1 / 3600, -33), "-t_srs EPSG:32719 -tr 90 90 -r average"),
        ("EPSG:4326", Affine(1 / 120, 0, 8, 0, -1 / 1200, 86), "-t_srs EPSG:32661 -tr 90 90 -r bilinear"),
        ("EPSG:3857", Affine(90, 0, 9e5, 0, -90, 5.8e6), "-t_srs EPSG:32632 -tr 90 90 -r bilinear"),
        ("EPSG:2263", Affine(300, 0, 9e5, 0, -300, 2e5), "-t_srs EPSG:32618 -tr 90 90 -r bilinear"),
        (UTM, CORNER @ Affine.scale(1, 2), "-t_srs EPSG:32632 -tr 90 90 -r bilinear"),
        (UTM, CORNER @ Affine.scale(0.25), "-tr 90 90 -r average"),
        (UTM, CORNER @ Affine.scale(2), "-tr 90 90 -r bilinear"),
    ],
)
def test_the_commands_of_messages_make_a_raster_that_fits(tmp_path, crs, transform, warp):
    rows, cols = np.mgrid[0:120, 0:140]
    path = raster(tmp_path / "my terrain.tif", (300 + 2 * rows + 3 * cols).astype(np.int16), crs, transform)
    takes = (PX, GSD, "this model")
    command = advice("warp it|resample it", fitting, path, *takes)
    assert command.startswith(f"gdalwarp -overwrite {warp} ")
    command = advice("this model takes 16 × 16; cut a square out of it", fitting, paste(command), *takes)
    found = fitting(paste(command), *takes)
    assert found.height.min() > 300, "ground beyond the raster is void and has no height of 0"


def test_a_map_for_a_world_gets_the_nearest_of_the_sizes_that_fit(tmp_path):
    ground = np.full((12, 12), 400, np.float32)
    for metres, size in ((300, 360), (1800, 1440)):
        path = raster(tmp_path / f"{metres}.tif", ground, transform=CORNER @ Affine.scale(metres / GSD))
        command = advice("takes maps of 360 or 1440 m", read_given, path, GSD, 4)
        assert f"-tr {size} {size} " in command
        assert read_given(paste(command), GSD, 4).fold == (1 if size == 360 else 2)
    ground[0, 0] = np.nan
    path = raster(tmp_path / "void.tif", ground, transform=CORNER @ Affine.scale(4))
    command = advice("voids; a world needs all; .* fills them", read_given, path, GSD, 4)
    assert command == f"gdal_fillnodata.py {path} {tmp_path / 'void_filled.tif'}"


@pytest.mark.parametrize(
    ("crs", "corner"),
    [("+proj=eqc +R=1737400 +units=m", (4e5, 5e6)), (UTM, (9e9, 5e6)), ("EPSG:3035", (9e8, 9e8))],
)
def test_a_raster_of_no_place_on_earth_is_refused(tmp_path, crs, corner):
    path = raster(
        tmp_path / "moon.tif", np.zeros((20, 20), np.float32), crs, Affine(90, 0, corner[0], 0, -90, corner[1])
    )
    with pytest.raises(LandloomError, match="moon.tif: in its CRS its middle is no place on Earth"):
        fitting(path, PX, GSD, "this model")
