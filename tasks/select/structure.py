"""What the luma of a picture shows of its making: sharpness, compression, print, margins, fill, seams.

Cells of 16 × 16 pixels are looked at one by one. Everything is counted in whole numbers, row by row.
"""

from __future__ import annotations

import numpy as np

from tasks.select.compiled import compiled

CELL = 16  # side of the cells that are looked at one by one, pixels
CONTRAST = 3.0  # least root mean square step over two pixels of a cell that can be called blurred, grey levels
BLURRED = 0.06  # most sharpness (of 1) of a blurred cell: an enlargement by two has 0.06 or less
TWO_TONES = 0.8  # least coefficient of bimodality (Sarle's) of a cell with two tones: 5/9 for an even spread, 1 for two
PRINT = 30.0  # least standard deviation of a cell with print, grey levels
PLAIN, SAME = 8, 2  # largest range of a line in a plain margin, and difference to the outermost line, grey levels
PARTS = 16  # parts of a line whose steps are averaged to find a seam
MOST_STEP = 8.0  # most that one part counts, grey levels: a seam runs through all parts, a strong edge through some


@compiled
def structure(luma, out):
    """sharpness, blocks, text_share, frame_share, flat_share, blurred_share and seam of one window."""
    side = luma.shape[0]
    cells = side // CELL
    fine, coarse = np.zeros(side, np.int32), np.zeros(side, np.int32)  # squares of steps over one and over two pixels
    moments = np.zeros((4, side), np.int32)
    steps_x, steps_y = np.zeros(side, np.int64), np.zeros(side, np.int64)  # |step| to the next column, to the next row
    column_steps = np.zeros(side, np.int32)
    low_x, high_x = np.full(side, 255, np.uint8), np.zeros(side, np.uint8)
    low_y, high_y = np.zeros(side, np.uint8), np.zeros(side, np.uint8)
    sums_x, sums_y = np.zeros((PARTS, side), np.int32), np.zeros((PARTS, side), np.int32)
    edges = np.arange(PARTS + 1) * side // PARTS
    all_fine, all_coarse = np.int64(0), np.int64(0)
    printed, flat, blurred = 0, 0, 0
    for y in range(side):
        here = luma[y]
        _across(here, fine, coarse, column_steps, moments)
        if y + 2 < side:
            steps_y[y] = _along(here, luma[y + 1], luma[y + 2], fine, coarse)
        low_y[y], high_y[y] = _extremes(here, low_x, high_x, sums_x[((y + 1) * PARTS - 1) // side])
        _parts(here, edges, sums_y, y)
        if (y + 1) % CELL == 0 or y + 1 == side:
            for x in range(0, side, CELL):
                all_fine += _total(fine[x : x + CELL])
                all_coarse += _total(coarse[x : x + CELL])
            for cell in range(cells if (y + 1) % CELL == 0 else 0):
                inside = slice(cell * CELL, (cell + 1) * CELL)
                one, two = _total(fine[inside]), _total(coarse[inside])
                flat += one + two == 0
                blurred += two > CONTRAST**2 * 2 * CELL * CELL and 4 * one - two < 3 * BLURRED * two
                printed += _two_tones(moments[:, inside])
            fine[:], coarse[:], moments[:] = 0, 0, 0
    for x in range(side):
        steps_x[x] = column_steps[x]
    out[0] = 100 * max(4 * all_fine / all_coarse - 1, 0.0) / 3 if all_coarse else 0.0
    out[1] = 100 * min(_grid(steps_x), _grid(steps_y))
    out[2] = printed / cells**2
    whole_x, whole_y = np.zeros(side), np.zeros(side)
    for part in range(PARTS):
        whole_x += sums_x[part] / side
        whole_y += sums_y[part] / side
    left, right = _margins(low_x, high_x, whole_x)
    top, bottom = _margins(low_y, high_y, whole_y)
    out[3] = 1.0 - max(side - left - right, 0) * max(side - top - bottom, 0) / side**2
    out[4], out[5] = flat / cells**2, blurred / cells**2
    out[6] = max(_seam(sums_x, edges), _seam(sums_y, edges))


@compiled
def _across(here, fine, coarse, steps, moments):
    """Add one row: squared steps along it, sizes of the steps, and the first four powers of its values."""
    after, third = here[1:], here[2:]
    for x in range(here.size - 2):
        v = np.int32(here[x])
        one, two = np.int32(np.int32(after[x]) - v), np.int32(np.int32(third[x]) - v)
        fine[x] += one * one
        coarse[x] += two * two
        steps[x] += abs(one)
    for x in range(here.size):
        v = np.int32((np.int32(here[x]) >> np.int32(2)) - np.int32(32))
        w = np.int32(v * v)
        moments[0, x] += v
        moments[1, x] += w
        moments[2, x] += w * v
        moments[3, x] += w * w


@compiled
def _along(here, next_row, third, fine, coarse):
    """Add one row: squared steps down from it; returns the sum of the sizes of the steps to the next row."""
    total = np.int32(0)
    for x in range(here.size):
        v = np.int32(here[x])
        one, two = np.int32(np.int32(next_row[x]) - v), np.int32(np.int32(third[x]) - v)
        fine[x] += one * one
        coarse[x] += two * two
        total = np.int32(total + abs(one))
    return total


@compiled
def _extremes(here, low, high, sums):
    """Add one row to the least, the largest and the sum of each column; the row's own least and largest."""
    least, most = here[0], here[0]
    for x in range(here.size):
        low[x] = min(low[x], here[x])
        high[x] = max(high[x], here[x])
        sums[x] += np.int32(here[x])
    for x in range(here.size):
        least, most = min(least, here[x]), max(most, here[x])
    return least, most


@compiled
def _parts(here, edges, sums, y):
    """Sums of the parts of one row."""
    for part in range(PARTS):
        total = np.int32(0)
        for x in range(edges[part], edges[part + 1]):
            total = np.int32(total + np.int32(here[x]))
        sums[part, y] = total


@compiled
def _total(values):
    """Sum of some whole numbers; it must fit 32 bits, which are the fastest."""
    total = np.int32(0)
    for x in range(values.size):
        total = np.int32(total + np.int32(values[x]))
    return total


@compiled
def _two_tones(moments):
    """Whether a cell holds two tones far apart: Sarle's coefficient (skewness² + 1) / kurtosis is near 1."""
    n = CELL * CELL
    a, b, c, d = _total(moments[0]) / n, _total(moments[1]) / n, _total(moments[2]) / n, _total(moments[3]) / n
    variance = b - a * a
    if 16 * variance < PRINT**2:  # the moments are of quarters of a level
        return False
    third = c - 3 * a * b + 2 * a**3
    fourth = d - 4 * a * c + 6 * a * a * b - 3 * a**4
    return (third * third / variance**3 + 1) * variance**2 > TWO_TONES * fourth


@compiled
def _grid(steps):
    """Excess of the steps on the strongest of the eight grids of lines over the mean of the other lines."""
    sums, counts = np.zeros(8), np.zeros(8)
    for x in range(steps.size - 2):
        sums[x % 8] += steps[x]
        counts[x % 8] += 1
    means = sums / counts
    rest = (means.sum() - means.max()) / 7
    return means.max() / rest - 1 if rest > 0 else 0.0


@compiled
def _margins(low, high, means):
    """Number of plain lines at both ends, such as rows: of one tone, and alike."""
    counts = np.zeros(2, np.int64)
    for end in range(2):
        outer = 0 if end == 0 else means.size - 1
        for k in range(means.size):
            line = k if end == 0 else means.size - 1 - k
            if int(high[line]) - int(low[line]) > PLAIN or abs(means[line] - means[outer]) > SAME:
                break
            counts[end] += 1
    return counts[0], counts[1]


@compiled
def _seam(sums, edges):
    """Largest mean step along a whole line, of one direction; each part of the line counts `MOST_STEP` at most.

    Args:
        sums: int32 (PARTS, n), the sum of each line in each part of its length. edges: ends of the parts.
    """
    steps = np.zeros(sums.shape[1])
    for part in range(PARTS):
        length = edges[part + 1] - edges[part]
        if length:
            for x in range(1, steps.size):
                step = (sums[part, x] - sums[part, x - 1]) / length
                steps[x] += min(max(step, -MOST_STEP), MOST_STEP)
    most = 0.0
    for x in range(1, steps.size):
        most = max(most, abs(steps[x]) / PARTS)
    return most
