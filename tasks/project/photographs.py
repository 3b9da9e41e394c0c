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

from tasks.formats.colors.upright import turn_upright
from tasks.project.rasters import Raster, RasterReader


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
            orientation = reader.picture(raster).orientation if raster.layer == "color" else 1
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
    pixels = np.moveaxis(reader.read(picture.raster, Window(*picture.window)), 0, -1)
    return np.ascontiguousarray(np.moveaxis(turn_upright(pixels, picture.orientation), -1, 0))
