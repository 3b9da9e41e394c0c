"""A grid of nearly square blocks over the whole Earth, and the blocks that each tile touches.

Bands of latitude are `block_km` high. A band has the number of columns that makes them about `block_km` wide at its
middle. Blocks have no seam at 180° and stay nearly square up to the poles, where a band has a few wedges.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tasks.select.footprints import EARTH_KM


@dataclass(frozen=True)
class BlockGrid:
    """The grid for one size of block.

    Attributes:
        block_km: side of a block.
    """

    block_km: float

    @property
    def bands(self) -> int:
        """Number of bands of latitude."""
        return max(round(np.pi * EARTH_KM / self.block_km), 1)

    def band(self, lat: np.ndarray) -> np.ndarray:
        """Band of each latitude, 0 in the south."""
        return np.clip(np.floor((np.asarray(lat) + 90) / 180 * self.bands).astype(np.int64), 0, self.bands - 1)

    def columns(self, band: np.ndarray) -> np.ndarray:
        """Number of blocks in each band."""
        middle = (np.asarray(band) + 0.5) * np.pi / self.bands - np.pi / 2
        return np.maximum(np.rint(2 * np.pi * EARTH_KM * np.cos(middle) / self.block_km).astype(np.int64), 1)

    def column(self, band: np.ndarray, lon: np.ndarray) -> np.ndarray:
        """Column of each longitude in its band; longitudes past ±180° give columns below 0 or after the last one."""
        return np.floor((np.asarray(lon) + 180) / 360 * self.columns(band)).astype(np.int64)

    def ids(self, lat: np.ndarray, lon: np.ndarray) -> np.ndarray:
        """The block of each point, as one number: band · 2³² + column."""
        band = self.band(lat)
        return band << 32 | self.column(band, lon) % self.columns(band)

    def touched(
        self, west: np.ndarray, south: np.ndarray, east: np.ndarray, north: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """All pairs of a box and a block that the box touches.

        Args:
            west, south, east, north: n boxes in degrees; longitudes may pass ±180°.

        Returns:
            Index of the box and id of the block, one entry a pair, sorted and distinct.
        """
        first, last = self.band(south), self.band(north)
        boxes, bands = _spread(np.arange(len(first)), first, last)
        left, right = self.column(bands, west[boxes]), self.column(bands, east[boxes])
        wide = self.columns(bands)
        right = np.minimum(right, left + wide - 1)  # once around the Earth covers every block
        pairs, columns = _spread(np.arange(len(boxes)), left, right)
        blocks = bands[pairs] << 32 | columns % wide[pairs]
        found = np.unique(np.stack([boxes[pairs], blocks], axis=1), axis=0)
        return found[:, 0], found[:, 1]

    def name(self, block: int) -> str:
        """Name of a block in the tile table, from its band and column: `b01234c05678`."""
        return f"b{block >> 32:05}c{block & 0xFFFFFFFF:05}"


def _spread(items: np.ndarray, first: np.ndarray, last: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Repeat each item for every whole number from its `first` to its `last`; returns items and numbers."""
    counts = last - first + 1
    repeated = np.repeat(items, counts)
    offsets = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return repeated, np.repeat(first, counts) + offsets
