"""Facts about ground, measured from its heights alone: of tiles for captions, of generated heights for evaluate.

The facts of one square of ground are a JSON object:

| key | is |
|---|---|
| `void_share` | share of pixels without a height |
| `sea_share` | share of the known pixels that are sea: exactly 0 m, in patches of at least 3×3 |

Where at least a tenth of a percent of the tile is land, facts about the land alone:

| key | is |
|---|---|
| `elevation_m` | lowest, mean and highest |
| `relief_m` | highest minus lowest |
| `gentle_share`, `gentle_low_share` | ground under 8 % slope, and how much of that lies in the tile's lower half |
| `ground` | landform class after Hammond, see `tasks.relief.landform_classes`; null where it does not apply |
| `slope_deg`, `slope_shares` | mean slope, share of each class |
| `aspect`, `aspect_strength` | where slopes face, and how much they agree (0 to 1); null below `ASPECT_AGREES` |
| `aspect_deg`, `aspect_shares` | mean direction of the fall; share of the land that faces each wind, at 2° or more |
| `grain`, `grain_strength` | the line that crests and troughs follow; null below `GRAIN_AGREES`, or with an aspect |
| `grain_deg` | the bearing of that line, from 0 to below 180, whatever its strength |
| `landforms`, `dominant` | share of each geomorphon, and those that make up the tile |

Facts about drainage and coast: see `tasks.relief.water_facts`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tasks.formats.tables.wind_names import GRAINS, WINDS
from tasks.relief.geomorphons import NAMES, geomorphons, landform_shares
from tasks.relief.landform_classes import SLOPE_CLASSES, ground
from tasks.relief.sea import flat_sea
from tasks.relief.shade.slope import gradient
from tasks.relief.water_facts import coast_facts, drainage_facts
from tasks.relief.winds import bearing, wind

Facts = dict[str, Any]

LOOKUP_PX = 12  # distance in which geomorphons look for higher and lower ground: a fifth of a tile of 64
FLAT_DEG = 1.0  # smaller angles count as level, in degrees; the value of Jasiewicz & Stepinski (2013)
LEAST_LAND = 0.001
GENTLE = 0.08  # Hammond's limit of gentle slopes, metres a metre
ASPECT_AGREES = 0.45  # an even slope has 1, a ridge with two equal flanks 0
GRAIN_AGREES = 0.5  # parallel ridges have 1, a cone 0
DOMINANT_LEAST, DOMINANT_MOST, DOMINANT_SUM = (
    0.1,
    3,
    0.66,
)  # landforms are listed from the largest until they cover this share
FACING = np.tan(np.radians(2.0))  # gentler ground faces nowhere: on rounded heights its direction is chance


def height_facts(heights: np.ndarray, gsd: float, lookup_px: int, flat_deg: float) -> list[Facts]:
    """Facts from heights.

    Args:
        heights: float32 (N, H, W) metres, NaN for void, 0 for sea.
        gsd: metres a pixel, the same for all.
        lookup_px, flat_deg: see `tasks.relief.geomorphons.geomorphons`.
    """
    known = np.isfinite(heights)
    land = known & ~flat_sea(heights)
    classes = np.where(land, geomorphons(heights, gsd, lookup_px, flat_deg), 0).astype(np.uint8)
    shares = landform_shares(classes)
    dx, dy = gradient(heights, gsd)
    side_km = heights.shape[-1] * gsd / 1000
    facts = []
    for i, height in enumerate(heights):
        seen = max(int(known[i].sum()), 1)
        tile = {
            "void_share": round(1 - float(known[i].mean()), 3),
            "sea_share": round(float((known[i] & ~land[i]).sum() / seen), 3),
        }
        if land[i].mean() >= LEAST_LAND:
            inner = land[i, 1:-1, 1:-1] & np.isfinite(dx[i])
            tile |= _elevation(height[land[i]])
            tile |= _slopes(dx[i][inner], dy[i][inner], height[1:-1, 1:-1][inner], tile["elevation_m"], side_km)
            tile |= _landforms(shares[i])
            tile |= drainage_facts(height, gsd, not land[i].all()) if known[i].all() else {}
            tile |= coast_facts(land[i], known[i] & ~land[i])
        facts.append(tile)
    return facts


def _elevation(heights: np.ndarray) -> Facts:
    low, mean, high = float(heights.min()), float(heights.mean(dtype=np.float64)), float(heights.max())
    return {
        "elevation_m": {"lowest": round(low, 1), "mean": round(mean, 1), "highest": round(high, 1)},
        "relief_m": round(high - low, 1),
    }


def _slopes(dx: np.ndarray, dy: np.ndarray, height: np.ndarray, elevation: Facts, side_km: float) -> Facts:
    """Steepness and directions of the land pixels that have a gradient; empty where no pixel has one."""
    if not dx.size:
        return {"ground": None}
    dx, dy = dx.astype(np.float64), dy.astype(np.float64)
    steep = np.hypot(dx, dy)
    gentle = steep < GENTLE
    middle = (elevation["lowest"] + elevation["highest"]) / 2
    low = float((height[gentle] < middle).mean()) if gentle.any() else 0.0
    bins = np.searchsorted([limit for _, limit in SLOPE_CLASSES[:-1]], steep, side="right")
    counts = np.bincount(bins, minlength=len(SLOPE_CLASSES)) / steep.size
    gentle_share, relief = float(gentle.mean()), elevation["highest"] - elevation["lowest"]
    # The length of the mean downhill vector over the mean steepness: the agreement of slopes on one direction.
    total = max(float(steep.mean()), 1e-9)
    east, north = -float(dx.mean()) / total, -float(dy.mean()) / total
    strength = float(np.hypot(east, north))
    # Structure tensor: the axis of the gradients without their sign; crests are perpendicular to it.
    xx, yy, xy = float((dx * dx).mean()), float((dy * dy).mean()), float((dx * dy).mean())
    grain_strength = float(np.hypot(xx - yy, 2 * xy) / max(xx + yy, 1e-12))
    across = 90 - np.degrees(0.5 * np.arctan2(2 * xy, xx - yy))  # bearing of the gradients' axis
    sloping = steep >= FACING
    sectors = np.rint(np.degrees(np.arctan2(-dx, -dy)) / 45).astype(int)[sloping] % len(WINDS)
    facing = np.bincount(sectors, minlength=len(WINDS)) / steep.size
    faces = strength >= ASPECT_AGREES
    return {
        "gentle_share": round(gentle_share, 3),
        "gentle_low_share": round(low, 3),
        "ground": ground(gentle_share, relief, low, strength, side_km),
        "slope_deg": round(float(np.degrees(np.arctan(steep)).mean()), 1),
        "slope_shares": {name: round(float(share), 3) for (name, _), share in zip(SLOPE_CLASSES, counts, strict=True)},
        "aspect": wind(east, north) if faces else None,
        "aspect_strength": round(strength, 2),
        "aspect_deg": round(bearing(east, north)) % 360,
        "aspect_shares": {name: round(float(share), 3) for name, share in zip(WINDS, facing, strict=True)},
        "grain": GRAINS[round((across + 90) / 45) % 4] if grain_strength >= GRAIN_AGREES and not faces else None,
        "grain_strength": round(grain_strength, 2),
        "grain_deg": round(float(across + 90)) % 180,
    }


def _landforms(shares: np.ndarray) -> Facts:
    if np.isnan(shares).any():
        return {"landforms": {}, "dominant": []}
    dominant: list[str] = []
    told = 0.0
    for c in np.argsort(-shares, kind="stable"):
        if shares[c] < DOMINANT_LEAST or len(dominant) == DOMINANT_MOST or told >= DOMINANT_SUM:
            break
        dominant.append(NAMES[c])
        told += shares[c]
    return {
        "landforms": {name: round(float(share), 3) for name, share in zip(NAMES, shares, strict=True)},
        "dominant": dominant,
    }
