"""The place of a terrain on Earth. Only a terrain made from a person's own raster has one."""

from __future__ import annotations

from typing import NamedTuple

from affine import Affine


class Place(NamedTuple):
    """Georeference of a raster.

    Attributes:
        name: the file that gave it. crs: in WKT. transform: pixel corners to coordinates of the CRS.
    """

    name: str
    crs: str
    transform: Affine
