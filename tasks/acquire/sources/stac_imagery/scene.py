"""One scene, opened on the web: its window on a common grid of pixels, as reflectance or as bytes."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from rasterio.windows import Window

from tasks.acquire.common.ranges import Ranges
from tasks.acquire.common.source import Refusal
from tasks.acquire.common.stac.addresses import web_address
from tasks.acquire.sources.stac_imagery.calibration import Calibration, nodata
from tasks.acquire.sources.stac_imagery.params import Params
from tasks.acquire.sources.stac_imagery.products import Product


@dataclass(frozen=True)
class Grid:
    """Pixels of a raster: CRS as WKT, pixels to coordinates, and how many there are."""

    crs: str
    transform: Affine
    rows: int
    cols: int


@dataclass(frozen=True)
class _Band:
    dataset: rasterio.DatasetReader
    index: int
    nodata: float
    calibration: Calibration | None  # None: bytes of a picture


class Scene:
    """The channels of one item, and its classes. Closed by the stack that it was opened with."""

    def __init__(
        self, item: dict[str, Any], product: Product, params: Params, root: str, ranges: Ranges, stack: ExitStack
    ):
        self.item, self._product = item, product
        opened: dict[str, rasterio.DatasetReader] = {}

        def raster(names: tuple[str, ...]) -> tuple[rasterio.DatasetReader, dict[str, Any], str]:
            name, asset = _asset(item, names)
            if name not in opened:
                url = web_address(item, asset, root, params.s3_endpoint)
                opened[name] = stack.enter_context(ranges.opened(url))
            return opened[name], asset, name

        self._bands, self.assets = [], []
        for channel in product.looks[params.look]:
            dataset, asset, name = raster(channel.assets)
            if channel.band > dataset.count:
                raise Refusal(f"its asset {name!r} has {dataset.count} bands, and no band {channel.band}")
            known = product.calibration(item, asset) if product.calibration else None
            self._bands.append(_Band(dataset, channel.band, nodata(asset), known))
            self.assets.append(name if dataset.count == 1 else f"{name}:{channel.band}")
        self._classes = raster(product.classes)[0] if product.classes and params.mask else None
        self.grid = self._common_grid()

    @property
    def calibrations(self) -> list[list[float]]:
        """Scale and offset of each channel; empty for bytes of a picture."""
        return [list(band.calibration) for band in self._bands if band.calibration]

    def _common_grid(self) -> Grid:
        grids = [_grid(band.dataset) for band in self._bands]
        if any(grid != grids[0] for grid in grids):
            raise Refusal("its bands lie on different grids of pixels")
        if not grids[0].crs or self._bands[0].dataset.dtypes[0] not in ("uint8", "uint16", "int16"):
            raise Refusal(f"its bands are {self._bands[0].dataset.dtypes[0]} with the CRS {grids[0].crs or 'unknown'}")
        return grids[0]

    def shift(self, grid: Grid) -> tuple[int, int] | None:
        """Columns and rows from a pixel of `grid` to the same ground here; None where the grids do not fit."""
        own, other = self.grid.transform, grid.transform
        if self.grid.crs != grid.crs or not all(abs(own[i] - other[i]) < 1e-9 * abs(own.a) for i in (0, 1, 3, 4)):
            return None
        col, row = ~own @ (other.c, other.f)
        return (round(col), round(row)) if max(abs(col - round(col)), abs(row - round(row))) < 1e-3 else None

    def read(self, window: Window, shift: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        """Reflectance (float32), or bytes as float32, and whether each pixel shows the ground.

        Args:
            window: whole pixels of the grid that `shift` was found for; it may reach beyond the scene.

        Returns:
            values (3, H, W), NaN where nothing was measured; clear (H, W), bool.
        """
        col, row, width, height = (int(value) for value in window.flatten())
        col, row = col + shift[0], row + shift[1]
        values = np.full((3, height, width), np.nan, np.float32)
        ground = np.zeros((height, width), bool)
        left, top = max(col, 0), max(row, 0)
        right, bottom = min(col + width, self.grid.cols), min(row + height, self.grid.rows)
        if left >= right or top >= bottom:
            return values, ground
        inside = Window(left, top, right - left, bottom - top)
        part = np.s_[top - row : bottom - row, left - col : right - col]
        stored = [band.dataset.read(band.index, window=inside) for band in self._bands]
        measured = [layer != band.nodata for layer, band in zip(stored, self._bands, strict=True)]
        # A byte of 0 is a black pixel of a photograph; a border is 0 in each band.
        known = np.logical_and.reduce(measured) if self._bands[0].calibration else np.logical_or.reduce(measured)
        for layer, band, target in zip(stored, self._bands, values, strict=True):
            scale, offset = band.calibration or Calibration(1.0, 0.0)
            target[part] = np.where(known, layer * np.float32(scale) + np.float32(offset), np.float32(np.nan))
        ground[part] = known & self._clear(inside) if self._classes else known
        return values, ground

    def _clear(self, window: Window) -> np.ndarray:
        """Whether each pixel of a window is clear. Classes may have larger pixels: each counts for all it covers."""
        classes, grid = self._classes, self.grid
        assert classes is not None
        step_x, step_y = classes.transform.a / grid.transform.a, classes.transform.e / grid.transform.e
        (x, y), (width, height) = grid.transform @ (window.col_off, window.row_off), (window.width, window.height)
        first_col, first_row = ~classes.transform @ (x, y)
        cols = np.floor(first_col + (np.arange(width) + 0.5) / step_x).astype(int)
        rows = np.floor(first_row + (np.arange(height) + 0.5) / step_y).astype(int)
        if classes.crs != self._bands[0].dataset.crs or min(cols[0], rows[0]) < -1:
            raise Refusal("its classification lies elsewhere than its bands")
        cols, rows = cols.clip(0, classes.width - 1), rows.clip(0, classes.height - 1)
        part = Window(cols[0], rows[0], cols[-1] - cols[0] + 1, rows[-1] - rows[0] + 1)
        assert self._product.clear is not None
        found = self._product.clear(classes.read(1, window=part))
        return found[np.ix_(rows - rows[0], cols - cols[0])]


def _asset(item: dict[str, Any], names: tuple[str, ...]) -> tuple[str, dict[str, Any]]:
    assets = item.get("assets") or {}
    for name in names:
        if isinstance(assets.get(name), dict) and isinstance(assets[name].get("href"), str):
            return name, assets[name]
    raise Refusal(f"has no asset {' or '.join(names)}; it has {', '.join(sorted(assets)) or 'none'}")


def _grid(dataset: rasterio.DatasetReader) -> Grid:
    return Grid(dataset.crs.to_wkt() if dataset.crs else "", dataset.transform, dataset.height, dataset.width)
