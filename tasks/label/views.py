"""Scenes as the label stage reads them: blocks with a margin, filled voids, and one fit of the light for each scene."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import geopandas as gpd
import numpy as np
from rasterio.windows import Window

from tasks.core.errors import LandloomError
from tasks.formats.tables.scenes import SceneReader
from tasks.label.features import features, margin
from tasks.label.light import Light, fit_light, flatten, lightness
from tasks.label.params import Features

LIGHT_PX = 1024  # side in pixels of the central window on which the light of a scene is fitted


@dataclass(frozen=True)
class View:
    """Features of one window, and the pixels that can be classified."""

    planes: np.ndarray  # float32 (F, H, W)
    known: np.ndarray  # bool (H, W)
    color: np.ndarray | None  # uint8 (3, H, W)
    height: np.ndarray | None  # float32 (H, W) metres, voids filled, nothing below the floor


class Views:
    """Computes features of windows of scenes.

    Args:
        reader: open scenes. layers: which layers every scene has. settings: the block `features`.
    """

    def __init__(self, reader: SceneReader, scenes: gpd.GeoDataFrame, layers: tuple[str, ...], settings: Features):
        self._reader, self._scenes, self._layers, self._settings = reader, scenes, layers, settings
        self._light = lru_cache(maxsize=1)(self._fit_light)  # windows are requested scene by scene

    def look(self, scene: str, row: int, col: int, rows: int, cols: int) -> View:
        """Features of a window. They use pixels beyond its edges where the scene has them."""
        settings, reach = self._settings, margin(self._settings.radii_px)
        whole = self._scenes.loc[scene]
        top, left = max(row - reach, 0), max(col - reach, 0)
        bottom, right = min(row + rows + reach, int(whole.rows)), min(col + cols + reach, int(whole.cols))
        height, color, known = self._read(scene, Window(left, top, right - left, bottom - top))
        light = None
        if color is not None and settings.lightness != "none":
            light = lightness(color)
            if settings.lightness == "corrected":
                light = flatten(light, height, float(whole.gsd), self._light(scene), *self._sun)
        planes = features(height, color, light, whole.gsd, settings.radii_px)
        inside = slice(row - top, row - top + rows), slice(col - left, col - left + cols)
        return View(
            planes[(slice(None), *inside)],
            known[inside],
            None if color is None else color[(slice(None), *inside)],
            None if height is None else height[inside],
        )

    @property
    def _sun(self) -> tuple[float, float]:
        return self._settings.sun_azimuth, self._settings.sun_altitude

    def _fit_light(self, scene: str) -> Light:
        whole = self._scenes.loc[scene]
        rows, cols = min(int(whole.rows), LIGHT_PX), min(int(whole.cols), LIGHT_PX)
        place = Window((int(whole.cols) - cols) // 2, (int(whole.rows) - rows) // 2, cols, rows)
        height, color, known = self._read(scene, place)
        return fit_light(height, lightness(color) * known, float(whole.gsd), *self._sun, self._settings.radii_px[1])

    def _read(self, scene: str, place: Window) -> tuple[np.ndarray | None, np.ndarray | None, np.ndarray]:
        known = np.ones((int(place.height), int(place.width)), bool)
        height = color = None
        if "height" in self._layers:
            height = self._reader.height(scene, place)
            known &= np.isfinite(height)
        if "color" in self._layers:
            rgba = self._reader.color(scene, place)
            known &= rgba[3] > 0
            color = rgba[:3]
        if known.shape != (place.height, place.width):
            raise LandloomError(f"scene {scene}: smaller than scenes.parquet says; run project again")
        if height is not None:
            height = fill(height, np.isfinite(height))
            if self._settings.floor_m is not None:
                height = np.maximum(height, np.float32(self._settings.floor_m))
        if color is not None and not known.all():
            color = np.stack([fill(band.astype(np.float32), rgba[3] > 0) for band in color]).astype(np.uint8)
        return height, color, known


def fill(plane: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Fill voids from nearby values, float32 (H, W), so that a void does not disturb features around it.

    Fills are means over growing windows. The voids themselves get no class.
    """
    if known.all():
        return plane
    if not known.any():
        return np.zeros_like(plane)
    filled, weight = np.where(known, plane, 0).astype(np.float32), known.astype(np.float32)
    reach = 1
    while not weight.all():
        side = 2 * reach + 1
        near = cv2.blur(weight, (side, side), borderType=cv2.BORDER_REPLICATE)
        mean = cv2.blur(filled * weight, (side, side), borderType=cv2.BORDER_REPLICATE)
        new = (weight == 0) & (near > 1e-6)
        filled[new] = mean[new] / near[new]
        weight[new] = 1
        reach *= 2
    return filled
