"""What a person asks of a model, and rasters that a person gives."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine

from tasks.generate.steering.make import Wish, steer

PX, GSD = 16, 90.0
UTM = rasterio.crs.CRS.from_epsg(32632)
CORNER = Affine(GSD, 0, 500_000, 0, -GSD, 5_100_000)


def ask(root: Path, out: Path | None = None, count: int = 1, guidance=(), seed=3, mask=None, **given: Any) -> Path:
    listed = {name: list(map(str, value if isinstance(value, list) else [value])) for name, value in given.items()}
    return steer("toy", Wish(listed, {"mask": mask and str(mask)}, count, seed, guidance), out, root)


def sidecars(folder: Path) -> dict[str, dict]:
    return {path.stem: json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))}


def raster(path: Path, height: np.ndarray, crs: Any = UTM, transform: Affine = CORNER, unit: str | None = "m") -> Path:
    shape = height.shape[-2:]
    bands = np.atleast_3d(height.T).T
    with rasterio.open(
        path, "w", "GTiff", shape[1], shape[0], len(bands), crs, transform, height.dtype, nodata=-9999.0
    ) as target:
        target.write(np.where(np.isfinite(bands), bands, -9999.0).astype(height.dtype))
        if unit:
            target.units = (unit,) * len(bands)
    return path
