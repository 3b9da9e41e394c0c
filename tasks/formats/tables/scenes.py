"""Scenes: rasters on one metric grid each, and the table that describes them.

A scene has one grid and up to one raster a layer on it: `scenes/<scene>.height.tif` (float32 metres,
NaN for void) and `scenes/<scene>.color.tif` (uint8 RGB with a mask band for void). A photograph is a
scene too: it has no CRS, no GSD and no footprint, and its window is in pixels all the same. Where there are many
scenes their rasters lie in packs (`tasks.formats.tables.packs`).
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
from affine import Affine
from rasterio.windows import Window

from tasks.core.errors import LandloomError
from tasks.core.files import atomic_file
from tasks.formats.tables.geotable import read_geotable, write_geotable
from tasks.formats.tables.packs import gdal_path, pack_of

COLUMNS = (
    "scene",  # unique, sorted
    "height",  # path relative to data/<dataset>, perhaps into a pack, or null
    "color",  # likewise
    "cols",
    "rows",
    "crs",  # PROJ string or WKT of the scene's grid; null for a photograph
    "transform",  # six numbers a, b, c, d, e, f of the affine from pixel to CRS
    "gsd",  # metres a pixel; null for a photograph
    "void_share",  # share of pixels with no value after filling
    "filled_share",  # share of pixels that were small voids and were interpolated
    "sources",  # ledger keys that went in
    "procedural",  # true where any source is computed and not measured
    "region",  # coarse name for stratifying: a 10° cell such as N40E010, or the file's folder
    "geometry",  # footprint polygon, WGS 84; null for a photograph
)


def write_scenes(frame: gpd.GeoDataFrame, path: Path) -> None:
    """Write `scenes.parquet`, sorted by scene."""
    if tuple(sorted(frame.columns)) != tuple(sorted(COLUMNS)):
        raise ValueError(f"scenes: columns differ: {sorted(set(frame.columns) ^ set(COLUMNS))}")
    write_geotable(frame[list(COLUMNS)].sort_values("scene"), path)


def read_scenes(path: Path) -> gpd.GeoDataFrame:
    """The scene table, indexed by scene name; `gsd` is NaN for photographs."""
    frame = read_geotable(path).set_index("scene", drop=False)
    # A column of nulls alone has no type in the file, and would be read as objects.
    return frame.assign(gsd=pd.to_numeric(frame["gsd"]).astype(float))


def scene_pack(scene: pd.Series | tuple) -> str | None:
    """The pack that the rasters of a scene (its row of the table) lie in, or None."""
    return pack_of(scene.height if isinstance(scene.height, str) else scene.color)


def write_layer(path: Path, array: np.ndarray, crs: str | None, transform: Affine) -> None:
    """Write one layer of a scene as a cloud-optimised GeoTIFF, atomically.

    Args:
        array: height as float32 (H, W) with NaN for void, or colour as uint8 (4, H, W): RGB and a
            mask of 0 (void) or 255.
    """
    height = array.ndim == 2
    bands = array[None] if height else array[:3]
    profile = {
        "driver": "COG",
        "dtype": str(array.dtype),
        "count": len(bands),
        "height": bands.shape[1],
        "width": bands.shape[2],
        "crs": crs,
        "transform": transform if crs else None,  # a photograph has none to write
        "compress": "ZSTD",
        "predictor": "FLOATING_POINT" if height else "STANDARD",
        "blocksize": 512,
        # Every reader wants full resolution and shrinks by its own rule; overviews would only take room.
        "overviews": "NONE",
        "nodata": np.nan if height else None,
    }
    with atomic_file(path) as part, rasterio.open(part, "w", **profile) as target:
        target.write(bands)
        if not height:
            target.write_mask(array[3])


class SceneReader:
    """Reads windows of a scene's layers, keeping each file open once.

    Not for use from two threads at a time: a GDAL dataset belongs to one.
    """

    def __init__(self, folder: Path, scenes: gpd.GeoDataFrame):
        self._folder, self._scenes = folder, scenes
        self._open: dict[str, rasterio.DatasetReader] = {}

    def __enter__(self) -> SceneReader:
        return self

    def __exit__(self, *_: object) -> None:
        for dataset in self._open.values():
            dataset.close()
        self._open.clear()

    def layers(self, scene: str) -> Sequence[str]:
        """Which of `height` and `color` the scene has."""
        row = self._scenes.loc[scene]
        return [layer for layer in ("height", "color") if isinstance(row[layer], str)]

    def height(self, scene: str, window: Window | None = None) -> np.ndarray:
        """Heights in metres, float32 (H, W), NaN for void."""
        return self._dataset(scene, "height").read(1, window=window)

    def color(self, scene: str, window: Window | None = None) -> np.ndarray:
        """RGB and mask, uint8 (4, H, W); the mask is 0 where there is no picture."""
        dataset = self._dataset(scene, "color")
        return np.concatenate([dataset.read(window=window), dataset.dataset_mask(window=window)[None]])

    def _dataset(self, scene: str, layer: str) -> rasterio.DatasetReader:
        name = self._scenes.loc[scene, layer]
        if not isinstance(name, str):
            raise LandloomError(f"scene {scene} has no {layer} layer")
        path = gdal_path(self._folder, name)
        if path not in self._open:
            if len(self._open) >= 8:
                oldest = next(iter(self._open))
                self._open.pop(oldest).close()
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)  # photographs
                    self._open[path] = rasterio.open(path)
            except rasterio.RasterioIOError as error:
                raise LandloomError(
                    f"{self._folder / name}: not a readable scene: {error}; run `dvc repro` to make it again"
                ) from None
        return self._open[path]
