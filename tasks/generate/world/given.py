"""A person's map of mean heights, which the ground of a world follows: a coarse terrain, or a sketch of one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from affine import Affine

from tasks.core.errors import LandloomError
from tasks.core.hashing import file_sha256
from tasks.generate.steering.gdal_commands import filled, resampled
from tasks.generate.steering.rasters import SAME, read_heights
from tasks.generate.terrain.place import Place

FOLDS = (1, 2)


class Extended:
    """A raster as a plane: beyond its edges lies the nearest of its pixels."""

    def __init__(self, height: np.ndarray):
        self._height = height.astype(np.float64)

    def read(self, row: int, col: int, rows: int, cols: int) -> np.ndarray:
        """As `tasks.generate.world.blend.Plane.read`, metres."""
        places = ((row, rows), (col, cols))
        down, right = (
            np.clip(np.arange(first, first + count), 0, side - 1)
            for (first, count), side in zip(places, self._height.shape, strict=True)
        )
        return self._height[np.ix_(down, right)]


@dataclass(frozen=True)
class Given:
    """The map, read for one model.

    Attributes:
        plane: metres. fold: how many times its pixels are divided into blocks, see `tasks.generate.world.ground.World`.
        cols, rows: of the world on it. place: of the world on Earth. facts: entries of the sidecar.
    """

    plane: Extended
    fold: int
    cols: int
    rows: int
    place: Place
    facts: dict[str, Any]


def read_given(path: Path, gsd: float, factor: int) -> Given:
    """Read a map for a model with pixels of `gsd` metres and blocks of `factor` × `factor` pixels.

    Raises:
        LandloomError: it cannot be read, has voids, or its pixels do not fit the model.
    """
    sizes = [gsd * factor**fold for fold in FOLDS]
    found = read_heights(path, sizes[0])
    fold = next((fold for fold, size in zip(FOLDS, sizes, strict=True) if abs(found.gsd / size - 1) <= SAME), None)
    if fold is None:
        told = " or ".join(f"{size:g}" for size in sizes)
        nearest = min(sizes, key=lambda size: abs(math.log(size / found.gsd)))
        raise LandloomError(
            f"{path}: {found.gsd:g} m a pixel, and a world of this model takes maps of {told} m; resample it, as with "
            f"`{resampled(path, found.gsd, nearest)}`"
        )
    if voids := int(np.isnan(found.height).sum()):
        raise LandloomError(f"{path}: {voids:,} pixels are voids; a world needs all; `{filled(path)}` fills them")
    times = factor**fold
    rows, cols = (side * times for side in found.height.shape)
    place = Place(found.place.name, found.place.crs, found.place.transform @ Affine.scale(1 / times))
    facts = {"upscale": path.name, "upscale_sha256": file_sha256(path), "upscale_factor": times}
    return Given(Extended(found.height), fold, cols, rows, place, facts)
