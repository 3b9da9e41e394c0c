"""Crops of global maps: squares of one size whose centres are spread evenly over the sphere, each on a grid of its own.

Centres taken evenly in longitude and latitude would crowd at the poles. An even spread over the sphere is even in
longitude and in the sine of latitude (Archimedes' hat-box theorem).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from shapely import STRtree

from tasks.project.batches import Job
from tasks.project.grids import centred_grid
from tasks.project.params import Params
from tasks.project.place import Placed


def sphere_crops(placed: Sequence[Placed], params: Params, rng: np.random.Generator) -> list[Job]:
    """Up to `params.crops` scenes in name order: those whose square every layer of the rasters reaches."""
    if not placed:
        return []
    layers = {item.raster.layer for item in placed}
    tree = STRtree([item.ground for item in placed])
    jobs: dict[str, Job] = {}
    for lon, lat in centres(params.crops or 0, rng):
        grid = centred_grid(lon, lat, params.scene_px, params.gsd)
        near = sorted(tree.query(grid.footprint(), predicate="intersects").tolist())
        rasters = tuple(placed[i].raster for i in near)
        if {raster.layer for raster in rasters} == layers:
            jobs[grid.name] = Job(grid, rasters, whole=True)
    return [jobs[name] for name in sorted(jobs)]


def centres(count: int, rng: np.random.Generator) -> list[tuple[float, float]]:
    """Longitude and latitude in degrees of points spread evenly over the sphere."""
    around, up = rng.random((2, count))
    return list(zip((360 * around - 180).tolist(), np.degrees(np.arcsin(2 * up - 1)).tolist(), strict=True))
