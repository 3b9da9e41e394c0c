"""Statistics of windows from the colours of a piece of ground that has heights too."""

from __future__ import annotations

import numpy as np

from tasks.select.columns import COLOR
from tasks.select.compiled import compiled
from tasks.select.windows import Axis


def color_statistics(layer: np.ndarray, down: Axis, across: Axis) -> dict[str, np.ndarray]:
    """Statistics of the windows of one piece from its RGB and mask."""
    color, mask = layer[:3], layer[3] > 0
    rows, row_cells = down.cells()
    cols, col_cells = across.cells()
    cells = _measure_cells(color, mask, rows, cols)
    sums = np.stack([cells[a:b, c:d].sum(axis=(0, 1)) for a, b in row_cells for c, d in col_cells])
    count, luma, luma2, *bands = sums.T
    known = np.where(count > 0, count, np.nan)
    mean = luma / known
    std = np.sqrt(np.maximum(luma2 / known - mean**2, 0))
    columns = dict(zip(COLOR, (mean, std, *(band / known for band in bands)), strict=True))
    columns["void_share"] = (down.px**2 - count) / down.px**2
    return columns


@compiled
def _measure_cells(color, mask, rows, cols):
    """Sums of every cell of a picture: pixels, luma, luma², red, green, blue.

    Args:
        color: uint8 (3, H, W). mask: bool (H, W), true where there is a picture. rows, cols: as above.

    Returns:
        float64 (R, C, 6).
    """
    tall, wide = rows.size - 1, cols.size - 1
    sums = np.zeros((tall, wide, 6))
    for i in range(tall):
        for y in range(rows[i], rows[i + 1]):
            for j in range(wide):
                count, red, green, blue, luma, luma2 = 0, 0, 0, 0, 0, 0
                for x in range(cols[j], cols[j + 1]):
                    if mask[y, x]:
                        r, g, b = np.int64(color[0, y, x]), np.int64(color[1, y, x]), np.int64(color[2, y, x])
                        grey = 299 * r + 587 * g + 114 * b  # Rec. 601, in thousandths
                        count += 1
                        red += r
                        green += g
                        blue += b
                        luma += grey
                        luma2 += grey * grey
                cell = sums[i, j]
                cell[0] += count
                cell[1] += luma / 1e3
                cell[2] += luma2 / 1e6
                cell[3] += red
                cell[4] += green
                cell[5] += blue
    return sums
