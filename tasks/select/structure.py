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
def structure(luma, turned, out):
    """sharpness, blocks, text_share, frame_share, flat_share, blurred_share and seam of one window.

    Args:
        luma: uint8 (n, n). turned: its transpose, without gaps. out: float64 (7,).
    """
    side = luma.shape[0]
    cells = side // CELL
    fine, coarse = np.zeros(side, np.int32), np.zeros(side, np.int32)  # squares of steps over one and over two pixels
    first, second, third, fourth = np.zeros((4, side), np.int32)  # sums of the powers of the values of even rows
    steps_x, steps_y = np.zeros(side, np.int64), np.zeros(side, np.int64)  # |step| to the next column, to the next row
    column_steps = np.zeros(side, np.int32)
    low_x, high_x = np.full(side, 255, np.uint8), np.zeros(side, np.uint8)
    low_y, high_y = np.full(side, 255, np.uint8), np.zeros(side, np.uint8)
    sums_x, sums_y = np.zeros((PARTS, side), np.int32), np.zeros((PARTS, side), np.int32)
    edges = np.arange(PARTS + 1) * side // PARTS
    all_fine, all_coarse = np.int64(0), np.int64(0)
    printed, flat, blurred = 0, 0, 0
    for y in range(side):
        _across(luma, y, fine, coarse, column_steps)
        if y % 2 == 0:
            _powers(luma, y, first, second, third, fourth)
        if y + 2 < side:
            steps_y[y] = _along(luma, y, fine, coarse)
        part = ((y + 1) * PARTS - 1) // side
        _extremes(luma, y, part, low_x, high_x, sums_x)
        _extremes(turned, y, part, low_y, high_y, sums_y)
        if (y + 1) % CELL == 0 or y + 1 == side:
            for x in range(0, side, CELL):
                one, two = _total(fine, x), _total(coarse, x)
                all_fine += one
                all_coarse += two
                if (y + 1) % CELL == 0 and x + CELL <= side:
                    flat += _one_value(luma, y + 1 - CELL, x)
                    blurred += two > CONTRAST**2 * 2 * CELL * CELL and 4 * one - two < 3 * BLURRED * two
                    printed += _two_tones(first, second, third, fourth, x)
            fine[:], coarse[:] = 0, 0
            first[:], second[:], third[:], fourth[:] = 0, 0, 0, 0
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


# Rows are named by number: a slice for each call would cost more than the work on it.


@compiled
def _across(luma, y, fine, coarse, steps):
    """Add one row: squared steps along it, and sizes of the steps."""
    for x in range(luma.shape[1] - 2):
        v = np.int32(luma[y, x])
        one, two = np.int32(np.int32(luma[y, x + 1]) - v), np.int32(np.int32(luma[y, x + 2]) - v)
        fine[x] += one * one
        coarse[x] += two * two
        steps[x] += abs(one)


@compiled
def _powers(luma, y, first, second, third, fourth):
    """Add the first four powers of one row, of quarters of a level above the middle."""
    for x in range(luma.shape[1]):
        v = np.int32((np.int32(luma[y, x]) >> np.int32(2)) - np.int32(32))
        w = np.int32(v * v)
        first[x] += v
        second[x] += w
        third[x] += w * v
        fourth[x] += w * w


@compiled
def _along(luma, y, fine, coarse):
    """Add one row: squared steps down from it; returns the sum of the sizes of the steps to the next row."""
    total = np.int32(0)
    for x in range(luma.shape[1]):
        v = np.int32(luma[y, x])
        one, two = np.int32(np.int32(luma[y + 1, x]) - v), np.int32(np.int32(luma[y + 2, x]) - v)
        fine[x] += one * one
        coarse[x] += two * two
        total = np.int32(total + abs(one))
    return total


@compiled
def _extremes(luma, y, part, low, high, sums):
    """Add one row to the least, the largest and the sum of each column."""
    for x in range(luma.shape[1]):
        low[x] = min(low[x], luma[y, x])
        high[x] = max(high[x], luma[y, x])
        sums[part, x] += np.int32(luma[y, x])


@compiled
def _one_value(luma, top, left):
    """Whether all pixels of a cell are equal."""
    value = luma[top, left]
    for y in range(top, top + CELL):
        for x in range(left, left + CELL):
            if luma[y, x] != value:
                return False
    return True


@compiled
def _total(values, start):
    """Sum of the values of one cell; it must fit 32 bits, which are the fastest."""
    total = np.int32(0)
    for x in range(start, min(start + CELL, values.size)):
        total = np.int32(total + values[x])
    return total


@compiled
def _two_tones(first, second, third, fourth, start):
    """Whether a cell holds two tones far apart: Sarle's coefficient (skewness² + 1) / kurtosis is near 1."""
    share = 2 / (CELL * CELL)
    a, b = _total(first, start) * share, _total(second, start) * share
    variance = b - a * a
    if 16 * variance < PRINT**2:  # the powers are of quarters of a level
        return False
    c, d = _total(third, start) * share, _total(fourth, start) * share
    skewed = c - 3 * a * b + 2 * a * a * a
    peaked = d - 4 * a * c + 6 * a * a * b - 3 * a * a * a * a
    return skewed * skewed + variance * variance * variance > TWO_TONES * peaked * variance


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
    steps = np.zeros(sums.shape[1] - 1)
    for part in range(PARTS):
        length = edges[part + 1] - edges[part]
        if length:
            scale = 1 / length
            for x in range(steps.size):
                step = np.int32(sums[part, x + 1] - sums[part, x]) * scale
                step = MOST_STEP if step > MOST_STEP else step
                steps[x] += -MOST_STEP if step < -MOST_STEP else step
    most = 0.0
    for x in range(steps.size):
        most = max(most, abs(steps[x]) / PARTS)
    return most
