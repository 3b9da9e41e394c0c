"""Make scenes: read, warp, fill, write, and describe the result."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from rasterio._err import CPLE_BaseError  # the error of a failed write in GDAL; it has no public name
from shapely.geometry.base import BaseGeometry

from tasks.core.errors import LandloomError
from tasks.formats.tables.ledger import LAYERS
from tasks.formats.tables.packs import member, packed
from tasks.formats.tables.scenes import write_layer
from tasks.project.batches import Batch, Job
from tasks.project.grids import Grid
from tasks.project.params import Params
from tasks.project.photographs import Picture, read_picture
from tasks.project.rasters import RasterReader
from tasks.project.sheets.cut import cut_square
from tasks.project.sheets.read import ScanReader
from tasks.project.sheets.survey import Square
from tasks.project.voids import fill_small_voids
from tasks.project.warp import Target, warp

_GDAL = {
    "GDAL_CACHEMAX": 128,  # MB a process; every source block is read about once, so a larger cache has no use
    "GDAL_NUM_THREADS": "1",  # scenes are the unit of parallel work
    "VSI_CACHE": False,
}

_NOWHERE = None, Affine.identity(), None, None  # CRS, transform, GSD and footprint of a picture without a place
_TRIMMED_FROM = 64  # pixels; in a smaller scene two lines would be a large part


def render(batch: Batch) -> list[dict[str, Any]]:
    """Write the scenes of a batch. Returns a row of the scene table for each; a scene without any value has no row."""
    rows, scans = [], ScanReader()
    with rasterio.Env(**_GDAL), RasterReader() as reader, packed(batch.folder, batch.pack) as folder:
        for scene in batch.scenes:
            if isinstance(scene, Square):
                row = _render_square(scene, folder, batch.params, scans)
            elif isinstance(scene, Picture):
                row = _render_picture(scene, folder, batch.params, reader)
            else:
                row = _render_job(scene, folder, batch.params, reader)
            if row is not None:
                rows.append(row | {layer: _listed(batch.pack, row[layer]) for layer in LAYERS})
    return rows


def _listed(pack: str | None, name: str | None) -> str | None:
    """Path of a file as the scene table writes it."""
    return name and f"scenes/{member(pack, name)}"


def _render_job(job: Job, folder: Path, params: Params, reader: RasterReader) -> dict[str, Any] | None:
    grid = job.grid
    target = Target(grid.crs, grid.transform, grid.cols, grid.rows)
    layers, keys = {}, set()
    for layer in LAYERS:
        rasters = [raster for raster in job.rasters if raster.layer == layer]
        if rasters:
            pixels, used = warp(rasters, target, grid.lon, params.resampling, reader)
            if not np.isnan(pixels).all():
                layers[layer] = pixels
                keys.update(used)
    if not layers or (job.whole and len(layers) < len({raster.layer for raster in job.rasters})):
        return None
    if not job.whole:
        grid, layers = _trimmed(grid, layers)
    procedural = any(raster.procedural for raster in job.rasters if raster.key in keys)
    place = (grid.crs, grid.transform, params.gsd, grid.footprint())
    return _write(grid.name, grid.region, layers, place, sorted(keys), procedural, folder, params)


def _trimmed(grid: Grid, layers: dict[str, np.ndarray]) -> tuple[Grid, dict[str, np.ndarray]]:
    """The grid and its layers, cropped to the part that is not void."""
    top, bottom, left, right = _worth_keeping(~np.all([np.isnan(pixels[0]) for pixels in layers.values()], axis=0))
    return grid.crop(top, bottom, left, right), {
        layer: pixels[:, top:bottom, left:right] for layer, pixels in layers.items()
    }


def _render_picture(picture: Picture, folder: Path, params: Params, reader: RasterReader) -> dict[str, Any] | None:
    pixels = read_picture(picture, reader)
    if np.isnan(pixels).all():
        return None
    raster = picture.raster
    return _write(
        picture.name, picture.region, {raster.layer: pixels}, _NOWHERE, [raster.key], raster.procedural, folder, params
    )


def _render_square(square: Square, folder: Path, params: Params, reader: ScanReader) -> dict[str, Any]:
    layers, scan = {"color": cut_square(square, params.scene_px, reader)}, square.scan
    return _write(square.name, scan.region, layers, _NOWHERE, [scan.key], scan.procedural, folder, params)


def _worth_keeping(known: np.ndarray) -> tuple[int, int, int, int]:
    """First row, last row + 1, first column, last column + 1 after the void around the scene is cropped.

    Lines that are all void are cropped. Then up to two lines a side are cropped that are more than half void: there
    the border of the grid cuts through pixels at the edge of the ground. Such lines would spoil every tile along the
    border.
    """
    box: list[int] = []
    for axis in (1, 0):
        share = known.mean(axis=axis)
        lines = np.flatnonzero(share > 0)
        first, end = int(lines[0]), int(lines[-1]) + 1
        if end - first >= _TRIMMED_FROM:
            first += _leading(share[first : first + 2] < 0.5)
            end -= _leading(share[end - 2 : end][::-1] < 0.5)
        box += [first, end]
    return tuple(box)


def _leading(flags: np.ndarray) -> int:
    """Number of true values before the first false one."""
    return int(np.cumprod(flags).sum())


def _write(
    name: str,
    region: str,
    layers: dict[str, np.ndarray],
    place: tuple[str | None, Affine, float | None, BaseGeometry | None],
    keys: list[str],
    procedural: bool,
    folder: Path,
    params: Params,
) -> dict[str, Any]:
    """Write up to two layers, (1 or 3, H, W) float32 with NaN for void. Returns the scene's facts and files."""
    crs, transform, gsd, geometry = place
    paths: dict[str, str | None] = dict.fromkeys(LAYERS)
    voids, filled_share = [], 0.0
    for layer, pixels in layers.items():
        if layer == "height":
            array, filled = fill_small_voids(pixels[0], params.fill_px)
            if params.lowest is not None:
                array = np.maximum(array, np.float32(params.lowest))  # a void stays void
            filled_share = float(filled.mean())
            voids.append(float(np.isnan(array).mean()))
        else:
            array = _as_rgb_and_mask(pixels)
            voids.append(float((array[3] == 0).mean()))
        path = folder / f"{name}.{layer}.tif"
        try:
            write_layer(path, array, crs, transform)
        except (OSError, rasterio.errors.RasterioError, CPLE_BaseError) as error:
            raise LandloomError(
                f"scenes/{path.name}: could not be written ({error}); make room on the disk and run again"
            ) from None
        paths[layer] = path.name
    rows, cols = next(iter(layers.values())).shape[1:]
    return {
        "scene": name,
        **paths,
        "cols": cols,
        "rows": rows,
        "crs": crs,
        "transform": list(transform)[:6],
        "gsd": gsd,
        "void_share": voids[0],  # of the heights where the scene has both
        "filled_share": filled_share,
        "sources": keys,
        "procedural": procedural,
        "region": region,
        "geometry": geometry,
    }


def _as_rgb_and_mask(pixels: np.ndarray) -> np.ndarray:
    """Float RGB in 0..255 with NaN for void to uint8 (4, H, W): rounded, clipped, black where void."""
    known = np.isfinite(pixels).all(axis=0)
    rgb = np.rint(np.clip(np.nan_to_num(pixels), 0, 255)).astype(np.uint8)
    rgb[:, ~known] = 0
    return np.concatenate([rgb, known[None].astype(np.uint8) * 255])
