"""Sampled pixels that a move selects: those most similar to a given pixel, or those near a given place."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
from pyproj import Geod, Transformer

from tasks.core.errors import LandloomError
from tasks.formats.tables.scenes import SceneReader
from tasks.label.classifier import Scaling
from tasks.label.params import Features, Move
from tasks.label.sample import Pixels
from tasks.label.views import Views


class Moves:
    """Resolves moves for one sample.

    Args:
        tiles, scenes: the tables. scaled: (n, F) scaled features of the sample.
    """

    def __init__(
        self, data: Path, tiles: gpd.GeoDataFrame, scenes: gpd.GeoDataFrame, layers: tuple[str, ...],
        settings: Features, scaling: Scaling, sample: Pixels, scaled: np.ndarray,
    ):  # fmt: skip
        self._data, self._tiles, self._scenes, self._layers = data, tiles, scenes, layers
        self._settings, self._scaling, self._sample, self._scaled = settings, scaling, sample, scaled

    def pick(self, move: Move, among: np.ndarray, where: str) -> np.ndarray:
        """Sampled pixels that the move selects, bool (n,), among those of `among` (n,) bool.

        Raises:
            LandloomError: the move at `where` in the parameters names a tile or pixel that does not exist.
        """
        return self._alike(move, among, where) if move.tile is not None else self._near(move, among, where)

    def _alike(self, move: Move, among: np.ndarray, where: str) -> np.ndarray:
        rows = self._tiles[self._tiles["key"] == move.tile]
        if not len(rows):
            raise LandloomError(f"{where}: there is no kept tile {move.tile!r}; see tiles.parquet")
        tile = next(rows.itertuples())
        if move.row >= tile.px or move.col >= tile.px:
            raise LandloomError(f"{where}: row {move.row}, col {move.col} is outside the {tile.px} px of {move.tile}")
        with SceneReader(self._data, self._scenes) as reader:
            views = Views(reader, self._scenes, self._layers, self._settings)
            view = views.look(tile.scene, tile.row, tile.col, tile.px, tile.px)
        if not view.known[move.row, move.col]:
            raise LandloomError(f"{where}: row {move.row}, col {move.col} of {move.tile} is void")
        target = self._scaling.apply(view.planes[:, move.row, move.col][None])
        distance = np.where(among, np.square(self._scaled - target).sum(axis=1), np.inf)
        picked = np.zeros(len(distance), bool)
        picked[np.argsort(distance, kind="stable")[: move.neighbours]] = True
        return picked & among

    def _near(self, move: Move, among: np.ndarray, where: str) -> np.ndarray:
        """Pixels within `km` on the ellipsoid."""
        lon, lat = np.full(len(among), np.nan), np.full(len(among), np.nan)
        tiles = self._tiles.reset_index(drop=True)
        scene = tiles["scene"].to_numpy()[self._sample.tile]
        rows = tiles["row"].to_numpy()[self._sample.tile] + self._sample.row + 0.5
        cols = tiles["col"].to_numpy()[self._sample.tile] + self._sample.col + 0.5
        for name in np.unique(scene[among]):
            grid = self._scenes.loc[name]
            if not isinstance(grid.crs, str):
                raise LandloomError(f"{where}: scene {name} has no place on Earth; point at a tile's pixel instead")
            own = scene == name
            a, b, c, d, e, f = grid["transform"]
            x, y = a * cols[own] + b * rows[own] + c, d * cols[own] + e * rows[own] + f
            lon[own], lat[own] = Transformer.from_crs(grid.crs, 4326, always_xy=True).transform(x, y)
        picked = np.zeros(len(among), bool)
        index = np.flatnonzero(among)
        size = np.ones(len(index))
        _, _, metres = Geod(ellps="WGS84").inv(lon[index], lat[index], move.lon * size, move.lat * size)
        picked[index] = metres <= 1000 * move.km
        return picked
