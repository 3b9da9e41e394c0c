"""From reflectance to 8 bits, by a stretch that is the same everywhere or by one from the raster's own pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tasks.acquire.sources.stac_imagery.params import Fixed, Region
from tasks.acquire.sources.stac_imagery.products import HIGH

_STEPS = 4096  # of the table from stretched reflectance to a level: the curve is steep near black
_LEAST, _MOST, _BIN = -0.2, 1.8, 1e-4  # reflectance that is counted for percentiles, and the width of a bin


@dataclass(frozen=True)
class Curve:
    """level = 255 · ((reflectance - low) / (high - low))^(1 / gamma), clipped. One low and high for each channel."""

    low: tuple[float, float, float]
    high: tuple[float, float, float]
    gamma: float

    def __call__(self, reflectance: np.ndarray) -> np.ndarray:
        """Levels, uint8 (3, H, W), of reflectance, float32 (3, H, W); NaN becomes 0."""
        share = np.linspace(0.0, 1.0, _STEPS)
        table = np.floor(255 * share ** (1 / self.gamma) + 0.5).astype(np.uint8)
        low, high = (np.array(ends, np.float32)[:, None, None] for ends in (self.low, self.high))
        at = np.nan_to_num((reflectance - low) / (high - low), nan=0.0)
        return table[np.floor(np.clip(at, 0, 1) * (_STEPS - 1) + 0.5).astype(np.int32)]

    def record(self) -> dict[str, Any]:
        """The numbers of the curve, for the raster's tags."""
        return {"low": list(self.low), "high": list(self.high), "gamma": self.gamma}


class Counts:
    """How often each reflectance occurs in each channel."""

    def __init__(self) -> None:
        self._bins = np.zeros((3, round((_MOST - _LEAST) / _BIN)), np.int64)

    def add(self, reflectance: np.ndarray) -> None:
        """Count float32 (3, H, W); NaN is left out."""
        for bins, channel in zip(self._bins, reflectance, strict=True):
            known = channel[np.isfinite(channel)]
            at = np.clip(np.floor((known - _LEAST) / _BIN), 0, len(bins) - 1).astype(np.int64)
            bins += np.bincount(at, minlength=len(bins))

    def percentile(self, percent: float) -> tuple[float, float, float]:
        """The reflectance of each channel below which `percent` of the pixels lie."""
        sums = self._bins.cumsum(axis=1)
        at = [int(np.searchsorted(sums[band], max(percent / 100 * sums[band, -1], 1))) for band in range(3)]
        return tuple(round(_LEAST + (index + 0.5) * _BIN, 6) for index in at)  # type: ignore[return-value]


def fixed_curve(stretch: Fixed, look: str) -> Curve:
    """The curve of a fixed stretch."""
    return Curve((stretch.low,) * 3, stretch.high or HIGH[look], stretch.gamma)


def region_curve(stretch: Region, counts: Counts) -> Curve:
    """The curve between two percentiles of the raster's own pixels."""
    low, high = (counts.percentile(percent) for percent in stretch.percentiles)
    high = tuple(max(one, other + _BIN) for one, other in zip(high, low, strict=True))  # type: ignore[assignment]
    return Curve(low, high, stretch.gamma)
