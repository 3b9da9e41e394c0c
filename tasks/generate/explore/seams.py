"""How much a picture changes across the lines where its parts meet, beside the change elsewhere."""

from __future__ import annotations

import numpy as np


def seams(picture: np.ndarray, period: int) -> tuple[float, float]:
    """Mean absolute difference of neighbouring pixels: across the lines, and everywhere else.

    Args:
        picture: uint8 (h, w, 3), larger than `period`. period: pixels from one line to the next along both axes.
    """
    across, inside = [], []
    values = picture.astype(np.int64)
    for axis in (0, 1):
        change = np.abs(np.diff(values, axis=axis)).mean(axis=(1 - axis, 2))
        line = np.arange(1, values.shape[axis]) % period == 0
        across.append(change[line])
        inside.append(change[~line])
    return float(np.concatenate(across).mean()), float(np.concatenate(inside).mean())
