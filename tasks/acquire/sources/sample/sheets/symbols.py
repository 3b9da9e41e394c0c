"""Signs of a map: roads, railways, boundaries, woods, settlements and heights."""

from __future__ import annotations

import cv2
import numpy as np

from tasks.acquire.sources.sample.ground.noise import fractal
from tasks.acquire.sources.sample.sheets.lettering import Page, word
from tasks.acquire.sources.sample.sheets.scripts import Script, name, number


def line(ink: np.ndarray, points: np.ndarray, wide: int, strength: int = 255) -> None:
    """Draw a line (n, 2) of (column, row) into `ink`, uint8."""
    cv2.polylines(ink, [np.round(points * 16).astype(np.int32)], False, strength, wide, cv2.LINE_AA, 4)


def dashes(ink: np.ndarray, points: np.ndarray, dash: float, gap: float, wide: int, dot: bool = False) -> None:
    """Draw a broken line; with `dot`, a dot stands in each gap."""
    along = np.concatenate([[0], np.cumsum(np.sqrt(np.square(np.diff(points, axis=0)).sum(axis=1)))])
    for start in np.arange(0, along[-1] - dash, dash + gap):
        at = np.linspace(start, start + dash, max(2, int(dash)))
        line(ink, np.stack([np.interp(at, along, points[:, axis]) for axis in (0, 1)], axis=1), wide)
        if dot:
            middle = start + dash + gap / 2
            spot = [int(16 * np.interp(middle, along, points[:, axis])) for axis in (0, 1)]
            cv2.circle(ink, spot, 12, 255, -1, cv2.LINE_AA, 4)


def railway(ink: np.ndarray, points: np.ndarray) -> None:
    """A line with ties across it."""
    line(ink, points, 1)
    along = np.concatenate([[0], np.cumsum(np.sqrt(np.square(np.diff(points, axis=0)).sum(axis=1)))])
    heading = np.gradient(points, axis=0)
    for start in np.arange(4, along[-1], 7):
        x, y = (np.interp(start, along, points[:, axis]) for axis in (0, 1))
        dx, dy = (np.interp(start, along, heading[:, axis]) for axis in (0, 1))
        length = max((dx * dx + dy * dy) ** 0.5, 1e-6)
        tie = np.array([(x - 3 * dy / length, y + 3 * dx / length), (x + 3 * dy / length, y - 3 * dx / length)])
        line(ink, tie, 1)


def woods(ink: np.ndarray, grown: np.ndarray, rng: np.random.Generator, conifers: bool) -> None:
    """Single trees, each with its shade, where `grown` (H, W) says so; `ink` is uint8."""
    rows, cols = grown.shape
    for row in range(8, rows - 6, 9):
        for col in range(8, cols - 6, 10):
            dx, dy, chance = rng.random(3)
            x, y = col + 7 * dx, row + 6 * dy
            if chance < 0.25 or not grown[min(int(y), rows - 1), min(int(x), cols - 1)]:
                continue
            spot = (int(16 * x), int(16 * y))
            if conifers and chance > 0.6:
                cv2.polylines(
                    ink,
                    [np.array([(x - 2, y + 2), (x, y - 4), (x + 2, y + 2)]).dot(16).astype(np.int32)],
                    True,
                    220,
                    1,
                    cv2.LINE_AA,
                    4,
                )
            else:
                cv2.ellipse(ink, spot, (34, 28), 0, 150, 400, 220, 1, cv2.LINE_AA, 4)
                cv2.line(ink, (spot[0] + 26, spot[1] + 34), (spot[0] + 78, spot[1] + 34), 190, 1, cv2.LINE_AA, 4)


def town(
    ink: np.ndarray, fill: np.ndarray, page: Page, col: float, row: float, rank: int, rng: np.random.Generator
) -> float:
    """A settlement: a block of houses for the large ones, a ring for the small; returns its radius in pixels."""
    if rank < 2:
        reach = 11 if rank == 0 else 8
        for _ in range(26 if rank == 0 else 13):
            dx, dy = (rng.random(2) + rng.random(2) - 1) * reach
            wide, tall = rng.integers(2, 6, 2)
            cv2.rectangle(ink, (int(col + dx), int(row + dy)), (int(col + dx + wide), int(row + dy + tall)), 235, -1)
        page.reserve(col, row, reach)
        return reach + 1.0
    radius = 3.4 if rank < 6 else 2.4
    cv2.circle(fill, (int(16 * col), int(16 * row)), int(16 * radius), 255, -1, cv2.LINE_AA, 4)
    cv2.circle(ink, (int(16 * col), int(16 * row)), int(16 * radius), 255, 1, cv2.LINE_AA, 4)
    if rank < 6:
        cv2.circle(ink, (int(16 * col), int(16 * row)), 16, 255, -1, cv2.LINE_AA, 4)
    page.reserve(col, row, 4)
    return radius + 1.5


def town_names(page: Page, script: Script, towns: np.ndarray, reach: list[float], rng: np.random.Generator) -> None:
    """A name beside each settlement, larger for the larger."""
    for rank, ((col, row), far) in enumerate(zip(towns, reach, strict=True)):
        text, size = name(script, rng), (22, 18)[rank] if rank < 2 else 15 if rank < 6 else 12
        if rank == 0 and script.capitals:
            text = text.upper()
        page.beside(
            word(script, text, size, "bold" if rank < 1 else "upright", 0.08 if rank == 0 else 0), col, row, far + 2
        )


def heights(ink: np.ndarray, page: Page, script: Script, height: np.ndarray, count: int) -> None:
    """Points with their heights: the highest of each part of the map."""
    rows, cols = height.shape
    for part in range(count):
        r, c = divmod(part, max(int(count**0.5), 1))
        side_r, side_c = rows // max(int(count**0.5), 1), cols // max(int(count**0.5), 1)
        window = height[r * side_r : (r + 1) * side_r, c * side_c : (c + 1) * side_c]
        if not window.size or window.max() < 20:
            continue
        dr, dc = divmod(int(np.argmax(window)), window.shape[1])
        row, col = r * side_r + dr, c * side_c + dc
        if page.beside(word(script, number(script, round(float(height[row, col]))), 11), col, row, 4):
            cv2.circle(ink, (int(col), int(row)), 1, 255, -1, cv2.LINE_AA)


def boundary(shape: tuple[int, int], land: np.ndarray, seed: int) -> list[np.ndarray]:
    """Lines (n, 2) of a boundary that nobody has drawn: where a slow noise is zero, on land."""
    from contourpy import contour_generator

    step = 6
    slow = fractal((shape[0] // step + 1, shape[1] // step + 1), 60, 4, seed)
    pieces = []
    for found in contour_generator(z=slow.astype(np.float64)).lines(0.0):
        points = found * step
        inside = land[
            np.clip(points[:, 1].astype(int), 0, shape[0] - 1), np.clip(points[:, 0].astype(int), 0, shape[1] - 1)
        ]
        for part in np.split(points, np.flatnonzero(np.diff(inside)) + 1):
            at = np.clip(part[len(part) // 2].astype(int), 0, (shape[1] - 1, shape[0] - 1))
            if len(part) > 8 and land[at[1], at[0]]:
                pieces.append(part)
    return pieces
