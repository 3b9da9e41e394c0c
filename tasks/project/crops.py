"""Crops of global maps: squares of one size, each on its own grid, with centres spread evenly over the sphere.

Centres that are uniform in longitude and latitude would crowd at the poles. A uniform distribution on the sphere is
uniform in longitude and in the sine of latitude (Archimedes' hat-box theorem).
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
    """Up to `params.crops` scenes in name order. A raster of every layer must reach a scene, or it is not made."""
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
    """Longitude and latitude in degrees of `count` points, uniform over the sphere."""
    around, up = rng.random((2, count))
    return list(zip((360 * around - 180).tolist(), np.degrees(np.arcsin(2 * up - 1)).tolist(), strict=True))
