"""Heightmaps for game engines: their sizes, and the numbers to enter at import.

An engine has a height on every point of a grid. The first and last points lie on the landscape's edges. So a terrain
of W pixels at `gsd` metres spans (W - 1) · gsd metres, from the first pixel's centre to the last pixel's centre.
"""

from __future__ import annotations

import math

import numpy as np

from tasks.generate.exports import unity as unity_export
from tasks.generate.exports import unreal as unreal_export
from tasks.generate.params import Scale
from tasks.generate.terrain.codes import TOP, Codes, Span, encode
from tasks.generate.terrain.resample import resample

# A landscape with Z scale 100 spans 512 m in 65,536 codes. The middle code is at the actor's own height.
UNREAL_CM = 1 / 128  # centimetres a code, at a Z scale of 1
UNREAL_MIDDLE = 32768


def unreal(
    height: np.ndarray, gsd: float, preset: unreal_export.Settings, scale: Scale, over: Span | None
) -> tuple[Codes, dict]:
    """Codes in a size that Unreal's Landscape accepts (each side by itself), and the actor's scale and place.

    Args:
        over: the range of heights that the codes span; None means the terrain's own range.
    """
    rows, cols = height.shape
    longest = preset.size or _at_least(max(rows, cols), unreal_export.SIZES)
    size = [_nearest(side / max(rows, cols) * longest, unreal_export.SIZES) for side in (rows, cols)]
    coded = encode(resample(height, *size), over)
    scale_z = coded.step * 100 * scale.vertical / UNREAL_CM or 1.0  # the step of flat ground is 0, which gives no scale
    return coded, {
        "rows": size[0],
        "cols": size[1],
        "low_m": coded.low,
        "step_m": coded.step,
        "scale_x": _quad(cols, size[1], gsd) * scale.horizontal * 100,
        "scale_y": _quad(rows, size[0], gsd) * scale.horizontal * 100,
        "scale_z": scale_z,
        "location_z_cm": coded.low * scale.vertical * 100 + UNREAL_MIDDLE * UNREAL_CM * scale_z,
        "row_order": "from the north; X runs east, Y runs south",
        "byte_order": "little-endian in .r16",
    }


def unity(
    height: np.ndarray, gsd: float, preset: unity_export.Settings, scale: Scale, over: Span | None
) -> tuple[Codes, dict]:
    """Codes in a square size 2ⁿ + 1, and the settings of Unity's Import Raw and Terrain Size."""
    rows, cols = height.shape
    side = preset.size or _at_least(max(rows, cols), unity_export.SIZES)
    coded = encode(resample(height, side, side), over)
    return coded, {
        "resolution": side,
        "low_m": coded.low,
        "step_m": coded.step,
        "width_m": (cols - 1) * gsd * scale.horizontal,
        "length_m": (rows - 1) * gsd * scale.horizontal,
        "height_m": coded.step * TOP * scale.vertical or 1.0,
        "position_y_m": coded.low * scale.vertical,
        "depth": "16 bit",
        "byte_order": preset.byte_order,
        "row_order": "from the south: import without Flip Vertically"
        if preset.flip
        else "from the north: import with Flip Vertically",
    }


def _at_least(side: int, sizes: tuple[int, ...]) -> int:
    return next((size for size in sizes if size >= side), sizes[-1])


def _nearest(side: float, sizes: tuple[int, ...]) -> int:
    return min(sizes, key=lambda size: abs(math.log(size / side)))


def _quad(old: int, new: int, gsd: float) -> float:
    """Metres between two points of the new grid."""
    return (old - 1) * gsd / (new - 1)
