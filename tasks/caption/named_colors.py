"""Names for colours: each pixel gets the nearest of a few named colours, and the names with large shares are told."""

from __future__ import annotations

import numpy as np

from tasks.caption.describer import Facts

COLORS = {
    "black": (18, 18, 20),
    "dark grey": (72, 72, 74),
    "grey": (128, 128, 128),
    "light grey": (190, 190, 190),
    "white": (248, 248, 248),
    "cream": (236, 226, 196),
    "tan": (196, 172, 128),
    "brown": (128, 96, 66),
    "dark brown": (64, 48, 36),
    "red": (190, 50, 44),
    "pink": (222, 164, 166),
    "orange": (222, 130, 52),
    "yellow": (226, 200, 74),
    "olive": (128, 124, 66),
    "pale green": (182, 204, 150),
    "green": (98, 140, 72),
    "dark green": (46, 66, 44),
    "teal": (50, 112, 116),
    "pale blue": (172, 198, 220),
    "blue": (74, 122, 184),
    "dark blue": (36, 52, 92),
    "purple": (112, 84, 138),
}
"""sRGB of each name, as it is common on the ground, on paper and in the sky: muted."""

LEAST, MOST = 0.1, 4  # a colour with less than this share is not told, and at most so many are
_SIDE = 96  # a larger picture is looked at in steps
_LEVELS = 32  # steps of a channel that are told apart: a table of all colours is small then


def palette(color: np.ndarray) -> Facts:
    """Facts `palette`, `brightness` and `contrast` of a picture, uint8 (4, H, W) with a mask; none where all is masked.

    `palette` lists the colours from the largest share: name, share, and the mean sRGB of its pixels. `brightness` and
    `contrast` are mean and standard deviation of the channels' mean, from 0 to 1.
    """
    step = max(1, min(color.shape[1:]) // _SIDE)
    seen = color[:, ::step, ::step]
    pixels = seen[:3, seen[3] > 0].T
    if not len(pixels):
        return {}
    grey = pixels.mean(axis=1, dtype=np.float64) / 255
    index = _table()[tuple((pixels.T.astype(np.int64) * _LEVELS) // 256)]
    count = np.bincount(index, minlength=len(COLORS))
    sums = np.stack([np.bincount(index, pixels[:, channel], minlength=len(COLORS)) for channel in range(3)], axis=1)
    names = list(COLORS)
    told = []
    for number in np.argsort(-count, kind="stable")[:MOST].tolist():
        share = count[number] / len(pixels)
        if share >= LEAST:
            mean = [int(value) for value in np.rint(sums[number] / count[number])]
            told.append({"color": names[number], "share": round(float(share), 3), "rgb": mean})
    return {"palette": told, "brightness": round(float(grey.mean()), 3), "contrast": round(float(grey.std()), 3)}


_TABLE: list[np.ndarray] = []


def _table() -> np.ndarray:
    """Index of the nearest name for every colour, (32, 32, 32) red, green, blue; computed once."""
    if not _TABLE:
        middle = (np.arange(_LEVELS) + 0.5) * 256 / _LEVELS
        every = np.stack(np.meshgrid(middle, middle, middle, indexing="ij"), axis=-1).reshape(-1, 1, 3)
        away = np.square(_lab(every) - _lab(np.array(list(COLORS.values()), float))).sum(axis=-1)
        _TABLE.append(np.round(away, 6).argmin(axis=1).reshape(_LEVELS, _LEVELS, _LEVELS))
    return _TABLE[0]


def _lab(rgb: np.ndarray) -> np.ndarray:
    """CIELAB (D65) of sRGB from 0 to 255, (..., 3): distances in it follow the eye."""
    share = rgb / 255
    light = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    matrix = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = (light[..., None, :] * matrix).sum(axis=-1) / np.array([0.9505, 1.0, 1.089])
    root = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    x, y, z = (root[..., channel] for channel in range(3))
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)
