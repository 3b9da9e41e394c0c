"""Sources of one lattice, read as one raster.

Neighbouring cells of one product share a lattice: the same CRS, pixel size and phase. They are joined in their own
pixels before any resampling, so that the warp sees no border between them. Node-registered cells (SRTM) repeat
the edge pixels of their neighbours; the first cell by key is used. Some products leave a gap of one pixel between
cells at high latitudes; the gap gets the mean of its two sides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from affine import Affine
from rasterio.windows import Window

from tasks.project.meridian import Frame, frame
from tasks.project.rasters import Raster, RasterReader

_SAME_SIZE = 1e-5  # relative; 0.01 pixels over a 1° cell of 3" pixels
_SAME_PHASE = 0.05  # pixels


@dataclass
class Lattice:
    """Rasters that share a lattice. `transform` maps the lattice's pixels to its frame's CRS."""

    frame: Frame
    transform: Affine
    members: list[tuple[Raster, int, int]] = field(default_factory=list)  # raster, its column, its row

    @property
    def bands(self) -> int:
        return self.members[0][0].bands

    @property
    def extent(self) -> tuple[int, int, int, int]:
        """First column, first row, last column + 1, last row + 1 of all members."""
        return (
            min(col for _, col, _ in self.members),
            min(row for _, _, row in self.members),
            max(col + raster.cols for raster, col, _ in self.members),
            max(row + raster.rows for raster, _, row in self.members),
        )

    def offer(self, raster: Raster, its_frame: Frame, transform: Affine) -> bool:
        """Add the raster if it is on this lattice; returns whether it is."""
        mine, its = self.transform, transform
        if its_frame.crs != self.frame.crs or any((mine.b, mine.d, its.b, its.d)):
            return False
        if abs(its.a / mine.a - 1) > _SAME_SIZE or abs(its.e / mine.e - 1) > _SAME_SIZE:
            return False
        col, row = (its.c - mine.c) / mine.a, (its.f - mine.f) / mine.e
        if max(abs(col - round(col)), abs(row - round(row))) > _SAME_PHASE:
            return False
        self.members.append((raster, round(col), round(row)))
        return True

    def read(self, window: Window, reader: RasterReader) -> tuple[np.ndarray, list[str]]:
        """Pixels of any window of the lattice and the keys of the rasters with values in it.

        Returns:
            float32 (bands, H, W), NaN where no member has a value.
        """
        out = np.full((self.bands, window.height, window.width), np.nan, np.float32)
        covered = np.zeros(out.shape[1:], bool)
        keys, met = [], 0
        for raster, col, row in self.members:
            left, right = max(col, window.col_off), min(col + raster.cols, window.col_off + window.width)
            top, bottom = max(row, window.row_off), min(row + raster.rows, window.row_off + window.height)
            if left >= right or top >= bottom:
                continue
            pixels = reader.read(raster, Window(left - col, top - row, right - left, bottom - top))
            here = np.s_[top - window.row_off : bottom - window.row_off, left - window.col_off : right - window.col_off]
            met += 1
            target = out[:, *here]
            if covered[here].any():
                np.copyto(target, pixels, where=np.isnan(target))
            else:
                target[:] = pixels
            covered[here] = True
            if not np.isnan(pixels).all():
                keys.append(raster.key)
        if met > 1 and not covered.all():
            _close_gaps(out, covered)
        return out, keys


def lattices(rasters: Sequence[Raster], lon: float) -> list[Lattice]:
    """Group the rasters of one layer into lattices for a scene centred at longitude `lon`; finest first."""
    found: list[Lattice] = []
    # Products whose pixel sizes differ by less than 5 % count as equally fine; their order is by key.
    for raster in sorted(rasters, key=lambda raster: (round(np.log(raster.gsd) / 0.05), raster.key)):
        its_frame = frame(raster.crs, lon)
        corners = [(raster.transform @ (col, row))[0] for col in (0, raster.cols) for row in (0, raster.rows)]
        for shift in its_frame.shifts(min(corners), max(corners)):
            transform = Affine.translation(shift, 0) @ raster.transform
            if not any(lattice.offer(raster, its_frame, transform) for lattice in found):
                found.append(Lattice(its_frame, transform, [(raster, 0, 0)]))
    return found


def _close_gaps(pixels: np.ndarray, covered: np.ndarray) -> None:
    """Fill pixels that no raster covers with the mean of both sides: west and east first, then north and south."""
    for axis in (1, 0):
        before = np.roll(covered, 1, axis)
        after = np.roll(covered, -1, axis)
        gap = ~covered & before & after
        edge = np.s_[:, [0, -1]] if axis == 1 else np.s_[[0, -1], :]
        gap[edge] = False  # `roll` wrapped values around from the other side
        if gap.any():
            mean = (np.roll(pixels, 1, axis + 1) + np.roll(pixels, -1, axis + 1)) / 2
            pixels[:, gap] = mean[:, gap]
            covered |= gap
