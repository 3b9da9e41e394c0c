"""What surrounds a map: the neat line with degrees, the title, the scale bar, and what stands in the margin."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from tasks.acquire.sources.sample.sheets.lettering import Page, turned, word
from tasks.acquire.sources.sample.sheets.scripts import Script, number


@dataclass(frozen=True)
class Box:
    """The map's place on its sheet: left, top, width and height in pixels."""

    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True)
class Ground:
    """The map's place on the planet: west, north, and degrees and metres of a pixel."""

    west: float
    north: float
    lon_px: float
    lat_px: float
    metres_px: float


def neat_line(ink: np.ndarray, page: Page, box: Box, ground: Ground, script: Script, kind: int) -> None:
    """A double frame with a ladder of minutes between its lines, and degrees outside; `ink` is the sheet's, uint8."""
    gap = 9 if kind else 7
    left, top, right, bottom = box.left, box.top, box.left + box.width, box.top + box.height
    cv2.rectangle(ink, (left - 1, top - 1), (right, bottom), 255, 1)
    cv2.rectangle(ink, (left - gap, top - gap), (right + gap, bottom + gap), 255, 1)
    cv2.rectangle(ink, (left - gap - 4, top - gap - 4), (right + gap + 4, bottom + gap + 4), 255, 3 if kind else 2)
    minutes = next(step for step in (1, 2, 5, 10, 15, 30) if step / 60 / ground.lon_px > 34)
    step = minutes / 60
    for across, first, per_px, start, end in (
        (True, ground.west, ground.lon_px, left, right), (False, -ground.north, ground.lat_px, top, bottom),
    ):  # fmt: skip
        low = int(np.ceil(first / step))
        for number_ in range(low, low + 200):
            at = start + (number_ * step - first) / per_px
            if at > end:
                break
            stop = min(at + step / per_px, end)
            if number_ % 2 == 0:
                _rung(ink, across, at, stop, gap, box)
            if number_ % 2 == 0 or minutes >= 10:
                _degree(page, across, at, gap, box, script, abs(round(number_ * minutes)))
            elif kind == 2:
                _rung(ink, across, at, at + 1, gap, box)


def _rung(ink: np.ndarray, across: bool, at: float, stop: float, gap: int, box: Box) -> None:
    """A black rung of the ladder, on both sides of the map."""
    for edge in (
        (box.top - gap + 2, box.top + box.height + 2) if across else (box.left - gap + 2, box.left + box.width + 2)
    ):
        a, b = (round(at), edge), (round(stop), edge + gap - 5)
        cv2.rectangle(ink, a if across else a[::-1], b if across else b[::-1], 255, -1)


def _degree(page: Page, across: bool, at: float, gap: int, box: Box, script: Script, minutes: int) -> None:
    text = (
        f"{number(script, minutes // 60)}°{number(script, minutes % 60)}′"
        if minutes % 60
        else f"{number(script, minutes // 60)}°"
    )
    label = word(script, text, 11)
    tall, wide = label.shape
    if across:
        page.put(label, at - wide / 2, box.top - gap - 8 - tall, 1)
        page.put(label, at - wide / 2, box.top + box.height + gap + 9, 1)
    else:
        label = turned(label, 90)
        tall, wide = label.shape
        page.put(label, box.left - gap - 8 - wide, at - tall / 2, 1)
        page.put(label, box.left + box.width + gap + 9, at - tall / 2, 1)


def graticule(ink: np.ndarray, ground: Ground) -> None:
    """Meridians and parallels across the map, uint8 (H, W)."""
    minutes = next(step for step in (1, 2, 5, 10, 15, 30) if step / 60 / ground.lon_px > 34) * 4
    step = minutes / 60
    for first, per_px, size, across in (
        (ground.west, ground.lon_px, ink.shape[1], True), (-ground.north, ground.lat_px, ink.shape[0], False),
    ):  # fmt: skip
        for number_ in range(int(np.ceil(first / step)), int(np.ceil(first / step)) + 60):
            at = round((number_ * step - first) / per_px)
            if at >= size:
                break
            if across:
                ink[:, at] = 150
            else:
                ink[at, :] = 150


def scale_bar(ink: np.ndarray, page: Page, col: int, row: int, ground: Ground, script: Script) -> int:
    """A bar of kilometres with its lower left corner at (col, row); returns its width in pixels."""
    each = next(km for km in (0.5, 1, 2, 5, 10, 20, 50) if km * 1000 / ground.metres_px > 24)
    wide = each * 1000 / ground.metres_px
    parts = 5 if wide * 5 < 260 else 3
    for part in range(parts):
        a, b = (round(col + part * wide), row - 5), (round(col + (part + 1) * wide), row)
        cv2.rectangle(ink, a, b, 255, -1 if part % 2 == 0 else 1)
    for part in range(parts + 1):
        value = part * each
        label = word(script, number(script, int(value)) if float(value).is_integer() else "", 10)
        page.put(label, col + part * wide - label.shape[1] / 2, row - 9 - label.shape[0], 0, force=True)
    return round(parts * wide)


def centred(page: Page, ink: np.ndarray, col: float, row: float) -> int:
    """Set ink with its middle at `col` and its top at `row`; returns the row below it."""
    page.put(ink, col - ink.shape[1] / 2, row, 0, force=True)
    return round(row) + ink.shape[0]


def north_arrow(ink: np.ndarray, col: int, row: int, size: int) -> None:
    """A compass star with a half-filled needle."""
    for dx, dy, half in ((0, -1, 0.16), (0, 1, 0.16), (1, 0, 0.12), (-1, 0, 0.12)):
        tip = (col + dx * size, row + dy * size)
        a = (col + half * size * (dy or 1), row + half * size * (dx or 1))
        b = (col - half * size * (dy or 1), row - half * size * (dx or 1))
        cv2.fillPoly(ink, [np.round(np.array([tip, a, (col, row)]) * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
        cv2.polylines(ink, [np.round(np.array([tip, a, b]) * 16).astype(np.int32)], True, 255, 1, cv2.LINE_AA, 4)
    cv2.circle(ink, (col, row), round(size * 0.62), 255, 1, cv2.LINE_AA)
