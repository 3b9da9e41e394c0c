"""Statistics of pictures: windows of scenes with colours and without heights.

Everything is counted in whole numbers, row by row and one pixel column beside the other, which processors do fast and
which no order of additions can change. `docs/selection.md` says what each statistic shows, with examples.
"""

from __future__ import annotations

import numpy as np

from tasks.select.columns import COLOR, PICTURE
from tasks.select.compiled import compiled
from tasks.select.marks import window_marks
from tasks.select.phash import hash_area, reduced_hashes
from tasks.select.structure import structure, total_of
from tasks.select.windows import Axis

_NAMES = ("void_share", *COLOR, *PICTURE)


def picture_statistics(layer: np.ndarray, down: Axis, across: Axis) -> dict[str, np.ndarray]:
    """Statistics, hashes and marks of the windows of one piece from its RGB and mask, uint8 (4, H, W)."""
    luma = np.empty(layer.shape[1:], np.uint8)
    _luma(layer, luma)
    tops, lefts = down.starts - down.begin, across.starts - across.begin
    values = np.empty((len(tops) * len(lefts), len(_NAMES)))
    whole = bool(layer[3].min() > 0)
    for k in range(len(values)):
        top, left = int(tops[k // len(lefts)]), int(lefts[k % len(lefts)])
        place = np.s_[..., top : top + down.px, left : left + down.px]
        _measure(layer[place], luma[place], whole, values[k])
    columns = dict(zip(_NAMES, values.T, strict=True))
    columns["phash"] = reduced_hashes(_reduced(luma, hash_area(down.px, down.stride)), down, across)
    columns["marks"] = np.empty(len(values), object)
    columns["marks"][:] = window_marks(luma, tops, lefts, down.px)
    return columns


@compiled
def _luma(layer, out):
    """Luma of RGB (Rec. 601, in 256ths), 0 where the mask is 0."""
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            r, g, b = np.uint16(layer[0, y, x]), np.uint16(layer[1, y, x]), np.uint16(layer[2, y, x])
            known = np.uint16(layer[3, y, x] > 0)
            out[y, x] = ((np.uint16(77) * r + np.uint16(150) * g + np.uint16(29) * b) >> np.uint16(8)) * known


@compiled
def _reduced(luma, side):
    """Means of whole side × side areas, float64."""
    tall, wide = luma.shape[0] // side, luma.shape[1] // side
    means = np.empty((tall, wide))
    sums = np.empty(wide * side, np.int32)
    for i in range(tall):
        sums[:] = 0
        for y in range(i * side, (i + 1) * side):
            line = luma[y]
            for x in range(sums.size):
                sums[x] += np.int32(line[x])
        for j in range(wide):
            means[i, j] = sums[j * side : (j + 1) * side].sum() / (side * side)
    return means


@compiled
def _measure(layer, luma, whole, out):
    """All numbers of one window, in the order of `_NAMES`."""
    side = luma.shape[0]
    sums, clipped = _sums(layer, whole)
    count, r, g, b, rr, gg, bb, rg, rb, gb = sums
    out[0] = (side * side - count) / (side * side)
    out[1:8] = np.nan
    if count:
        mean = (299 * r + 587 * g + 114 * b) / (1000 * count)
        square = (89401 * rr + 344569 * gg + 12996 * bb + 351026 * rg + 68172 * rb + 133836 * gb) / (1e6 * count)
        out[1], out[2] = mean, np.sqrt(max(square - mean * mean, 0.0))
        out[3], out[4], out[5] = r / count, g / count, b / count
        all_mean = (r + g + b) / (3 * count)
        out[6] = np.sqrt(max((rr + gg + bb) / (3 * count) - all_mean * all_mean, 0.0))
        red_green, yellow_blue = (r - g) / count, (r + g - 2 * b) / (2 * count)
        first = (rr + gg - 2 * rg) / count - red_green**2
        second = (rr + gg + 4 * bb + 2 * rg - 4 * rb - 4 * gb) / (4 * count) - yellow_blue**2
        spread = np.sqrt(max(first + second, 0.0))
        out[7] = spread + 0.3 * np.sqrt(red_green**2 + yellow_blue**2)
    out[8] = clipped / max(count, 1)
    structure(luma, out[9:])


@compiled
def _sums(layer, whole):
    """Sums over the known pixels: count, r, g, b, r², g², b², rg, rb, gb; and the number of clipped pixels."""
    sums, total = np.zeros(10, np.int64), np.int64(0)
    row = np.zeros((4, layer.shape[2]), np.uint8)
    for y in range(layer.shape[1]):
        known = layer[3, y]
        for band in range(3):
            for x in range(known.size):
                row[band, x] = layer[band, y, x] if whole | (known[x] > 0) else 0
        red, green, blue = row[0], row[1], row[2]
        sums[0] += known.size if whole else _count(known)
        sums[1] += total_of(red)
        sums[2] += total_of(green)
        sums[3] += total_of(blue)
        sums[4] += _product(red, red)
        sums[5] += _product(green, green)
        sums[6] += _product(blue, blue)
        sums[7] += _product(red, green)
        sums[8] += _product(red, blue)
        sums[9] += _product(green, blue)
        total += _clipped(red, green, blue, known)
    return sums, total


@compiled
def _count(known):
    total = np.int32(0)
    for x in range(known.size):
        total += np.int32(known[x] > 0)
    return total


@compiled
def _product(a, b):
    """Sum of the products of two rows of bytes; fits 32 bits for rows of up to 33,000 pixels."""
    total = np.int32(0)
    for x in range(a.size):
        total += np.int32(a[x]) * np.int32(b[x])
    return total


@compiled
def _clipped(red, green, blue, known):
    total = np.int32(0)
    for x in range(red.size):
        most = max(red[x], green[x], blue[x])
        total += np.int32((known[x] > 0) & ((most == 255) | (most == 0)))
    return total
