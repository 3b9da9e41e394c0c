"""Words for measured values, and the limits between them.

Landform classes are Hammond's (1964, Annals AAG 54(1) supplement) in the form that Dikau, Brabb & Mark (1991, USGS
Open-File Report 91-440) published: from the share of gentle ground, the local relief, and whether the gentle
ground is low (plains among hills) or high (tablelands). Slope classes are those of FAO's Guidelines for Soil
Description (2006, table 7), with the ten classes merged to five.
"""

from __future__ import annotations

from typing import Any

import numpy as np

SLOPE_CLASSES = (("level", 0.02), ("gentle", 0.10), ("moderate", 0.30), ("steep", 0.60), ("very steep", np.inf))
"""Name and upper limit in metres a metre."""

RELIEF_LIMITS = (30, 91, 152, 305, 915)  # metres: Hammond's 100, 300, 500, 1,000 and 3,000 feet
HILLS = ("very low hills", "low hills", "hills", "high hills", "low mountains", "high mountains")
TABLELANDS = "tablelands"

# Hammond and Dikau used a moving window of 9.6 to 9.8 km; later maps used down to about 1 km. Relief has another
# meaning on tiles of other sizes, so only steepness is told there.
LEAST_KM, MOST_KM = 1.0, 30.0
# An even slope has relief without hills. Above this agreement of slopes on a direction, only steepness is told.
ONE_SLOPE = 0.75


def ground(
    gentle_share: float, relief: float, gentle_low_share: float, aspect_strength: float, side_km: float
) -> str | None:
    """The tile's landform class in words, plural; None for one even slope and for tiles too small or too large.

    Args:
        gentle_share: share of the land under 8 % slope; relief: metres.
        gentle_low_share: share of that gentle land in the lower half of the relief.
        aspect_strength: agreement of slopes on a direction, 0 to 1.
        side_km: length of the tile's side.
    """
    step = int(np.searchsorted(RELIEF_LIMITS, relief, side="right"))
    if not LEAST_KM <= side_km <= MOST_KM or (aspect_strength >= ONE_SLOPE and step > 0):
        return None
    if gentle_share < 0.2:
        return HILLS[step]
    if gentle_share < 0.5:
        return f"open {HILLS[step]}"
    if step < 2:
        if gentle_share < 0.8:
            return "irregular plains"
        return "flat plains" if step == 0 else "smooth plains"
    return f"plains with {HILLS[step]}" if gentle_low_share >= 0.5 else TABLELANDS


KINDS = ("plains", "hills", "mountains", "coast")
"""Kinds of terrain, for results by kind."""
COAST = 0.05
"""A tile with at least this share of sea lies at the coast."""


def kind(facts: dict[str, Any]) -> str:
    """The kind of a tile, one of `KINDS`, from its facts (`tasks.relief.ground_facts`)."""
    if facts.get("sea_share", 0.0) >= COAST:
        return "coast"
    name, relief = facts.get("ground"), facts.get("relief_m", 0.0)
    if name is None:  # an even slope, or a tile too small or too large for landform classes
        return "plains" if relief < RELIEF_LIMITS[1] else "hills" if relief < RELIEF_LIMITS[3] else "mountains"
    if "plains" in name:
        return "plains"
    return "mountains" if "mountains" in name else "hills"
