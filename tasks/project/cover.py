"""Cover the ground of the sources with scenes.

Sources that touch or overlap form one group, so that neighbours are mosaicked. A group is cut into bands of
latitude, a band into stretches of longitude, and a stretch into equal cells. Every cell gets its own grid. A pole
that a group reaches gets one round cell. Empty ground between groups gets no scene. Longitudes are never
compared across 180° as plain numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from shapely import STRtree, affinity, box, get_parts, unary_union
from shapely.geometry.base import BaseGeometry

from tasks.project.grids import MAX_SIDE, Grid, grid_over, metres_per_degree

_POLE_METRES = metres_per_degree(90.0)[1]  # a degree of latitude at the pole
_CAP = 0.49  # radius of a pole's cell in scene sides: below 0.5, so that the rounded cell still fits


@dataclass(frozen=True)
class Block:
    """A scene to make: its grid, and the indices of the sources of its group that reach it."""

    grid: Grid
    members: tuple[int, ...]


def cover(
    footprints: Sequence[BaseGeometry], reach: Sequence[float], gsd: float, scene_px: int, method: str
) -> list[Block]:
    """Blocks that together hold every point of every footprint.

    Args:
        footprints: WGS 84 polygons within ±180° (see `footprint.wrap`). reach: metres (one value a footprint);
            a neighbour within this distance counts as touching.
    """
    blocks = []
    for group in groups(footprints, reach, gsd, scene_px):
        shapes = [footprints[i] for i in group]
        tree = STRtree(shapes)
        for grid in _group_grids(shapes, gsd, scene_px, method):
            members = tuple(sorted(group[k] for k in tree.query(grid.footprint(), predicate="intersects")))
            if members:
                blocks.append(Block(grid, members))
    return _distinct(blocks)


def groups(footprints: Sequence[BaseGeometry], reach: Sequence[float], gsd: float, scene_px: int) -> list[list[int]]:
    """Indices of the footprints, in groups that touch. Groups and members are in the order of their first index."""
    if not footprints:
        return []
    cap = _cap_latitude(gsd, scene_px)
    shapes, owner = [], []
    for index, (shape, metres) in enumerate(zip(footprints, reach, strict=True)):
        grown = _grow(shape, metres)
        shapes += [grown, affinity.translate(grown, 360)]  # the copy touches neighbours on the other side of 180°
        owner += [index, index]
    tree, parent = STRtree(shapes), list(range(len(footprints)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = i = parent[parent[i]]
        return i

    def join(i: int, j: int) -> None:
        low, high = sorted((root(i), root(j)))
        parent[high] = low

    for a, b in np.asarray(tree.query(shapes, predicate="intersects")).T:
        join(owner[a], owner[b])
    for pole in (1, -1):  # all footprints that reach a pole share its cell
        there = [i for i, shape in enumerate(footprints) if max(pole * shape.bounds[1], pole * shape.bounds[3]) >= cap]
        for i in there[1:]:
            join(there[0], i)
    found: dict[int, list[int]] = {}
    for i in range(len(footprints)):
        found.setdefault(root(i), []).append(i)
    return list(found.values())


def _grow(shape: BaseGeometry, metres: float) -> BaseGeometry:
    """The shape in degrees, grown by at least `metres`. It grows more towards the poles; that is harmless."""
    _, south, _, north = shape.bounds
    east, _ = metres_per_degree(min(max(abs(south), abs(north)), 89.0))
    return shape.buffer(metres / east, join_style="mitre", quad_segs=1)


def _side(gsd: float, scene_px: int) -> float:
    return min(scene_px * gsd, MAX_SIDE)


def _cap_latitude(gsd: float, scene_px: int) -> float:
    """Latitude beyond which ground belongs to the cell of the pole."""
    return 90 - _CAP * _side(gsd, scene_px) / _POLE_METRES


def _group_grids(shapes: list[BaseGeometry], gsd: float, scene_px: int, method: str) -> Iterator[Grid]:
    ground = unary_union(shapes)
    px = int(_side(gsd, scene_px) / gsd)
    cap = _cap_latitude(gsd, scene_px)
    _, south, _, north = ground.bounds
    if method == "local_equal_area":
        if south <= -cap:
            yield _cap_grid(ground, -1, cap, gsd)
        if north >= cap:
            yield _cap_grid(ground, 1, cap, gsd)
        south, north = max(south, -cap), min(north, cap)
    if north <= south:
        return
    rows = max(1, int(np.ceil((north - south) * _POLE_METRES * 0.99 / (px * gsd))))
    while (grids := _band_grids(ground, np.linspace(south, north, rows + 1), px, gsd, method)) is None:
        rows += 1
    yield from grids


def _cap_grid(ground: BaseGeometry, pole: int, cap: float, gsd: float) -> Grid:
    """The round cell at a pole, just large enough for the ground there."""
    there = ground.intersection(box(-180, pole * cap, 180, pole * 90) if pole > 0 else box(-180, -90, 180, -cap))
    edge = min(abs(there.bounds[1]), abs(there.bounds[3]))
    lon = np.arange(0.0, 360.0, 1.0)
    return grid_over(lon, np.full_like(lon, pole * edge), (0.0, pole * 90.0), "local_equal_area", gsd)


def _band_grids(ground: BaseGeometry, edges: np.ndarray, px: int, gsd: float, method: str) -> list[Grid] | None:
    """Grids of all cells of all bands, or None where a band is too high for `px` pixels."""
    grids = []
    for south, north in zip(edges[:-1], edges[1:], strict=True):
        for west, east in _stretches(ground, south, north, 2 * gsd):
            fitting = _stretch_grids(ground, (west, south, east, north), px, gsd, method)
            if fitting is None:
                return None
            grids += fitting
    return grids


def _stretch_grids(
    ground: BaseGeometry, bounds: tuple[float, float, float, float], px: int, gsd: float, method: str
) -> list[Grid] | None:
    """The fewest equal cells of one stretch that are at most `px` pixels a side; None where no number is enough."""
    west, south, east, north = bounds
    widest = 0.0 if south <= 0 <= north else min(abs(south), abs(north))
    least = max(1, int(np.ceil((east - west) * metres_per_degree(widest)[0] * 0.98 / (px * gsd))))
    for cols in range(least, 2 * least + 4):
        edges = np.linspace(west, east, cols + 1)
        whole = _cell_grid(edges[0], south, edges[1], north, gsd, method)
        if whole.cols > px or whole.rows > px:  # all cells of a stretch have one shape
            continue
        cells = [_ground_within(ground, (a, south, b, north)) for a, b in zip(edges[:-1], edges[1:], strict=True)]
        grids = [_cell_grid(*cell, gsd, method) for cell in cells if cell is not None]
        # Each cell is checked too: rounding of its centre can add a pixel.
        if all(grid.cols <= px and grid.rows <= px for grid in grids):
            return grids
    return None


def _cell_grid(west: float, south: float, east: float, north: float, gsd: float, method: str) -> Grid:
    t = np.linspace(0, 1, 33)
    lon = np.concatenate([west + (east - west) * t, west + (east - west) * t, np.full(33, west), np.full(33, east)])
    lat = np.concatenate([np.full(33, south), np.full(33, north), *[south + (north - south) * t] * 2])
    return grid_over(lon, lat, ((west + east) / 2, (south + north) / 2), method, gsd)


def _stretches(ground: BaseGeometry, south: float, north: float, gap: float) -> list[tuple[float, float]]:
    """Ranges of longitude (west, east) with ground in the band; east may pass 180. Gaps up to `gap` metres close."""
    near = gap / metres_per_degree(min(max(abs(south), abs(north)), 89.0))[0]
    parts = get_parts(ground.intersection(box(-180, south, 180, north)))
    spans = sorted((part.bounds[0], part.bounds[2]) for part in parts if part.area > 0)
    merged: list[list[float]] = []
    for west, east in spans:
        if merged and west <= merged[-1][1] + near:
            merged[-1][1] = max(merged[-1][1], east)
        else:
            merged.append([west, east])
    if len(merged) > 1 and merged[0][0] + 360 - merged[-1][1] <= near:
        merged[-1][1] = merged.pop(0)[1] + 360  # the two ranges meet at 180° and are one
    return [(west, min(east, west + 360)) for west, east in merged]


def _ground_within(
    ground: BaseGeometry, bounds: tuple[float, float, float, float]
) -> tuple[float, float, float, float] | None:
    """West, south, east, north of the ground in a cell whose east may pass 180, or None where there is none."""
    west, south, east, north = bounds
    here = ground.intersection(box(*bounds))
    if east > 180:
        beyond = ground.intersection(box(west - 360, south, east - 360, north))
        here = unary_union([here, affinity.translate(beyond, 360)])
    return here.bounds if here.area > 0 else None


def _distinct(blocks: list[Block]) -> list[Block]:
    """The blocks sorted by name. Where several have the same centre, the second and later ones get a number."""
    seen: dict[str, int] = {}
    out = []
    for block in blocks:
        count = seen.get(block.grid.name, 0)
        seen[block.grid.name] = count + 1
        name = block.grid.name + (f"-{count + 1}" if count else "")
        out.append(replace(block, grid=replace(block.grid, name=name)))
    return sorted(out, key=lambda block: block.grid.name)
