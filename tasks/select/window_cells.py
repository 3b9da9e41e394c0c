"""Compiled inner loops that compute statistics of windows from the heights of a piece of ground.

The ground is cut at every start and end of a window. The parts are called *cells*. Each cell is measured once, and a
window adds up the sums of its cells. So overlap of windows costs nothing.

Nothing here is compiled with `fastmath`, and sums have a fixed order, so every machine gets the same bits. Slopes use
the arctangent below for the same reason: libraries differ in its last bit.
"""

from __future__ import annotations

import numpy as np

from tasks.select.compiled import compiled

# Slots of a cell's sums.
ZERO, SEA, SUM, LOW, HIGH, SLOPE, SLOPE2, RUGGED = range(8)

_QUARTER, _HALF = np.float32(np.pi / 4), np.float32(np.pi / 2)
_TAN1, _TAN3 = np.float32(np.tan(np.pi / 8)), np.float32(np.tan(3 * np.pi / 8))
_C0, _C1 = np.float32(-3.33329491539e-1), np.float32(1.99777106478e-1)
_C2, _C3 = np.float32(-1.38776856032e-1), np.float32(8.05374449538e-2)
_ONE, _NONE, _TWO = np.float32(1), np.float32(0), np.float32(2)
_DEGREES = np.float32(180 / np.pi)


@compiled
def _slopes(up, here, down, scale, out):
    """One row of slopes in degrees (Horn's 3×3), NaN where a neighbour is NaN; `scale` is 1 / (8 gsd).

    The arctangent is the single-precision one of Cephes: three ranges and a polynomial, exact to 2e-7 rad.
    """
    for x in range(out.size):
        dx = (up[x + 2] - up[x] + _TWO * (here[x + 2] - here[x]) + down[x + 2] - down[x]) * scale
        dy = (up[x] - down[x] + _TWO * (up[x + 1] - down[x + 1]) + up[x + 2] - down[x + 2]) * scale
        # Horn's differences do not use the centre; this term makes the slope of a void centre NaN.
        t = np.sqrt(dx * dx + dy * dy) + (here[x + 1] - here[x + 1])
        steep, middle = t > _TAN3, t > _TAN1
        above = -_ONE if steep else (t - _ONE if middle else t)
        below = t if steep else (t + _ONE if middle else _ONE)
        offset = _HALF if steep else (_QUARTER if middle else _NONE)
        r = above / below
        z = r * r
        angle = offset + (((_C3 * z + _C2) * z + _C1) * z + _C0) * z * r + r
        out[x] = angle * _DEGREES


@compiled
def _ruggedness(up, here, down, out):
    """One row of the terrain ruggedness index: root of the sum of squared differences to the eight neighbours."""
    for x in range(out.size):
        h = here[x + 1]
        a, b, c = up[x] - h, up[x + 1] - h, up[x + 2] - h
        d, e = here[x] - h, here[x + 2] - h
        f, g, i = down[x] - h, down[x + 1] - h, down[x + 2] - h
        out[x] = np.sqrt(a * a + b * b + c * c + d * d + e * e + f * f + g * g + i * i)


@compiled
def _open_water(up, here, down, zero, sea):
    """Two rows: 1 where a pixel is at 0 m, and 1 where its neighbours too are all at 0 m or void."""
    for x in range(zero.size):
        land = (
            (abs(up[x]) > 0) | (abs(up[x + 1]) > 0) | (abs(up[x + 2]) > 0)
            | (abs(here[x]) > 0) | (abs(here[x + 2]) > 0)
            | (abs(down[x]) > 0) | (abs(down[x + 1]) > 0) | (abs(down[x + 2]) > 0)
        )  # fmt: skip
        level = here[x + 1] == 0
        zero[x] = _ONE if level else _NONE
        sea[x] = _ONE if level & (not land) else _NONE


@compiled
def _bins(values, width, base, count, out):
    """Bin numbers floor(value / width) - base of one row; NaN has the bin after the last, `count`."""
    for x in range(out.size):
        v = values[x]
        out[x] = np.int32(np.floor(v / width)) - base if v == v else count


# Sums are kept for each pixel column and added up at the end. Columns are independent, so the compiler can
# vectorise over them without changing the order of additions.


@compiled
def _sum(values, into):
    for x in range(into.size):
        v = values[x]
        into[x] += v if v == v else _NONE


@compiled
def _sum_squares(values, into):
    for x in range(into.size):
        v = np.float64(values[x])
        into[x] += v * v if v == v else 0.0


@compiled
def _spread(values, low, high):
    for x in range(low.size):
        v = np.float64(values[x])
        low[x] = v if v < low[x] else low[x]
        high[x] = v if v > high[x] else high[x]


@compiled
def measure_cells(heights, rows, cols, gsd, height_bin, height_base, height_bins, slope_bin, slope_bins):
    """Measure every cell of a piece of ground once.

    Args:
        heights: float32 (H + 2, W + 2) metres, NaN for void, with a border of one pixel.
        rows, cols: where cells begin and end, ascending, from 0 to H and to W.
        gsd: metres a pixel. height_bin, slope_bin: widths in metres and degrees (float32).
        height_base: number of the first height bin. height_bins, slope_bins: how many there are.

    Returns:
        sums: float64 (R, C, 8), slots as named above; low and high are infinite where all is void.
        height_counts: int32 (R, C, height_bins + 1); the last bin counts the voids.
        slope_counts: int32 (R, C, slope_bins + 1); the last bin counts pixels without a slope.
    """
    tall, wide = rows.size - 1, cols.size - 1
    sums = np.zeros((tall, wide, 8))
    height_counts = np.zeros((tall, wide, height_bins + 1), np.int32)
    slope_counts = np.zeros((tall, wide, slope_bins + 1), np.int32)
    width = heights.shape[1] - 2
    slope, rugged = np.empty(width, np.float32), np.empty(width, np.float32)
    zero, sea = np.empty(width, np.float32), np.empty(width, np.float32)
    height_index, slope_index = np.empty(width, np.int32), np.empty(width, np.int32)
    column = np.empty((8, width))  # the slots of each pixel column, over one row of cells
    scale = np.float32(1 / (8 * gsd))
    for i in range(tall):
        column[:] = 0
        column[LOW], column[HIGH] = np.inf, -np.inf
        for y in range(rows[i], rows[i + 1]):
            up, here, down = heights[y], heights[y + 1], heights[y + 2]
            middle = here[1:-1]
            _slopes(up, here, down, scale, slope)
            _ruggedness(up, here, down, rugged)
            _open_water(up, here, down, zero, sea)
            _bins(middle, height_bin, height_base, height_bins, height_index)
            _bins(slope, slope_bin, 0, slope_bins, slope_index)
            _sum(zero, column[ZERO])
            _sum(sea, column[SEA])
            _sum(middle, column[SUM])
            _sum(slope, column[SLOPE])
            _sum_squares(slope, column[SLOPE2])
            _sum(rugged, column[RUGGED])
            _spread(middle, column[LOW], column[HIGH])
            for j in range(wide):
                of_height, of_slope = height_counts[i, j], slope_counts[i, j]
                for x in range(cols[j], cols[j + 1]):
                    of_height[height_index[x]] += 1
                    of_slope[slope_index[x]] += 1
        for j in range(wide):
            part = column[:, cols[j] : cols[j + 1]]
            for slot in range(8):
                sums[i, j, slot] = part[slot].sum()
            sums[i, j, LOW], sums[i, j, HIGH] = part[LOW].min(), part[HIGH].max()
    return sums, height_counts, slope_counts


@compiled
def span(heights):
    """Lowest and highest of (H, W) heights without voids; inf and -inf where all are void."""
    low, high = np.full(heights.shape[1], np.inf), np.full(heights.shape[1], -np.inf)
    for y in range(heights.shape[0]):
        _spread(heights[y], low, high)
    return low.min(), high.max()


@compiled
def join_cells(sums, height_counts, slope_counts, tops, lefts, pixels, slope_bin, group, clog):
    """Statistics of every window from the cells it covers.

    Args:
        sums, height_counts, slope_counts: as `measure_cells` gives them.
        tops, lefts: int (n, 2) and (m, 2): first cell of a window, and the one after its last, by axis.
        pixels: pixels in a window. slope_bin: width of the fine slope bins, degrees.
        group: fine slope bins in one bin of the slope's entropy. clog: c · log2 c for c up to `pixels`.

    Returns:
        float64 (n · m, 13), row by row: void, zero, sea, min, max, mean, relief, slope mean, std, p95,
        roughness, entropy of height, of slope. NaN where no pixel has the value.
    """
    n, m = len(tops), len(lefts)
    out = np.full((n * m, 13), np.nan)
    height_bins, slope_bins = height_counts.shape[2] - 1, slope_counts.shape[2] - 1
    of_height, of_slope = np.empty(height_bins + 1, np.int64), np.empty(slope_bins + 1, np.int64)
    for w in range(n * m):
        top, bottom = tops[w // m]
        left, right = lefts[w % m]
        of_height[:], of_slope[:] = 0, 0
        zero, sea, total, steepness, steepness2, ruggedness = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        low, high = np.inf, -np.inf
        for i in range(top, bottom):
            for j in range(left, right):
                cell = sums[i, j]
                zero += cell[ZERO]
                sea += cell[SEA]
                total += cell[SUM]
                steepness += cell[SLOPE]
                steepness2 += cell[SLOPE2]
                ruggedness += cell[RUGGED]
                low, high = min(low, cell[LOW]), max(high, cell[HIGH])
                _add(of_height, height_counts[i, j])
                _add(of_slope, slope_counts[i, j])
        known, sloped = pixels - of_height[height_bins], pixels - of_slope[slope_bins]
        row = out[w]
        row[0], row[1], row[2] = (pixels - known) / pixels, zero / pixels, sea / pixels
        if known:
            row[3], row[4], row[5], row[6] = low, high, total / known, high - low
            row[11] = _entropy(of_height[:height_bins], 1, known, clog)
        if sloped:
            mean = steepness / sloped
            row[7], row[8] = mean, np.sqrt(max(steepness2 / sloped - mean * mean, 0.0))
            row[9] = _quantile(of_slope[:slope_bins], 0.95 * sloped, slope_bin)
            row[10] = ruggedness / sloped
            row[12] = _entropy(of_slope[:slope_bins], group, sloped, clog)
    return out


@compiled
def _add(into, counts):
    for k in range(into.size):
        into[k] += counts[k]


@compiled
def _entropy(counts, group, total, clog):
    """Shannon entropy in bits of the shares counts / total: -Σ p log2 p = log2 n - (Σ c log2 c) / n."""
    weighted = 0.0
    for k in range(0, counts.size, group):
        count = 0
        for part in range(k, min(k + group, counts.size)):
            count += counts[part]
        weighted += clog[count]
    return max((clog[total] - weighted) / total, 0.0)


@compiled
def _quantile(counts, wanted, width):
    """Value at which the cumulative count reaches `wanted`, interpolated linearly within a bin."""
    below = 0
    for k in range(counts.size):
        if below + counts[k] >= wanted and counts[k]:
            return (k + (wanted - below) / counts[k]) * width
        below += counts[k]
    return counts.size * width
