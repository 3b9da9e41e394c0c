"""Pictures without a place on Earth: photographs, scans and bare heightmaps become scenes without resampling.

A picture larger than the largest scene is cut into equal parts. A picture with an Exif orientation is turned
upright.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
from rasterio.windows import Window

from tasks.project.rasters import Raster, RasterReader

# Exif orientation: (swap rows and columns, then mirror left-right, then flip top-bottom) to get upright.
_UPRIGHT = {
    1: (False, False, False),
    2: (False, True, False),
    3: (False, True, True),
    4: (False, False, True),
    5: (True, False, False),
    6: (True, True, False),
    7: (True, True, True),
    8: (True, False, True),
}


@dataclass(frozen=True)
class Picture:
    """A scene to make from one raster: `window` is in the file's own pixels, `orientation` as in Exif."""

    name: str
    region: str
    raster: Raster
    window: tuple[int, int, int, int]  # column, row, columns, rows
    orientation: int

    @property
    def pixels(self) -> int:
        """Number of pixels."""
        return self.window[2] * self.window[3]


def cut(rasters: Sequence[Raster], scene_px: int) -> list[Picture]:
    """All pictures, cut where they are larger than `scene_px`. A name is the raster's key as a valid file name."""
    pictures, taken = [], set()
    with RasterReader() as reader:
        for raster in rasters:
            name = stem = re.sub(r"[^A-Za-z0-9_-]+", "-", raster.key).strip("-") or "picture"
            number = 1
            while name in taken:
                number += 1
                name = f"{stem}-{number}"
            taken.add(name)
            region = PurePosixPath(raster.key).parent.name or "pictures"
            orientation = _orientation(reader.dataset(raster).tags())
            across, down = -(-raster.cols // scene_px), -(-raster.rows // scene_px)
            cols, rows = (np.linspace(0, n, k + 1).astype(int) for n, k in ((raster.cols, across), (raster.rows, down)))
            for r in range(down):
                for c in range(across):
                    window = (int(cols[c]), int(rows[r]), int(cols[c + 1] - cols[c]), int(rows[r + 1] - rows[r]))
                    part = f"{name}-r{r:02d}c{c:02d}" if across * down > 1 else name
                    pictures.append(Picture(part, region, raster, window, orientation))
    return sorted(pictures, key=lambda picture: picture.name)


def read_picture(picture: Picture, reader: RasterReader) -> np.ndarray:
    """Upright pixels, float32 (bands, H, W) with NaN for void."""
    pixels = reader.read(picture.raster, Window(*picture.window))
    swap, mirror, flip = _UPRIGHT[picture.orientation]
    if swap:
        pixels = pixels.swapaxes(1, 2)
    return np.ascontiguousarray(pixels[:, :: -1 if flip else 1, :: -1 if mirror else 1])


def _orientation(tags: dict[str, str]) -> int:
    value = tags.get("EXIF_Orientation", "1").strip()
    return int(value) if value.isdigit() and int(value) in _UPRIGHT else 1
