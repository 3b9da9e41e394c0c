"""Scenes: their rasters, and the table that describes them.

A scene has one metric grid and at most one raster for each layer: `scenes/<scene>.height.tif` (float32 metres, NaN for
void) and `scenes/<scene>.color.tif` (uint8 RGB with a mask band for void). A photograph is also a scene. It has no CRS,
no GSD and no footprint; its windows are in pixels. If there are many scenes, their rasters are in packs
(`tasks.formats.tables.packs`).
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
    "height",  # path relative to data/<dataset>, possibly inside a pack; null without this layer
    "color",  # likewise
    "cols",
    "rows",
    "crs",  # PROJ string or WKT of the scene's grid; null for a photograph
    "transform",  # six numbers a, b, c, d, e, f of the affine from pixel to CRS
    "gsd",  # metres a pixel; null for a photograph
    "void_share",  # share of pixels without a value after small voids were filled
    "filled_share",  # share of pixels in small voids, which were interpolated
    "sources",  # ledger keys of the rasters that the scene was made from
    "procedural",  # true if any source is computed and not measured
    "region",  # coarse name for stratified sampling: a 10° cell such as N40E010, or the folder of the file
    "geometry",  # footprint polygon, WGS 84; null for a photograph
)


def write_scenes(frame: gpd.GeoDataFrame, path: Path) -> None:
    """Write `scenes.parquet`, sorted by scene.

    Raises:
        ValueError: the columns differ from `COLUMNS`.
    """
    if tuple(sorted(frame.columns)) != tuple(sorted(COLUMNS)):
        raise ValueError(f"scenes: columns differ: {sorted(set(frame.columns) ^ set(COLUMNS))}")
    write_geotable(frame[list(COLUMNS)].sort_values("scene"), path)


def read_scenes(path: Path) -> gpd.GeoDataFrame:
    """Return the scene table, indexed by scene name. `gsd` is NaN for photographs."""
    frame = read_geotable(path).set_index("scene", drop=False)
    # A column of only nulls has no type in the file, and pandas would read it as objects.
    return frame.assign(gsd=pd.to_numeric(frame["gsd"]).astype(float))


def scene_pack(scene: pd.Series | tuple) -> str | None:
    """Return the pack that holds the rasters of a scene (a row of the table), or None."""
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
        "transform": transform if crs else None,  # a photograph has no transform
        "compress": "ZSTD",
        "predictor": "FLOATING_POINT" if height else "STANDARD",
        "blocksize": 512,
        # All readers read full resolution and downsample by their own rules, so overviews would only take space.
        "overviews": "NONE",
        "nodata": np.nan if height else None,
    }
    with warnings.catch_warnings(), atomic_file(path) as part:
        warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)  # photographs
        with rasterio.open(part, "w", **profile) as target:
            target.write(bands)
            if not height:
                target.write_mask(array[3])


class SceneReader:
    """Reads windows of the layers of scenes. It keeps up to eight files open.

    It is not thread-safe, because a GDAL dataset belongs to one thread.
    """

    def __init__(self, folder: Path, scenes: gpd.GeoDataFrame):
        self._folder = folder
        # Dictionaries, because a look-up in a table takes a tenth of the time of decoding a tile.
        self._names = {layer: scenes[layer].to_dict() for layer in ("height", "color")}
        self._open: dict[str, rasterio.DatasetReader] = {}

    def __enter__(self) -> SceneReader:
        return self

    def __exit__(self, *_: object) -> None:
        for dataset in self._open.values():
            dataset.close()
        self._open.clear()

    def layers(self, scene: str) -> Sequence[str]:
        """Return the layers of a scene, out of `height` and `color`."""
        return [layer for layer in ("height", "color") if isinstance(self._names[layer][scene], str)]

    def height(self, scene: str, window: Window | None = None) -> np.ndarray:
        """Return heights in metres, float32 (H, W), NaN for void. Raise LandloomError if they cannot be read."""
        return self._dataset(scene, "height").read(1, window=window)

    def color(self, scene: str, window: Window | None = None) -> np.ndarray:
        """Return RGB and mask, uint8 (4, H, W). The mask is 0 for void. Raise LandloomError if they cannot be read."""
        dataset = self._dataset(scene, "color")
        return np.concatenate([dataset.read(window=window), dataset.dataset_mask(window=window)[None]])

    def _dataset(self, scene: str, layer: str) -> rasterio.DatasetReader:
        name = self._names[layer][scene]
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
