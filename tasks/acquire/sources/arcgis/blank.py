"""Tiles that show no ground: the placeholder "Map data not yet available", and tiles of one colour.

Services answer with such a tile, and status 200, where their cache has none. Photographs have noise or at least the
blocks of JPEG, so a picture of exactly one colour is none of them.
"""

from __future__ import annotations

import numpy as np

_FLAT = 2  # levels between the darkest and the brightest pixel of a tile of one colour, after JPEG
_GREY = 6  # levels between the channels of a grey that JPEG has touched
_EXACT, _NEAR = (
    0.5,
    0.75,
)  # shares of a placeholder with the grey of its ground, and within _FLAT of it; the rest is words


def is_blank(picture: np.ndarray) -> bool:
    """Whether a tile, uint8 (rows, cols, 4), shows no ground."""
    rgb = picture[..., :3][picture[..., 3] > 0].astype(np.int16)
    if not len(rgb):
        return True
    if (np.ptp(rgb, axis=0) <= _FLAT).all():
        return True
    if np.ptp(rgb, axis=1).max() > _GREY:
        return False
    grey = rgb[:, 1]
    ground = np.bincount(grey, minlength=256).argmax()
    away = np.abs(grey - ground)
    return bool(40 < ground < 250 and (away == 0).mean() >= _EXACT and (away <= _FLAT).mean() >= _NEAR)
