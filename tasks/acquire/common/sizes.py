"""The size of a raster, and windows along its own blocks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from rasterio.io import DatasetReader
from rasterio.windows import Window

from tasks.acquire.common.source import Refusal

MAX_BLOCK_BYTES = 1 << 29  # GDAL holds whole blocks in memory; a file made of one huge block is refused
_SIDE = 2048  # pixels along a side of what is read at a time


def check_sides(cols: int, rows: int, max_pixels: int) -> None:
    """Refuse a raster that is too large or too small, before any pixel is read."""
    if cols * rows > max_pixels:
        raise Refusal(f"claims {cols} × {rows} pixels, more than acquire.max_pixels ({max_pixels})")
    if min(cols, rows) < 2:
        raise Refusal(f"has {cols} × {rows} pixels; ground needs at least 2 × 2")


def check_blocks(dataset: DatasetReader) -> None:
    """Refuse a raster of huge blocks, one of plain samples that is shorter than its header says, or complex numbers."""
    if complex_ := sorted({dtype for dtype in dataset.dtypes if "complex" in dtype}):
        raise Refusal(f"{', '.join(complex_)}: complex numbers are neither heights nor colours")
    for (block_rows, block_cols), dtype in zip(dataset.block_shapes, dataset.dtypes, strict=True):
        if block_rows * block_cols * np.dtype(dtype).itemsize > MAX_BLOCK_BYTES:
            raise Refusal(f"is one block of {block_cols} × {block_rows} pixels; save it tiled")
    if dataset.driver in ("ENVI", "EHdr"):  # GDAL reads what is missing at the end as 0
        expected = dataset.width * dataset.height * sum(np.dtype(dtype).itemsize for dtype in dataset.dtypes)
        actual = Path(dataset.name).stat().st_size
        if actual < expected:
            raise Refusal(f"is cut short: {actual} bytes where its header asks for {expected}")


def windows(dataset: DatasetReader) -> Iterator[Window]:
    """Windows along the file's own blocks, none much larger than 2048² pixels."""
    block_rows, block_cols = dataset.block_shapes[0]
    cols = max(_SIDE // block_cols, 1) * block_cols
    rows = max(_SIDE * _SIDE // min(cols, dataset.width) // block_rows, 1) * block_rows
    for top in range(0, dataset.height, rows):
        for left in range(0, dataset.width, cols):
            yield Window(left, top, min(cols, dataset.width - left), min(rows, dataset.height - top))
