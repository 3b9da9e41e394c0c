"""Facts about water: where a tile drains to, its streams, and its coast.

| key | is |
|---|---|
| `drains_to`, `drains_strength` | where water leaves the tile, seen from its middle, see below |
| `stream_density` | km of streams a km², see `tasks.relief.drainage.drainage` |
| `largest_catchment` | largest share of the tile that drains through one pixel |
| `closed_share` | share of the tile that water must fill before it drains: closed hollows |
| `sea_side`, `sea_strength` | where the sea lies, seen from the land; null below `SEA_AGREES` |
| `islands` | bodies of land of at least `ISLAND_PX` pixels with known sea all around |

`drains_to` is null below `OUTLETS_AGREE`, in tiles with sea, and where a larger share than `CLOSED` is closed: on the
sea and in a filled hollow, the order of the flood decides the direction, and not the ground.
The facts of drainage are absent from tiles with voids, those of the coast from tiles without both land and sea.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.ndimage import find_objects, label

from tasks.relief.drainage import accumulate, drainage, flow
from tasks.relief.winds import wind

OUTLETS_AGREE = 0.6  # a valley or an even slope has 0.8 and more, a cone or a saddle 0
CLOSED = 0.25
SEA_AGREES = 0.3  # a straight shore has 1, an island in the middle 0
ISLAND_PX = 9  # the least patch of sea, 3×3, is as large


def drainage_facts(height: np.ndarray, gsd: float, by_the_sea: bool) -> dict[str, Any]:
    """Facts about drainage from heights without NaN, (H, W) metres, at least 3 pixels a side.

    Args:
        gsd: metres a pixel.
        by_the_sea: whether the tile has sea.
    """
    measured = drainage(height[None], gsd)
    closed = float(measured["sink_fraction"][0])
    east, north = _outlets(height)
    strength = float(np.hypot(east, north))
    return {
        "drains_to": wind(east, north) if strength >= OUTLETS_AGREE and not by_the_sea and closed <= CLOSED else None,
        "drains_strength": round(strength, 2),
        "stream_density": round(float(measured["stream_density"][0]), 2),
        "largest_catchment": round(float(measured["largest_catchment"][0]), 3),
        "closed_share": round(closed, 3),
    }


def _outlets(height: np.ndarray) -> tuple[float, float]:
    """East and north of the mean direction from the middle to where water leaves, weighted by catchment.

    Its length is 1 where all water leaves in one direction, and 0 where it leaves evenly all around.
    """
    _, order, receiver = flow(np.ascontiguousarray(height, np.float64))
    area, _ = accumulate(order, receiver, height.shape[1])
    out = np.flatnonzero(receiver < 0)
    rows, cols = np.divmod(out, height.shape[1])
    east, north = cols - (height.shape[1] - 1) / 2, (height.shape[0] - 1) / 2 - rows
    weight = area[out] / np.hypot(east, north) / area[out].sum()
    return float((east * weight).sum()), float((north * weight).sum())


def coast_facts(land: np.ndarray, sea: np.ndarray) -> dict[str, Any]:
    """Facts about the coast from masks of land and sea, (H, W); a pixel of neither is unknown."""
    if not land.any() or not sea.any():
        return {}
    (land_row, land_col), (sea_row, sea_col) = (np.argwhere(mask).mean(axis=0) for mask in (land, sea))
    # Half a tile of land beside half a tile of sea: their middles are half a side apart.
    half = min(land.shape) / 2
    east, north = (sea_col - land_col) / half, (land_row - sea_row) / half
    strength = min(float(np.hypot(east, north)), 1.0)
    return {
        "sea_side": wind(east, north) if strength >= SEA_AGREES else None,
        "sea_strength": round(strength, 2),
        "islands": _islands(land, sea),
    }


def _islands(land: np.ndarray, sea: np.ndarray) -> int:
    """Bodies of land, connected over sides and corners, that touch neither the edge nor an unknown pixel."""
    bodies, _ = label(~sea, np.ones((3, 3)))
    found = 0
    for number, (rows, cols) in enumerate(find_objects(bodies), start=1):
        inside = rows.start > 0 and cols.start > 0 and rows.stop < land.shape[0] and cols.stop < land.shape[1]
        body = bodies[rows, cols] == number
        found += bool(inside and body.sum() >= ISLAND_PX and land[rows, cols][body].all())
    return found
