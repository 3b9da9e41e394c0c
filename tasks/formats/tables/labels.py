"""Labels: class maps on the scenes' grids. `tasks.formats.tables.classes` has the card that lists the classes.

A dataset without labels has no maps.
Maps are `labels/<scene>.tif`, uint8, on the very grid of the scene, 255 for no class. Where tiles overlap,
each has a map of its own (drawn smoother or rougher than its neighbours'), a band of `labels/<scene>.tiles.tif`
whose description is the tile's key. Where the scene lies in a pack its maps lie in one of that name.
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
    """Collects the maps of one scene and writes them on leaving, unless an error was raised.

    Args:
        scene: its row of the scene table.
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
        """The map of the whole scene, uint8 (rows, cols)."""
        self._whole = classes

    def tile(self, key: str, classes: np.ndarray) -> None:
        """A tile's own map, uint8 (px, px); all tiles of a scene have one size."""
        self._tiles[key] = classes

    @staticmethod
    def _write(path: Path, bands: np.ndarray, names: list[str] | None = None, **grid: object) -> None:
        profile = {
            "driver": "GTiff", "dtype": "uint8", "count": len(bands), "height": bands.shape[1],
            "width": bands.shape[2], "compress": "ZSTD", "interleave": "band", "nodata": NO_CLASS, **grid,
        }  # fmt: skip
        if max(bands.shape[1:]) > 512:
            profile |= {"tiled": True, "blockxsize": 256, "blockysize": 256}  # windows are read, not lines
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)  # photographs, and tiles
            with atomic_file(path) as part, rasterio.open(part, "w", **profile) as target:
                target.write(bands)
                if names:
                    target.descriptions = names


class MapReader:
    """Reads the classes of tiles, keeping the files of one scene open: give tiles scene by scene.

    Args:
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
        """Classes of a tile, uint8 (px, px): its own band where it has one, else its window of the map."""
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
