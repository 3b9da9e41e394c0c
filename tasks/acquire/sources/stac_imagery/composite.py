"""One raster of 8 bits from one scene, or from the median of several of the same place."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from pyproj import Transformer
from rasterio.windows import Window

from tasks.acquire.common.area import Area
from tasks.acquire.common.rgb import rgb_geotiff
from tasks.acquire.common.source import Refusal
from tasks.acquire.sources.stac_imagery.params import Fixed, Params
from tasks.acquire.sources.stac_imagery.scene import Grid, Scene
from tasks.acquire.sources.stac_imagery.stretch import Counts, Curve, fixed_curve, region_curve

Placed = tuple[Scene, tuple[int, int]]
"""A scene, and the columns and rows from the raster's grid to its own."""

_SIDE = 1024  # pixels of what is composed at a time; whole blocks of the output, so that each is written once
_NEGATIVE, _NEGATIVE_SHARE = -0.02, 0.05  # reflectance, and share of pixels below it, that no atmosphere explains


def compose(scenes: list[Scene], area: Area, params: Params, path: Path, left_out: dict[str, str]) -> None:
    """Write a GeoTIFF of the area's window with red, green and blue, a mask, and the recipe among its tags.

    Args:
        scenes: opened, all on the grid of the first one, which is the raster's.
        left_out: scenes of the same place that could not be used, and why; for the recipe.

    Raises:
        Refusal: the area misses the scene, too little of it is clear, or its numbers contradict its metadata.
    """
    grid = scenes[0].grid
    fitting = [(scene, scene.shift(grid) or (0, 0)) for scene in scenes]
    window = area_window(area, grid)
    curve, share = _measured(fitting, window, params)
    transform = grid.transform @ grid.transform.translation(window.col_off, window.row_off)
    recipe = {**_recipe(scenes, params, curve, share), "left_out": left_out}
    tags = {"RECIPE": json.dumps(recipe, sort_keys=True)}
    with rgb_geotiff(path, window.height, window.width, grid.crs, transform, tags) as target:
        for part in _parts(window):
            values, known = _composed(fitting, part, window)
            levels = curve(values) if curve else np.nan_to_num(np.floor(values + 0.5)).astype(np.uint8)
            target.write(levels * known, window=part)
            target.write_mask(known, window=part)


def area_window(area: Area, grid: Grid) -> Window:
    """The whole pixels of a grid that hold the area, as far as the grid goes."""
    to_grid = Transformer.from_crs("EPSG:4326", grid.crs, always_xy=True)
    to_lonlat = Transformer.from_crs(grid.crs, "EPSG:4326", always_xy=True)
    west, south, east, north = to_lonlat.transform_bounds(*_bounds(grid), densify_pts=21)
    box = shapely.box(west, south, east, north) if west <= east else shapely.box(west, south, east + 360, north)
    part = area.geometry.intersection(box)
    if west > east:
        part = part.union(shapely.affinity.translate(area.geometry, 360).intersection(box))
    if part.is_empty or part.area == 0:
        raise Refusal("outside the area")
    points = shapely.get_coordinates(shapely.segmentize(part, max(box.length / 400, 1e-9)))
    col, row = ~grid.transform @ to_grid.transform(points[:, 0], points[:, 1])
    left, top = max(int(np.floor(col.min())), 0), max(int(np.floor(row.min())), 0)
    right, bottom = min(int(np.ceil(col.max())), grid.cols), min(int(np.ceil(row.max())), grid.rows)
    if right - left < 2 or bottom - top < 2:
        raise Refusal("outside the area")
    return Window(left, top, right - left, bottom - top)


def _bounds(grid: Grid) -> tuple[float, float, float, float]:
    (left, top), (right, bottom) = grid.transform @ (0, 0), grid.transform @ (grid.cols, grid.rows)
    return min(left, right), min(top, bottom), max(left, right), max(top, bottom)


def _measured(fitting: list[Placed], window: Window, params: Params) -> tuple[Curve | None, float]:
    """The stretch, and the share of clear pixels. Each pixel is looked at once before any is written."""
    counts, clear, total, below = Counts(), 0, 0, 0
    reflectance = bool(fitting[0][0].calibrations)
    region = reflectance and not isinstance(params.stretch, Fixed)
    for part in _parts(window):
        values, known = _composed(fitting, part, window)
        clear, total = clear + int(known.sum()), total + known.size
        below += int((np.nan_to_num(values) < _NEGATIVE).any(axis=0).sum())
        if region:
            counts.add(values)
    if total == 0 or clear < params.min_clear * total or clear == 0:
        raise Refusal(
            f"only {100 * clear / max(total, 1):.0f} % of it is clear, less than min_clear ({params.min_clear:g}); "
            "another time, or compose: median, may have more"
        )
    if reflectance and below > _NEGATIVE_SHARE * clear:
        raise Refusal(
            f"{100 * below / clear:.0f} % of it would reflect less than nothing: its numbers do not have the offset "
            "that its metadata states; take another collection"
        )
    if not reflectance:
        return None, clear / total
    if isinstance(params.stretch, Fixed):
        return fixed_curve(params.stretch, params.look), clear / total
    return region_curve(params.stretch, counts), clear / total


def _composed(fitting: list[Placed], part: Window, window: Window) -> tuple[np.ndarray, np.ndarray]:
    """Values (3, H, W), NaN where unknown, and whether they are known (H, W), of a part of the output."""
    place = Window(part.col_off + window.col_off, part.row_off + window.row_off, part.width, part.height)
    stack, seen = [], []
    for scene, shift in fitting:
        values, ground = scene.read(place, shift)
        stack.append(np.where(ground, values, np.float32(np.nan)))
        seen.append(ground)
    if len(stack) == 1:
        return stack[0], seen[0]
    return median(np.stack(stack)), np.logical_or.reduce(seen)


def median(stack: np.ndarray) -> np.ndarray:
    """Median of what is no NaN along the first axis, float32 (n, …) to (…); NaN where everything is."""
    ordered = np.sort(stack, axis=0)  # NaN comes last
    count = np.isfinite(ordered).sum(axis=0, keepdims=True)
    low, high = np.maximum((count - 1) // 2, 0), np.minimum(count // 2, len(stack) - 1)
    middle = (np.take_along_axis(ordered, low, 0) + np.take_along_axis(ordered, high, 0)) * np.float32(0.5)
    return np.where(count > 0, middle, np.float32(np.nan))[0]


def _parts(window: Window) -> Iterator[Window]:
    """Windows of the output, row by row."""
    for top in range(0, window.height, _SIDE):
        for left in range(0, window.width, _SIDE):
            yield Window(left, top, min(_SIDE, window.width - left), min(_SIDE, window.height - top))


def _recipe(scenes: list[Scene], params: Params, curve: Curve | None, share: float) -> dict[str, Any]:
    """All that made the pixels, in the order of the scenes."""
    return {
        "product": params.product,
        "look": params.look,
        "compose": params.compose,
        "mask": params.mask,
        "items": [str(scene.item["id"]) for scene in scenes],
        "datetimes": [str((scene.item.get("properties") or {}).get("datetime")) for scene in scenes],
        "assets": scenes[0].assets,
        "scale_offset": [scene.calibrations for scene in scenes],
        "stretch": {"kind": params.stretch.kind, **curve.record()} if curve else None,
        "clear_share": round(share, 4),
    }
