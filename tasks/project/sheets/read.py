"""Scans at a reduced size, so that the memory of a worker does not grow with the scan."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import rasterio
from rasterio.windows import Window

from tasks.core.errors import LandloomError
from tasks.formats.colors.read import open_colors
from tasks.formats.colors.upright import turn_upright

_STRIP = 1 << 22  # pixels that are read at a time
_CACHE_MB = 128  # of GDAL: a row of blocks of a scan with 80,000 columns, so that no block is decoded twice


@dataclass(frozen=True)
class Reduced:
    """A scan, upright: `rgb` uint8 (H, W, 3), `known` bool (H, W), and its full size in pixels."""

    rgb: np.ndarray
    known: np.ndarray
    cols: int
    rows: int

    @property
    def scale(self) -> float:
        """Reduced pixels a full pixel."""
        return max(self.rgb.shape[:2]) / max(self.cols, self.rows)


def read_reduced(path: Path, largest: int) -> Reduced:
    """Read a scan with its longer side reduced to between `largest` and 2 · `largest` pixels, by area means.

    Smaller scans come at full size. JPEG is decoded at a reduced size, TIFF and JPEG 2000 are read in strips. PNG and
    WebP are decoded as a whole.

    Raises:
        ValueError: the file is no whole picture; the message names no file. LandloomError: it cannot be read.
    """
    with rasterio.Env(GDAL_CACHEMAX=_CACHE_MB), open_colors(path, largest=largest) as file:
        factor = max(1, max(file.cols, file.rows) // largest)
        whole = not hasattr(file, "dataset")
        if whole:
            rgb, known = file.read()
            rgb, known = _shrunk(rgb, known, max(1, max(rgb.shape[:2]) // largest))
        else:
            step = max(1, _STRIP // (file.cols * factor)) * factor
            parts = []
            for top in range(0, file.rows, step):
                strip = file.read(Window(0, top, file.cols, min(step, file.rows - top)))
                parts.append(_shrunk(*strip, factor))
            rgb, known = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        turned = file.orientation >= 5
        cols, rows = (file.rows, file.cols) if turned else (file.cols, file.rows)
        return Reduced(turn_upright(rgb, file.orientation), turn_upright(known, file.orientation), cols, rows)


def to_side(scan: Reduced, largest: int) -> Reduced:
    """The scan with a longer side of at most `largest` pixels."""
    share = largest / max(scan.rgb.shape[:2])
    if share >= 1:
        return scan
    rows, cols = (max(1, round(side * share)) for side in scan.known.shape)
    rgb = cv2.resize(scan.rgb, (cols, rows), interpolation=cv2.INTER_AREA)
    known = cv2.resize(scan.known.astype(np.uint8) * 255, (cols, rows), interpolation=cv2.INTER_AREA) > 127
    return Reduced(rgb, known, scan.cols, scan.rows)


def _shrunk(rgb: np.ndarray, known: np.ndarray, factor: int) -> tuple[np.ndarray, np.ndarray]:
    """Means of blocks of `factor` pixels a side; the last blocks of a row and of a column may be smaller."""
    if factor == 1:
        return rgb, known
    rows, cols = (-(-side // factor) for side in known.shape)
    pad = (0, rows * factor - known.shape[0], 0, cols * factor - known.shape[1])
    rgb = cv2.copyMakeBorder(rgb, *pad, cv2.BORDER_REPLICATE)
    known = cv2.copyMakeBorder(known.astype(np.uint8) * 255, *pad, cv2.BORDER_REPLICATE)
    rgb = cv2.resize(rgb, (cols, rows), interpolation=cv2.INTER_AREA)
    return rgb, cv2.resize(known, (cols, rows), interpolation=cv2.INTER_AREA) > 127


class ScanReader:
    """Reads scans for rendering, and keeps the last one: the squares of a scan follow one another."""

    def __init__(self) -> None:
        self._last: tuple[str, int] | None = None
        self._scan: Reduced | None = None

    def read(self, key: str, path: str, largest: int) -> Reduced:
        """The scan of ledger key `key`. Raise LandloomError if it cannot be read any more."""
        if self._last != (path, largest):
            self._scan = None  # two scans are never held at the same time
            try:
                self._scan = read_reduced(Path(path), largest)
            except ValueError as error:
                raise LandloomError(f"{key}: {path} {error}; delete it and run acquire again") from None
            self._last = (path, largest)
        return self._scan
