"""The grid of requests of a service: which of its cells an area needs, and how they make up rasters.

The grid hangs on the service alone. The same area gives the same requests, and a larger area only more of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor

import numpy as np
import shapely
from affine import Affine
from pyproj import Transformer
from shapely.geometry import box
from shapely.geometry.base import BaseGeometry

from tasks.acquire.common.area import Area
from tasks.acquire.common.degree_box import lonlat_box
from tasks.acquire.sources.arcgis.service import Level, NotUsable, Service

_HAIR = 1e-6  # of a cell, by which the area must reach into it
_MERCATOR_END = 85.05


@dataclass(frozen=True)
class Item:
    """One raster: cells (row, column) of one block of the grid.

    Attributes:
        block: row and column of the block. cells: sorted.
    """

    block: tuple[int, int]
    cells: tuple[tuple[int, int], ...]

    @property
    def corner(self) -> tuple[int, int]:
        """The least row and column."""
        return min(row for row, _ in self.cells), min(col for _, col in self.cells)

    @property
    def span(self) -> tuple[int, int]:
        """Rows and columns of cells between the outermost ones."""
        top, left = self.corner
        return max(row for row, _ in self.cells) - top + 1, max(col for _, col in self.cells) - left + 1


@dataclass(frozen=True)
class Grid:
    """Cells of `service.cell` pixels at one level; row 0 lies south of the origin and column 0 east of it."""

    service: Service
    level: Level

    def bounds(self, row: int, col: int) -> tuple[float, float, float, float]:
        """West, south, east, north of a cell in the service's CRS."""
        x, y = self.service.origin
        width, height = self._size()
        return x + col * width, y - (row + 1) * height, x + (col + 1) * width, y - row * height

    def transform(self, item: Item) -> Affine:
        """Pixels of an item to coordinates."""
        west, _, _, north = self.bounds(*item.corner)
        return Affine(self.level.resolution, 0, west, 0, -self.level.resolution, north)

    def items(self, area: Area, per_side: int, max_requests: int) -> list[Item]:
        """Items of at most `per_side` × `per_side` cells that the area reaches into, by block.

        Raises:
            NotUsable: the service has no pictures in the area, or the area needs too many requests.
        """
        blocks: dict[tuple[int, int], list[tuple[int, int]]] = {}
        for row, col in self._cells(area, max_requests):
            blocks.setdefault((row // per_side, col // per_side), []).append((row, col))
        items = [Item(block, tuple(sorted(cells))) for block, cells in sorted(blocks.items())]
        found = [item for item in items if area.intersects(*self._lonlat(item))]
        if not found:
            raise NotUsable("url", f"{self.service.name} has no pictures in the area; look at acquire.area")
        return found

    def _cells(self, area: Area, max_requests: int) -> list[tuple[int, int]]:
        wanted = area_in(self.service, area)
        if wanted.is_empty:
            return []
        (x, y), (width, height) = self.service.origin, self._size()
        west, south, east, north = wanted.bounds
        rows = np.arange(floor((y - north) / height), ceil((y - south) / height))
        cols = np.arange(floor((west - x) / width), ceil((east - x) / width))
        if len(rows) * len(cols) > 50 * max_requests:  # not even counted one by one
            raise self._too_many(len(rows) * len(cols), max_requests)
        row, col = (index.ravel() for index in np.meshgrid(rows, cols, indexing="ij"))
        boxes = shapely.box(
            x + (col + _HAIR) * width,
            y - (row + 1 - _HAIR) * height,
            x + (col + 1 - _HAIR) * width,
            y - (row + _HAIR) * height,
        )
        shapely.prepare(wanted)
        hit = shapely.intersects(wanted, boxes)
        if hit.sum() > max_requests:
            raise self._too_many(int(hit.sum()), max_requests)
        return [(int(one), int(other)) for one, other in zip(row[hit], col[hit], strict=True)]

    def _size(self) -> tuple[float, float]:
        cols, rows = self.service.cell
        return cols * self.level.resolution, rows * self.level.resolution

    def _lonlat(self, item: Item) -> tuple[float, float, float, float]:
        rows, cols = item.span
        wide, high = self.service.cell
        return lonlat_box(self.service.crs.to_wkt(), self.transform(item), cols * wide, rows * high)

    def _too_many(self, count: int, limit: int) -> NotUsable:
        return NotUsable(
            "max_requests",
            f"the area needs some {count:,} requests at level {self.level.name}, more than {limit:,}; "
            "choose a smaller area or a coarser level, or raise the limit",
        )


def area_in(service: Service, area: Area) -> BaseGeometry:
    """The part of an area that the service covers, in the service's CRS. Sides bend as the projection bends them."""
    west, south, east, north = service.extent
    side = Affine((east - west) / 64, 0, west, 0, (south - north) / 64, north)
    w, s, e, n = lonlat_box(service.crs.to_wkt(), side, 64, 64)
    if not service.crs.is_geographic:
        s, n = max(s, -_MERCATOR_END), min(n, _MERCATOR_END)
    reach = shapely.union(box(w, s, 180, n), box(-180, s, e, n)) if w > e else box(w, s, e, n)
    part = area.geometry.intersection(reach)
    if part.is_empty or part.area == 0:
        return part
    step = max(part.bounds[2] - part.bounds[0], part.bounds[3] - part.bounds[1]) / 64
    bent = shapely.segmentize(part, step)
    to_service = Transformer.from_crs("EPSG:4326", service.crs, always_xy=True)
    moved = shapely.transform(bent, lambda points: np.column_stack(to_service.transform(points[:, 0], points[:, 1])))
    return shapely.make_valid(moved).intersection(box(*service.extent))


def latitude_of(service: Service, area: Area) -> float:
    """The latitude of the area nearest to the equator, where pixels of Mercator are largest on the ground."""
    part = area_in(service, area)
    if part.is_empty:
        raise NotUsable("url", f"{service.name} has no pictures in the area; look at acquire.area")
    to_lonlat = Transformer.from_crs(service.crs, "EPSG:4326", always_xy=True)
    west, south, east, north = part.bounds
    _, lat = to_lonlat.transform([west, west, east, east], [south, north, south, north])
    return 0.0 if min(lat) <= 0 <= max(lat) else float(min(abs(value) for value in lat))
