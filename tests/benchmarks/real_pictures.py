"""Pictures for benchmarks: files of `shared/realdata`, and made ones where it is missing."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from tests.select.small import fractal

LARGEST = 1024


def square(path: Path) -> np.ndarray:
    """The middle square of a picture file, RGB uint8 (n, n, 3), at most `LARGEST` a side."""
    with Image.open(path) as image:
        image.draft("RGB", (2 * LARGEST, 2 * LARGEST))
        color = np.asarray(image.convert("RGB"))
    side = min(color.shape[:2])
    top, left = (color.shape[0] - side) // 2, (color.shape[1] - side) // 2
    color = color[top : top + side, left : left + side]
    return cv2.resize(color, (LARGEST, LARGEST), interpolation=cv2.INTER_AREA) if side > LARGEST else color


def synthetic(seed: int, side: int) -> np.ndarray:
    """Noise of natural spectrum with round shapes on it, RGB uint8 (side, side, 3)."""
    rng = np.random.default_rng(seed)
    image = np.stack([fractal((side, side), 180, 3 * seed + band, 1.6) for band in range(3)], axis=-1).astype(np.uint8)
    for _ in range(60):
        centre, radius = rng.integers(0, side, 2).tolist(), int(rng.integers(max(side // 60, 2), max(side // 12, 4)))
        cv2.circle(image, centre, radius, rng.integers(0, 255, 3).tolist(), -1)
    return cv2.GaussianBlur(image, (0, 0), 0.8)
