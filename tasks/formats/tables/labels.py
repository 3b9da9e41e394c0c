"""Labels: class maps on the grids of the scenes. `tasks.formats.tables.classes` has the table of the classes.

The map of a scene is `labels/<scene>.tif`, uint8, on the grid of the scene, 255 for no class. Overlapping tiles can
have different classes for the same ground, because each tile can be smoothed differently. Such tiles have their own
maps: bands of `labels/<scene>.tiles.tif`, whose descriptions are the keys of the tiles. If a scene is in a pack, its
maps are in a pack of the same name. A dataset without labels has no maps.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
from affine import Affine

from tasks.core.errors import LandloomError
from tasks.core.files import atomic_file
from tasks.formats.tables.classes import NO_CLASS
from tasks.formats.tables.packs import exists, gdal_path, member
from tasks.formats.tables.scenes import scene_pack
from tasks.formats.tables.tiles import window


class MapWriter:
    """Collects the maps of one scene and writes them at the end of the `with` block, unless an error was raised.

    Args:
        labels: the folder to write to.
        scene: the scene's row of the scene table.
    """

    def __init__(self, labels: Path, scene: tuple):
        self._labels, self._scene = labels, scene
        self._whole: np.ndarray | None = None
        self._tiles: dict[str, np.ndarray] = {}

    def __enter__(self) -> MapWriter:
        return self

    def __exit__(self, kind: type | None, *_: object) -> None:
        if kind is not None:
            return
        if self._whole is None:
            raise ValueError(f"scene {self._scene.scene}: its map is missing")
        has_grid = isinstance(self._scene.crs, str)
        grid = {"crs": self._scene.crs, "transform": Affine(*self._scene.transform)} if has_grid else {}
        self._write(self._labels / f"{self._scene.scene}.tif", self._whole[None], **grid)
        if self._tiles:
            path = self._labels / f"{self._scene.scene}.tiles.tif"
            self._write(path, np.stack(list(self._tiles.values())), list(self._tiles))

    def whole(self, classes: np.ndarray) -> None:
        """Set the map of the whole scene, uint8 (rows, cols)."""
        self._whole = classes

    def tile(self, key: str, classes: np.ndarray) -> None:
        """Add the map of one tile, uint8 (px, px). All tiles of a scene have the same size."""
        self._tiles[key] = classes

    @staticmethod
    def _write(path: Path, bands: np.ndarray, names: list[str] | None = None, **grid: object) -> None:
        profile = {
            "driver": "GTiff", "dtype": "uint8", "count": len(bands), "height": bands.shape[1],
            "width": bands.shape[2], "compress": "ZSTD", "interleave": "band", "nodata": NO_CLASS, **grid,
        }  # fmt: skip
        if max(bands.shape[1:]) > 512:
            profile |= {"tiled": True, "blockxsize": 256, "blockysize": 256}  # readers read windows and not lines
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)  # photographs, and tiles
            with atomic_file(path) as part, rasterio.open(part, "w", **profile) as target:
                target.write(bands)
                if names:
                    target.descriptions = names


class MapReader:
    """Reads the classes of tiles. It keeps the files of one scene open, so reading is fast in the order of the scenes.

    Args:
        labels: the folder of the maps.
        scenes: the scene table.
    """

    def __init__(self, labels: Path, scenes: gpd.GeoDataFrame):
        self._labels, self._scenes = labels, scenes
        self._scene: str | None = None
        self._whole: rasterio.DatasetReader | None = None
        self._tiles: rasterio.DatasetReader | None = None
        self._bands: dict[str, int] = {}

    def __enter__(self) -> MapReader:
        return self

    def __exit__(self, *_: object) -> None:
        for opened in (self._whole, self._tiles):
            if opened:
                opened.close()
        self._scene = self._whole = self._tiles = None

    def read(self, tile: pd.Series | tuple) -> np.ndarray:
        """Return the classes of a tile, uint8 (px, px): its own band if there is one, else a window of the scene's map.

        Raises:
            LandloomError: a map is missing or unreadable.
        """
        self._open(tile.scene)
        if tile.key in self._bands:
            return self._tiles.read(self._bands[tile.key])
        return self._whole.read(1, window=window(tile))

    def _open(self, scene: str) -> None:
        if self._scene == scene:
            return
        self.__exit__()
        pack = scene_pack(self._scenes.loc[scene])
        whole, tiles = member(pack, f"{scene}.tif"), member(pack, f"{scene}.tiles.tif")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
            self._whole = self._opened(whole)
            self._tiles = self._opened(tiles) if exists(self._labels, tiles) else None
        names = self._tiles.descriptions if self._tiles else ()
        self._bands = {name: band for band, name in enumerate(names, start=1)}
        self._scene = scene

    def _opened(self, name: str) -> rasterio.DatasetReader:
        try:
            return rasterio.open(gdal_path(self._labels, name))
        except rasterio.RasterioIOError as error:
            path = self._labels / name
            raise LandloomError(f"{path}: not a readable label map: {error}; run the label stage again") from None
