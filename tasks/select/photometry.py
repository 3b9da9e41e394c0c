"""Statistics of pictures: windows of scenes with colours and without heights.

Everything is counted in whole numbers, row by row and one pixel column beside the other, which processors do fast and
which no order of additions can change. `docs/selection.md` says what each statistic shows, with examples.
"""

from __future__ import annotations

import cv2
import numpy as np

from tasks.select.columns import COLOR, PICTURE
from tasks.select.compiled import compiled
from tasks.select.marks import window_marks
from tasks.select.phash import hash_area, reduced_hashes
from tasks.select.structure import structure
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
        # Copies, because the compiler uses vector instructions only for arrays without gaps.
        window = np.ascontiguousarray(luma[place])
        _measure(np.ascontiguousarray(layer[place]), whole, values[k])
        structure(window, cv2.transpose(window), values[k, 9:])
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
def _measure(layer, whole, out):
    """The numbers of one window that need no neighbours, in the order of `_NAMES`."""
    side = layer.shape[1]
    count, r, g, b, rr, gg, bb, rg, rb, gb, clipped = _sums(layer, whole)
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


@compiled
def _sums(layer, whole):
    """Sums over the known pixels: count, r, g, b, r², g², b², rg, rb, gb, clipped pixels."""
    sums = np.zeros(11, np.int64)
    row = np.zeros((3, layer.shape[2]), np.uint8)
    for y in range(layer.shape[1]):
        known = layer[3, y]
        if whole:
            _add_row(layer[0, y], layer[1, y], layer[2, y], sums)
            continue
        missing = np.int64(0)
        for x in range(known.size):
            missing += known[x] == 0
        for band in range(3):
            for x in range(known.size):
                row[band, x] = layer[band, y, x] if known[x] > 0 else 0
        _add_row(row[0], row[1], row[2], sums)
        sums[0] -= missing
        sums[10] -= missing  # voids count as black in the row
    return sums


@compiled
def _add_row(red, green, blue, sums):
    """Add the sums of one row. 32 bits are enough for 33,000 pixels."""
    r1, g1, b1 = np.int32(0), np.int32(0), np.int32(0)
    rr, gg, bb = np.int32(0), np.int32(0), np.int32(0)
    rg, rb, gb, clipped = np.int32(0), np.int32(0), np.int32(0), np.int32(0)
    for x in range(red.size):
        r, g, b = np.int32(red[x]), np.int32(green[x]), np.int32(blue[x])
        # numba adds 32-bit numbers to 64 bits; cut back to 32, twice as many fit a vector instruction.
        r1, g1, b1 = np.int32(r1 + r), np.int32(g1 + g), np.int32(b1 + b)
        rr, gg, bb = np.int32(rr + r * r), np.int32(gg + g * g), np.int32(bb + b * b)
        rg, rb, gb = np.int32(rg + r * g), np.int32(rb + r * b), np.int32(gb + g * b)
        most = max(r, g, b)
        clipped = np.int32(clipped + np.int32((most == 255) | (most == 0)))
    sums[0] += red.size
    for k, value in enumerate((r1, g1, b1, rr, gg, bb, rg, rb, gb, clipped)):
        sums[k + 1] += value
