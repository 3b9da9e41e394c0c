"""Relief in ink: contours, hachures down the slope, hill shading, and tints by height."""

from __future__ import annotations

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter

from tasks.acquire.sources.sample.ground.noise import ramp


def interval(relief: float, lines: float = 16) -> float:
    """A round contour interval in metres that gives about `lines` lines."""
    step = max(relief / lines, 1.0)
    power = 1.0
    while power * 10 <= step:
        power *= 10
    return power * min((1, 2, 2.5, 5, 10), key=lambda value: abs(value * power - step))


def contours(height: np.ndarray, step: float, wide: float) -> np.ndarray:
    """Ink of contour lines, float32 (H, W) from 0 to 1; every fifth is heavier, and lines that crowd grow faint."""
    value = (height / np.float32(step)).astype(np.float32)
    down, across = np.gradient(value)
    rate = np.sqrt(down * down + across * across) + np.float32(1e-5)
    number = np.rint(value)
    off = np.abs(value - number) / rate
    heavy = (number.astype(np.int64) % 5) == 0
    line = np.clip(np.where(heavy, wide * 1.7, wide) / 2 + 0.5 - off, 0, 1) * np.where(heavy, 1.0, 0.75)
    crowded = np.clip((0.42 - rate) / 0.2, 0.25, 1)
    return (line * crowded * (height > 1)).astype(np.float32)


def hachures(height: np.ndarray, step: float, metres_px: float, rng: np.random.Generator) -> np.ndarray:
    """Ink of strokes down the slope, uint8 (H, W): the steeper, the thicker and the denser (Lehmann 1799)."""
    from contourpy import contour_generator

    smooth = gaussian_filter(height.astype(np.float64), 2.0)
    down, across = np.gradient(smooth, metres_px)
    thick: dict[int, list[np.ndarray]] = {1: [], 2: [], 3: []}
    lines = contour_generator(z=smooth)
    for level in np.arange(step, smooth.max(), step):
        for line in lines.lines(float(level)):
            if len(line) < 6:
                continue
            starts = line[:: max(1, round(3.3 / _spacing(line)))] + rng.uniform(-0.5, 0.5, (1, 2))
            _strokes(thick, starts, smooth, down, across, float(level) - step, step)
    ink = np.zeros(height.shape, np.uint8)
    for wide, strokes in thick.items():
        cv2.polylines(ink, strokes, False, 90 + 55 * wide, 1, cv2.LINE_AA, 4)
    return ink


def _strokes(
    thick: dict[int, list[np.ndarray]],
    at: np.ndarray,
    height: np.ndarray,
    down: np.ndarray,
    across: np.ndarray,
    floor: float,
    step: float,
) -> None:
    """Follow the slope from each point (n, 2) of (column, row) to the next level."""
    limit = np.array(height.shape[::-1]) - 1.001
    paths, going = [at], np.ones(len(at), bool)
    first = None
    for _ in range(5):
        col, row = np.clip(at, 0, limit).astype(int).T
        dx, dy = across[row, col], down[row, col]
        steep = np.sqrt(dx * dx + dy * dy)
        first = steep if first is None else first
        going &= (height[row, col] > floor + 0.12 * step) & (steep > 0.02)
        move = np.stack([dx, dy], axis=1) / np.maximum(steep, 1e-6)[:, None]
        at = np.where(going[:, None], at - 1.8 * move, at)
        paths.append(at)
    kind = np.where(first > 0.62, 3, np.where(first > 0.24, 2, 1))
    whole = np.round(np.stack(paths, axis=1) * 16).astype(np.int32)
    for i in np.flatnonzero((first > 0.045) & (np.abs(whole[:, -1] - whole[:, 0]).sum(axis=1) > 24)):
        thick[int(kind[i])].append(whole[i])


def _spacing(line: np.ndarray) -> float:
    """Mean distance of a line's points."""
    return max(float(np.sqrt(np.square(np.diff(line, axis=0)).sum(axis=1)).mean()), 0.1)


def shading(height: np.ndarray, metres_px: float, strength: float) -> np.ndarray:
    """Darkness, float32 (H, W) from 0 to 1: slopes away from a light in the north-west (Lambert's law)."""
    smooth = gaussian_filter(height.astype(np.float32), 1.2)
    relief = max(float(np.percentile(smooth, 98) - np.percentile(smooth, 2)), 20.0)
    lift = 0.28 * min(height.shape) * metres_px / relief / 2.2  # plains and mountains get about the same shade
    down, across = np.gradient(smooth * np.float32(lift), metres_px)
    facing = (across + down + np.sqrt(2)) / (2 * np.sqrt(1 + across * across + down * down))
    return (strength * np.clip(0.72 - facing, 0, 1) * (height > 0.4)).astype(np.float32)


def tinted(height: np.ndarray, colors: tuple[tuple[int, int, int], ...]) -> np.ndarray:
    """Layers of colour by height, float32 (H, W, 3): each tint meets the next in a narrow blend."""
    low, high = (float(value) for value in np.percentile(height, [3, 99.5]))
    share = (height - low) / max(high - low, 1.0) * (len(colors) - 1)
    result = np.broadcast_to(np.array(colors[0], np.float32), (*height.shape, 3)).copy()
    for number, color in enumerate(colors[1:], start=1):
        result += (np.array(color, np.float32) - result) * ramp(number - 0.62, number - 0.38, share)[..., None]
    return result
