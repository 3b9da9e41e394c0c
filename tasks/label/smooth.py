"""Class maps from class probabilities: smooth the probabilities, take the most probable class, remove small regions.

Smoothed probabilities keep a boundary where two classes are equally probable. Smoothing of a class map, by morphology
or majorities, would depend on the order of the classes.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from tasks.formats.tables.classes import NO_CLASS
from tasks.label.params import Smoothing


@dataclass(frozen=True)
class Strength:
    """Standard deviation of the Gaussian, and the least area of a region, in pixels."""

    sigma: float
    region: int

    @property
    def margin(self) -> int:
        """Distance in pixels beyond which pixels outside a map have practically no influence on it."""
        return int(np.ceil(3 * self.sigma)) + int(np.ceil(np.sqrt(self.region)))


def strength(settings: Smoothing, share: float) -> Strength:
    """Smoothing between gentle (`share` 0) and strong (1)."""
    low, high = settings.sigma_px
    least, most = settings.region_px
    return Strength(low + share * (high - low), round(least + share * (most - least)))


def class_map(probabilities: np.ndarray, known: np.ndarray, how: Strength) -> np.ndarray:
    """Class of every pixel, uint8 (H, W), 255 where `known` is false.

    Args:
        probabilities: uint8 (k, H, W), 0 where not known.
    """
    best = np.zeros(known.shape, np.uint8)
    most = np.full(known.shape, -1, np.float32)
    for number, plane in enumerate(probabilities):
        smooth = plane.astype(np.float32)
        if how.sigma > 0:
            smooth = cv2.GaussianBlur(smooth, (0, 0), how.sigma, borderType=cv2.BORDER_REFLECT_101)
        better = smooth > most
        best[better], most[better] = number, smooth[better]
    best[~known] = NO_CLASS
    return absorb(best, known, how.region)


def absorb(classes: np.ndarray, known: np.ndarray, least: int) -> np.ndarray:
    """Give each pixel of connected regions smaller than `least` pixels the class of the nearest larger region."""
    small = np.zeros(classes.shape, bool)
    for number in np.unique(classes[known]):
        _, pieces, stats, _ = cv2.connectedComponentsWithStats((classes == number).astype(np.uint8), connectivity=8)
        area = stats[:, cv2.CC_STAT_AREA]
        area[0] = least  # the rest of the map
        small |= (area < least)[pieces]
    stay = known & ~small
    if not small.any() or not stay.any():
        return classes
    # Distance to the nearest pixel of a larger region, and the index of that pixel.
    _, nearest = cv2.distanceTransformWithLabels(
        (~stay).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    source = np.zeros(int(nearest.max()) + 1, np.uint8)
    source[nearest[stay]] = classes[stay]
    return np.where(small, source[nearest], classes)
