"""Synthetic ground: a smooth surface on the whole globe, and rasters of it in any CRS."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from pyproj import CRS, Transformer

from tasks.project.footprint import ground_gsd
from tasks.project.rasters import Raster


def surface(lon: np.ndarray, lat: np.ndarray, scale: float = 200.0) -> np.ndarray:
    """Heights in metres, smooth everywhere on the sphere: at 180° and at the poles too."""
    lam, phi = np.radians(lon), np.radians(lat)
    x, y, z = np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)
    return 500 + 200 * np.sin(scale * x) + 150 * np.cos(scale * y) + 100 * np.sin(scale * z + 1)


def coordinates(crs: str, transform: Affine, cols: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Longitude and latitude of every pixel's centre."""
    col, row = np.meshgrid(np.arange(cols) + 0.5, np.arange(rows) + 0.5)
    to_lonlat = Transformer.from_crs(CRS.from_user_input(crs), "EPSG:4326", always_xy=True)
    return to_lonlat.transform(*(transform @ (col, row)))


def raster(
    folder: Path, key: str, crs: str, transform: Affine, pixels: np.ndarray, layer: str = "height", nodata=None
) -> Raster:
    """Write pixels (H, W) or (3, H, W) and describe them."""
    bands = pixels[None] if pixels.ndim == 2 else pixels
    path = folder / f"{key}.tif"
    with rasterio.open(
        path, "w", driver="GTiff", count=len(bands), height=bands.shape[1], width=bands.shape[2],
        dtype=bands.dtype, crs=crs, transform=transform,
    ) as target:  # fmt: skip
        target.write(bands)
    wkt = CRS.from_user_input(crs).to_wkt()
    gsd = float(np.sqrt(np.prod(ground_gsd(wkt, transform, bands.shape[2], bands.shape[1]))))
    return Raster(key, str(path), layer, wkt, transform, bands.shape[2], bands.shape[1], nodata, gsd, False)


def of_surface(folder: Path, key: str, crs: str, transform: Affine, cols: int, rows: int) -> Raster:
    """A raster of `surface`."""
    heights = surface(*coordinates(crs, transform, cols, rows)).astype(np.float32)
    return raster(folder, key, crs, transform, heights)
