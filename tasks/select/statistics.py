"""All statistics of all windows of a scene, from one read of its pixels.

Shannon entropy uses bins of fixed width in metres or degrees that start at zero. With bins fitted to each tile,
hills and mountains would have equal entropy.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import numpy as np
import pandas as pd
from rasterio.windows import Window

from tasks.core.errors import LandloomError
from tasks.formats.tables.scenes import SceneReader
from tasks.select import window_cells
from tasks.select.colors import color_statistics
from tasks.select.columns import HEIGHT, PICTURE, STATISTICS
from tasks.select.phash import window_hashes
from tasks.select.photometry import picture_statistics
from tasks.select.windows import Axis, pieces, window_starts

FINE_SLOPE = 0.1  # degrees: width of the bins for the 95 % quantile of slope
MOST_BINS = 1 << 20
Columns = dict[str, np.ndarray]


def measure_windows(
    reader: SceneReader, scene: pd.Series, px: int, stride: int, bin_m: float, bin_deg: float
) -> Columns:
    """Measure all windows of a scene, from north to south and west to east.

    Args:
        scene: its row of the scene table. Without a GSD, slope and roughness are null.
        px, stride: side of a window and distance between windows, in pixels.
        bin_m, bin_deg: widths of the entropies' bins.

    Returns:
        Arrays (n,): `row`, `col` (first pixel, int), `STATISTICS` (float64, rounded to 1e-6 but for
        shares, NaN where undefined) and `phash` (uint64, of heights where there are any, else of luma).
        Of a picture, a scene without heights, also `PICTURE` and `marks` (`tasks.select.marks`).
        Arrays are empty (n = 0) where the scene is smaller than a window.
    """
    name, gsd = scene["scene"], float(scene["gsd"])
    layers = reader.layers(name)
    shape = (int(scene["rows"]), int(scene["cols"]))
    rows, cols = (window_starts(length, px, stride) for length in shape)
    parts = []
    for down, across in pieces(rows, cols, px, stride):
        measured: list[Columns] = []
        if "height" in layers:
            heights = _read_with_border(reader, name, shape, down, across)
            measured.append(_of_heights(heights, name, down, across, gsd, bin_m, bin_deg))
        if "color" in layers:
            window = Window(across.begin, down.begin, across.end - across.begin, down.end - down.begin)
            color = reader.color(name, window)
            measured.append((color_statistics if "height" in layers else picture_statistics)(color, down, across))
        row, col = np.meshgrid(down.starts, across.starts, indexing="ij")
        columns = {"row": row.ravel(), "col": col.ravel()}
        for part in measured:
            columns |= part
        columns["void_share"] = np.maximum.reduce([part["void_share"] for part in measured])
        parts.append(columns)
    whole = {column: np.concatenate([part[column] for part in parts]) for column in parts[0]} if parts else {}
    return _tidy(whole, STATISTICS if "height" in layers else STATISTICS | PICTURE)


def _tidy(columns: Columns, names: Iterable[str]) -> Columns:
    """All columns, rounded, in the order of rows and columns; missing columns are NaN."""
    count = len(columns.get("row", ()))
    order = np.lexsort((columns["col"], columns["row"])) if count else np.empty(0, np.int64)
    tidy = {name: columns[name][order] if count else np.empty(0, np.int64) for name in ("row", "col")}
    for name in names:
        values = columns[name][order] if name in columns else np.full(count, np.nan)
        tidy[name] = values if name.endswith("_share") else values.round(6)
    tidy["phash"] = columns["phash"][order] if count else np.empty(0, np.uint64)
    if "marks" in columns:
        tidy["marks"] = columns["marks"][order]
    return tidy


def _of_heights(
    heights: np.ndarray, scene: str, down: Axis, across: Axis, gsd: float, bin_m: float, bin_deg: float
) -> Columns:
    """Statistics and hash of the windows of one piece, from its heights (with a border of one pixel)."""
    rows, row_cells = down.cells()
    cols, col_cells = across.cells()
    base, bins = _height_bins(heights, bin_m, scene)
    group = int(np.ceil(bin_deg / FINE_SLOPE))
    fine = bin_deg / group
    measured = window_cells.measure_cells(
        heights, rows, cols, gsd, np.float32(bin_m), base, bins, np.float32(fine), int(90 / fine) + 1
    )
    values = window_cells.join_cells(*measured, row_cells, col_cells, down.px**2, fine, group, _clog(down.px**2))
    columns = dict(zip(("void_share", *HEIGHT), values.T, strict=True))
    columns["phash"] = window_hashes(heights[1:-1, 1:-1], down, across)
    return columns


def _read_with_border(reader: SceneReader, scene: str, shape: tuple[int, int], down: Axis, across: Axis) -> np.ndarray:
    """Heights of a piece and of one pixel around it; NaN beyond the scene."""
    top, left = max(down.begin - 1, 0), max(across.begin - 1, 0)
    bottom, right = min(down.end + 1, shape[0]), min(across.end + 1, shape[1])
    inner = reader.height(scene, Window(left, top, right - left, bottom - top))
    heights = np.full((down.end - down.begin + 2, across.end - across.begin + 2), np.nan, np.float32)
    y, x = top - (down.begin - 1), left - (across.begin - 1)
    heights[y : y + inner.shape[0], x : x + inner.shape[1]] = inner
    return heights


def _height_bins(heights: np.ndarray, bin_m: float, scene: str) -> tuple[int, int]:
    """Index of the first height bin of a piece, and the number of bins."""
    low, high = window_cells.span(heights)
    if low > high:
        return 0, 1
    if not (high - low) / bin_m < MOST_BINS:
        raise LandloomError(
            f"scene {scene}: heights run from {low:g} to {high:g} m, which is no terrain; "
            "look for a void code that the raster does not declare (acquire's `overrides` can name it)"
        )
    first, last = (int(np.floor(np.float32(edge) / np.float32(bin_m))) for edge in (low, high))
    return first, last - first + 1


@cache
def _clog(pixels: int) -> np.ndarray:
    """c · log2 c for c from 0 to `pixels`, with 0 · log2 0 = 0."""
    counts = np.arange(pixels + 1, dtype=np.float64)
    return counts * np.log2(np.maximum(counts, 1))
