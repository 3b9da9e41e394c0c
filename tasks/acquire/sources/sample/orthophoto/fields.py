"""Parcels: neighbourhoods of one direction each, cut into strips and fields, with their crops and rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tasks.acquire.sources.sample.ground.noise import fractal, hashed, uniform
from tasks.acquire.sources.sample.orthophoto.regions import Region


@dataclass(frozen=True)
class Fields:
    """Of every pixel: the colour of its crop, its parcel, and what runs along the parcel's edge."""

    color: np.ndarray  # float32 (H, W, 3)
    parcel: np.ndarray  # uint32 (H, W)
    hedge: np.ndarray  # bool
    margin: np.ndarray  # bool: a strip of grass between fields
    lane: np.ndarray  # bool: a track between neighbourhoods
    orchard: np.ndarray  # bool: single trees in rows


def lay_out(shape: tuple[int, int], gsd: float, region: Region, seed: int) -> Fields:
    """Cut a plain of `shape` pixels, `gsd` metres each, into fields."""
    rows, cols = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    wave = max(240 / gsd, 2)
    x = cols * np.float32(gsd) + 26 * fractal(shape, wave, 3, seed + 1)
    y = rows * np.float32(gsd) + 26 * fractal(shape, wave, 3, seed + 2)
    domain, border = _neighbourhoods(x, y, region.domain_m, seed + 3)
    turn = _of(domain, 1)
    # The direction's cosine and sine from a rational formula: no processor rounds those differently.
    half = (turn - 0.5) * 1.6 + (float(uniform(np.array([1]), 2, seed)[0]) - 0.5)
    cosine, sine = (1 - half * half) / (1 + half * half), 2 * half / (1 + half * half)
    u, v = x * cosine + y * sine, y * cosine - x * sine
    strip = region.strip_m[0] + (region.strip_m[1] - region.strip_m[0]) * _of(domain, 2)
    column, low, high = _cells(u / strip, domain)
    line = hashed(column, domain, seed + 4)
    length = region.length_m[0] + (region.length_m[1] - region.length_m[0]) * _of(line, 1)
    row, near, far = _cells(v / length + _of(line, 2), line)
    parcel = hashed(row, line, seed + 5)
    margin = np.minimum(np.minimum(low, high) * strip, np.minimum(near, far) * length)
    hedged = ((low * strip < 5) & (_of(line, 3) < region.hedges)) | (
        (near * length < 5) & (_of(parcel, 3) < region.hedges)
    )
    color, orchard = _crops(u, v, parcel, gsd, region, shape, seed)
    lane = border < max(5.0, 0.8 * gsd)
    return Fields(color, parcel, hedged & ~lane, margin < max(2.5, 0.5 * gsd), lane, orchard)


def _neighbourhoods(x: np.ndarray, y: np.ndarray, side: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Voronoi cells of scattered points: each pixel's cell (uint32), and its distance from the border in metres."""
    px, py = x / np.float32(side), y / np.float32(side)
    col, row = np.floor(px).astype(np.int32), np.floor(py).astype(np.int32)
    first = np.full(x.shape, 9.0, np.float32)
    second, cell = first.copy(), np.zeros(x.shape, np.uint32)
    for dr in (-1, 0, 1):
        for dc in (-1, 0, 1):
            c, r = col + dc, row + dr
            far = np.square(c + uniform(c, r, seed) - px) + np.square(r + uniform(c, r, seed + 1) - py)
            nearer = far < first
            second = np.where(nearer, first, np.minimum(second, far))
            cell = np.where(nearer, hashed(c, r, seed + 2), cell)
            first = np.where(nearer, far, first)
    return cell, (np.sqrt(second) - np.sqrt(first)) * np.float32(side / 2)


def _cells(at: np.ndarray, key: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cut a line into cells of uneven length: the cell of each point, and its distance from the cell's two ends."""
    whole = np.floor(at).astype(np.int32)

    def end(number: np.ndarray) -> np.ndarray:
        return number + np.float32(0.5) * uniform(number, key, 7)

    low = end(whole)
    whole = np.where(at < low, whole - 1, whole)
    low = end(whole)
    return whole, at - low, end(whole + 1) - at


def _crops(
    u: np.ndarray, v: np.ndarray, parcel: np.ndarray, gsd: float, region: Region, shape: tuple[int, int], seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Colour of every pixel, with rows, wear and moisture; and where single trees stand."""
    edges = np.cumsum([crop.weight for crop in region.crops])
    kind = np.searchsorted(edges / edges[-1], _of(parcel, 4), side="right")
    kind = np.minimum(kind, len(region.crops) - 1)
    color = np.array([crop.color for crop in region.crops], np.float32)[kind]
    period = np.array([max(crop.row_m, 2.6 * gsd) for crop in region.crops], np.float32)[kind]
    strength = np.array([crop.contrast for crop in region.crops], np.float32)[kind]
    dotted = np.array([crop.dots for crop in region.crops])[kind]
    rows, across = _wave(u / period), _wave(v / period)
    pattern = np.where(dotted, np.maximum(rows + across - 0.4, -0.5), rows)
    wear = 0.085 * fractal(shape, max(110 / gsd, 2), 5, seed + 8, 0.6) + 0.035 * fractal(shape, 3, 2, seed + 9)
    bright = 0.90 + 0.2 * _of(parcel, 5) + wear - strength * pattern
    tint = np.stack([_of(parcel, 6), _of(parcel, 7), _of(parcel, 8)], axis=-1) * 14 - 7
    return (color + tint) * bright[..., None], dotted & (pattern > 0.45)


def _wave(at: np.ndarray) -> np.ndarray:
    """A wave from -1 to 1 of period 1, made of straight lines."""
    return np.abs(at - np.floor(at) - np.float32(0.5)) * 4 - 1


def _of(key: np.ndarray, number: int) -> np.ndarray:
    """A number from 0 to 1 that belongs to a cell."""
    return uniform(key, number, 91)
