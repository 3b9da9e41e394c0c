"""Noise in the plane. Every value comes from whole numbers and elementwise arithmetic, so it is the same everywhere."""

from __future__ import annotations

import numpy as np


def hashed(x: np.ndarray, y: np.ndarray | int, seed: int) -> np.ndarray:
    """Well-mixed bits, uint32, for whole numbers `x` and `y` (any integer type, broadcast)."""
    bits = np.asarray(x).astype(np.uint32) * np.uint32(0x9E3779B1) ^ np.asarray(y).astype(np.uint32) * np.uint32(
        0x85EBCA77
    )
    bits = bits ^ np.uint32((seed * 0x27D4EB2F) & 0xFFFFFFFF)
    bits ^= bits >> np.uint32(16)
    bits = bits * np.uint32(0x7FEB352D)
    bits ^= bits >> np.uint32(15)
    bits = bits * np.uint32(0x846CA68B)
    return bits ^ bits >> np.uint32(16)


def uniform(x: np.ndarray, y: np.ndarray | int, seed: int) -> np.ndarray:
    """Numbers from 0 up to 1, float32, for whole numbers `x` and `y`."""
    return (hashed(x, y, seed) >> np.uint32(8)).astype(np.float32) * np.float32(2.0**-24)


def grid_noise(shape: tuple[int, int], cell: float, seed: int) -> np.ndarray:
    """Smooth noise from -1 to 1, float32 of `shape`, with one random value every `cell` pixels."""
    cell = max(float(cell), 1.0)
    axes = []
    for axis, size in enumerate(shape):
        at = np.arange(size) / cell + 0.5 * axis
        low = np.floor(at).astype(np.int64)
        part = (at - low).astype(np.float32)
        axes.append((low, part * part * (3 - 2 * part)))
    (top, down), (left, across) = axes
    rows, cols = np.arange(top[-1] + 2), np.arange(left[-1] + 2)
    values = uniform(rows[:, None], cols[None, :], seed) * np.float32(2) - 1
    lines = values[top] + (values[top + 1] - values[top]) * down[:, None]
    return lines[:, left] + (lines[:, left + 1] - lines[:, left]) * across[None, :]


def fractal(shape: tuple[int, int], cell: float, octaves: int, seed: int, gain: float = 0.5) -> np.ndarray:
    """Sum of `octaves` noises, each of half the cell and `gain` times the strength, scaled to about -1..1."""
    total, weight, sum_ = np.zeros(shape, np.float32), 1.0, 0.0
    for octave in range(octaves):
        if octave and cell / 2**octave < 1:
            break
        total += np.float32(weight) * grid_noise(shape, cell / 2**octave, seed * 31 + octave)
        sum_ += weight * weight
        weight *= gain
    return total * np.float32(1.3 / sum_**0.5)


def point_noise(x: np.ndarray, y: np.ndarray, seed: int) -> np.ndarray:
    """Smooth noise from -1 to 1, float32, at any points; one random value at every whole number."""
    left, top = np.floor(x), np.floor(y)
    fx, fy = (x - left).astype(np.float32), (y - top).astype(np.float32)
    fx, fy = fx * fx * (3 - 2 * fx), fy * fy * (3 - 2 * fy)
    col, row = left.astype(np.int64), top.astype(np.int64)
    a, b = uniform(col, row, seed), uniform(col + 1, row, seed)
    c, d = uniform(col, row + 1, seed), uniform(col + 1, row + 1, seed)
    upper, lower = a + (b - a) * fx, c + (d - c) * fx
    return (upper + (lower - upper) * fy) * np.float32(2) - 1


def stretch(grid: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """`grid` (h, w) enlarged to `shape`, float32, by Catmull-Rom splines; the corners of both coincide."""
    for axis, size in enumerate(shape):
        at = np.linspace(0, grid.shape[axis] - 1, size)
        low = np.minimum(np.floor(at).astype(np.int64), grid.shape[axis] - 2)
        t = (at - low).astype(np.float32)
        t2, t3 = t * t, t * t * t
        weights = ((2 * t2 - t - t3) / 2, (3 * t3 - 5 * t2 + 2) / 2, (4 * t2 - 3 * t3 + t) / 2, (t3 - t2) / 2)
        last = grid.shape[axis] - 1
        out = None
        for offset, weight in zip((-1, 0, 1, 2), weights, strict=True):
            taken = np.take(grid, np.clip(low + offset, 0, last), axis=axis)
            part = taken * (weight[:, None] if axis == 0 else weight[None, :])
            out = part if out is None else out + part
        grid = out.astype(np.float32)
    return grid


def mix(low: np.ndarray | tuple[float, ...], high: np.ndarray | tuple[float, ...], share: np.ndarray) -> np.ndarray:
    """Colours between `low` and `high` (each (..., 3)), by `share` (...) from 0 to 1; float32."""
    share = np.asarray(share, np.float32)[..., None]
    low, high = np.asarray(low, np.float32), np.asarray(high, np.float32)
    return low + (high - low) * share


def ramp(low: float, high: float, x: np.ndarray) -> np.ndarray:
    """0 below `low`, 1 above `high`, smooth between; `low` may be the larger one."""
    t = np.clip((x - np.float32(low)) * np.float32(1 / (high - low)), 0, 1)
    return t * t * (3 - 2 * t)
