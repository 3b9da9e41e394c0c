"""Marks of a picture: small places that are found again in a crop, a mirror image, or another size of the picture.

A mark is a spot that is brighter or darker than its surroundings at its scale (a difference of box means, as in
CenSurE, Agrawal et al. 2008). Its 64-bit signature holds the signs of the lowest frequencies (DCT-II) of the patch
around it. Mirroring changes the sign of the frequencies that are odd across. A signature is stored as if its lowest
such frequency were positive, so a mark and its mirror image have one signature, and a flag says which of them it is.

All sums are of integers and all products have a fixed order, so every machine finds the same marks.
"""

from __future__ import annotations

import cv2
import numpy as np

from tasks.select.compiled import compiled

SIDE = 128  # least side of the reduced picture in which marks are looked for
OCTAVES = (0, 0, 1, 1, 2, 2, 3)  # halvings of the reduced picture, by scale
RADII = (2, 3, 2, 3, 2, 3, 2)  # half side of the inner box at each scale, in pixels of its octave
MOST = (56, 44, 32, 24, 14, 8, 5)  # most marks of each scale, the strongest first
LEAST = 1.5  # least difference of the means, grey levels: less is noise
PATCH = 4.0  # half side of the patch, in radii
CELLS = 8  # cells along a side of the patch

MARK = np.dtype([("signature", "<u8"), ("x", "<f4"), ("y", "<f4"), ("radius", "<f4"), ("mirrored", "u1")])
"""A mark: signature, place and radius as shares of the window's side, and whether the signature was mirrored."""


def _frequencies() -> tuple[np.ndarray, np.ndarray]:
    """The DCT-II basis, a row for each cell, and the pairs of frequencies (down, across) of the bits, lowest first."""
    pairs = sorted(((v, u) for v in range(CELLS) for u in range(CELLS) if u + v), key=lambda pair: (sum(pair), pair))
    frequency, sample = np.arange(CELLS)[None], np.arange(CELLS)[:, None]
    return np.cos(np.pi * frequency * (2 * sample + 1) / (2 * CELLS)), np.array(pairs)


_BASIS, _ORDERS = _frequencies()
_SCALES = np.array([OCTAVES, RADII, MOST]).T


def window_marks(luma: np.ndarray, tops: np.ndarray, lefts: np.ndarray, px: int) -> list[bytes]:
    """Marks of every window of a piece, row by row, each as the bytes of an array of `MARK`.

    Args:
        luma: uint8 (H, W), voids at 0. tops, lefts: first row and column of windows. px: their side.
    """
    found, maps = [], None
    for top in tops.tolist():
        for left in lefts.tolist():
            sums = _integral(luma[top : top + px, left : left + px])
            if maps is None:  # one for all windows: a fresh one takes as long to clear as to fill
                maps = np.zeros((len(_SCALES), len(sums) + 1, len(sums) + 1), np.float32)
            numbers, signatures = find_marks(sums, maps, _SCALES, _BASIS, _ORDERS)
            marks = np.empty(len(signatures), MARK)
            marks["signature"] = signatures
            for k, name in enumerate(("x", "y", "radius", "mirrored")):
                marks[name] = numbers[:, k]
            found.append(marks.tobytes())
    return found


def _integral(luma: np.ndarray) -> np.ndarray:
    """Sums from the corner, int32 (S + 1, S + 1), of a window reduced to means of whole areas, in whole grey levels."""
    if luma.shape[0] < SIDE:  # enlarged, so that marks of one pixel are found
        luma = cv2.resize(luma, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR_EXACT)
    area = luma.shape[0] // SIDE
    side = luma.shape[0] // area
    if area > 1:
        luma = cv2.resize(luma[: side * area, : side * area], (side, side), interpolation=cv2.INTER_AREA)
    return cv2.integral(np.ascontiguousarray(luma), sdepth=cv2.CV_32S)


@compiled
def _contrast(sums, radius, level, out):
    """Mean of the inner box minus the mean of the outer one, of twice the side, around every pixel but the rim.

    `level` is one grey level in the units of the sums. `out` is zero, and may be larger than the picture.
    """
    side = sums.shape[0] - 1
    wide = 2 * radius
    inner = np.float32(1 / (level * (2 * radius + 1) ** 2))
    outer = np.float32(1 / (level * (2 * wide + 1) ** 2))
    count = side - 2 * wide
    for y in range(wide, side - wide):
        # Slices, because an index that could be negative keeps the compiler from vector instructions.
        top, bottom = sums[y - radius], sums[y + radius + 1]
        a, b = top[wide - radius :], top[wide + radius + 1 :]
        c, d = bottom[wide - radius :], bottom[wide + radius + 1 :]
        top, bottom = sums[y - wide], sums[y + wide + 1]
        e, f = top, top[2 * wide + 1 :]
        g, h = bottom, bottom[2 * wide + 1 :]
        line = out[y, wide:]
        for x in range(count):
            # Cut back to 32 bits: vector instructions convert no 64-bit numbers.
            small = np.int32(d[x] - c[x] - b[x] + a[x])
            large = np.int32(h[x] - g[x] - f[x] + e[x])
            line[x] = np.float32(small) * inner - np.float32(large) * outer


@compiled
def _peaks(maps, k, y, side, out):
    """One row: 1 where a value is strong and the largest of its sign among its four neighbours.

    The row is named by number: slices for each call would cost more than the work on them.
    """
    for x in range(1, side - 1):
        v, a, b, c, d = maps[k, y, x], maps[k, y, x - 1], maps[k, y, x + 1], maps[k, y - 1, x], maps[k, y + 1, x]
        high = (v >= LEAST) & (v > a) & (v >= b) & (v > c) & (v >= d)
        low = (v <= -LEAST) & (v < a) & (v <= b) & (v < c) & (v <= d)
        out[x] = high | low


@compiled
def _extremum(maps, scales, k, y, x):
    """Whether the contrast at a place is the largest of its sign among its neighbours in place and scale."""
    value = maps[k, y, x]
    sign = np.float32(1) if value > 0 else np.float32(-1)
    value *= sign
    for m in (k - 1, k + 1):  # most places fail here
        if 0 <= m < scales.shape[0] and maps[m, _there(scales, k, m, y), _there(scales, k, m, x)] * sign > value:
            return False
    for m in range(max(k - 1, 0), min(k + 2, scales.shape[0])):
        i, j = _there(scales, k, m, y), _there(scales, k, m, x)
        for p in range(i - 1, i + 2):
            for q in range(j - 1, j + 2):
                other = maps[m, p, q] * sign
                if other > value or (other == value and (m, p, q) < (k, y, x)):
                    return False
    return True


@compiled
def _there(scales, k, m, place):
    """A pixel's place along an axis at another scale."""
    halvings = scales[m, 0] - scales[k, 0]
    return place >> halvings if halvings >= 0 else (place << -halvings) + (1 << (-halvings - 1))


@compiled
def find_marks(sums, maps, scales, basis, orders):
    """Marks of one window: numbers float32 (n, 4) of x, y, radius, mirrored; and signatures uint64 (n,).

    `maps` is work space, float32 (scales, S + 2, S + 2), zero before the first window.
    """
    side = sums.shape[0] - 1
    reduced = sums
    for k in range(scales.shape[0]):
        step = 1 << scales[k, 0]
        small = side // step
        if k and scales[k, 0] != scales[k - 1, 0]:
            reduced = sums[: small * step + 1 : step, : small * step + 1 : step].copy()
        if small > 4 * scales[k, 1] + 2:
            _contrast(reduced, scales[k, 1], step * step, maps[k])
    most = scales[:, 2].sum()
    numbers, signatures = np.empty((most, 4), np.float32), np.empty(most, np.uint64)
    places = np.empty((side * side // 4 + 1, 2), np.int32)
    strengths = np.empty(side * side // 4 + 1, np.float32)
    peaks = np.zeros((side + 9) // 8 * 8, np.uint8)
    eights = peaks.view(np.uint64)
    patch, rows, waves = np.empty((CELLS, CELLS)), np.empty((CELLS, CELLS)), np.empty((CELLS, CELLS))
    corners = np.empty((CELLS + 1, CELLS + 1))
    count = 0
    for k in range(scales.shape[0]):
        step = 1 << scales[k, 0]
        small, rim, found = side // step, 2 * scales[k, 1] + 1, 0
        for y in range(rim, small - rim):
            _peaks(maps, k, y, small, peaks)
            for word in range(rim // 8, (small - rim + 7) // 8):
                if eights[word] == 0:  # eight pixels at a time: peaks are rare
                    continue
                for x in range(max(8 * word, rim), min(8 * word + 8, small - rim)):
                    if peaks[x] and _extremum(maps, scales, k, y, x):
                        places[found, 0], places[found, 1] = y, x
                        strengths[found] = -abs(maps[k, y, x])
                        found += 1
        order = np.argsort(strengths[:found], kind="mergesort")
        for n in range(min(found, scales[k, 2])):
            y, x = places[order[n]]
            here = abs(maps[k, y, x])
            down = step * (y + 0.5 + _top(abs(maps[k, y - 1, x]), here, abs(maps[k, y + 1, x])))
            across = step * (x + 0.5 + _top(abs(maps[k, y, x - 1]), here, abs(maps[k, y, x + 1])))
            size = _size(maps, scales, k, y, x)
            if _cells(sums, down, across, PATCH * size, corners, patch):
                _transform(patch, basis, rows, waves)
                flip = waves[0, 1] < 0
                bits = np.uint64(0)
                for bit in range(orders.shape[0]):
                    value = waves[orders[bit, 0], orders[bit, 1]]
                    if flip and orders[bit, 1] % 2:
                        value = -value
                    if value > 0:
                        bits |= np.uint64(1) << np.uint64(bit)
                numbers[count, 0], numbers[count, 1] = across / side, down / side
                numbers[count, 2], numbers[count, 3] = size / side, flip
                signatures[count] = bits
                count += 1
    return numbers[:count], signatures[:count]


@compiled
def _size(maps, scales, k, y, x):
    """Radius of a mark in reduced pixels: the top of the parabola through the contrasts of three scales."""
    radius = np.float64(scales[k, 1] << scales[k, 0])
    if k == 0 or k == scales.shape[0] - 1:
        return radius
    below = abs(maps[k - 1, _there(scales, k, k - 1, y), _there(scales, k, k - 1, x)])
    above = abs(maps[k + 1, _there(scales, k, k + 1, y), _there(scales, k, k + 1, x)])
    shift = _top(below, abs(maps[k, y, x]), above)
    other = k + 1 if shift > 0 else k - 1
    return radius + abs(shift) * ((scales[other, 1] << scales[other, 0]) - radius)


@compiled
def _top(before, here, after):
    """Place of the top of the parabola through three values at -1, 0 and 1, at most half a step away."""
    bend = np.float64(before) - 2 * np.float64(here) + np.float64(after)
    return max(min(0.5 * (np.float64(before) - np.float64(after)) / bend, 0.5), -0.5) if bend < 0 else 0.0


@compiled
def _cells(sums, y, x, half, corners, patch):
    """Means of the cells of the patch around a pixel; whether the patch lies within the picture."""
    side = sums.shape[0] - 1
    if y < half or x < half or y + half > side or x + half > side:
        return False
    for i in range(CELLS + 1):
        down = y + half * (2 * i / CELLS - 1)
        top = min(np.int64(down), side - 1)
        below = down - top
        for j in range(CELLS + 1):
            across = x + half * (2 * j / CELLS - 1)
            left = min(np.int64(across), side - 1)
            right = across - left
            upper = sums[top, left] * (1 - right) + sums[top, left + 1] * right
            lower = sums[top + 1, left] * (1 - right) + sums[top + 1, left + 1] * right
            corners[i, j] = upper * (1 - below) + lower * below
    for i in range(CELLS):
        for j in range(CELLS):
            patch[i, j] = corners[i + 1, j + 1] - corners[i + 1, j] - corners[i, j + 1] + corners[i, j]
    return True


@compiled
def _transform(patch, basis, rows, waves):
    """DCT-II of the cells, without scale: `waves[v, u]` is the frequency v down and u across.

    The inner loops go over frequencies, which are independent, so that the compiler can use vector instructions.
    """
    rows[:], waves[:] = 0.0, 0.0
    for i in range(CELLS):
        for j in range(CELLS):
            value = patch[i, j]
            for u in range(CELLS):
                rows[i, u] += value * basis[j, u]
    for i in range(CELLS):
        for v in range(CELLS):
            value = basis[i, v]
            for u in range(CELLS):
                waves[v, u] += value * rows[i, u]
