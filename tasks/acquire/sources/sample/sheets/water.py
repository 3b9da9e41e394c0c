"""Water in ink: the sea's edge with the lines that follow it, and streams that widen on their way."""

from __future__ import annotations

import cv2
import numpy as np
from scipy.ndimage import binary_dilation, distance_transform_edt

from tasks.acquire.sources.sample.ground.streams import Stream, meander


def coast(sea: np.ndarray) -> np.ndarray:
    """Ink of the shore line, bool (H, W)."""
    return binary_dilation(sea) & ~sea


def sea_ink(sea: np.ndarray, kind: str) -> np.ndarray:
    """How much ink lies on the sea, float32 (H, W) from 0 to 1.

    `lines` follow the coast and part from each other as they leave it, `ruled` are level lines, `wash` is even.
    """
    if not sea.any():
        return np.zeros(sea.shape, np.float32)
    if kind == "wash":
        away = distance_transform_edt(sea[::2, ::2]).astype(np.float32)
        away = np.repeat(np.repeat(away, 2, 0), 2, 1)[: sea.shape[0], : sea.shape[1]]
        return sea * (0.34 + 0.3 * np.exp(-away / np.float32(9)))
    if kind == "ruled":
        away = distance_transform_edt(sea[::2, ::2])
        away = np.repeat(np.repeat(away, 2, 0), 2, 1)[: sea.shape[0], : sea.shape[1]]
        rows = np.arange(sea.shape[0])[:, None] % 4 == 0
        return (sea & rows & (away < 12)).astype(np.float32) * 0.75
    away = distance_transform_edt(sea).astype(np.float32)
    ink = np.zeros(sea.shape, np.float32)
    at = 3.0
    for number in range(9):
        ink = np.maximum(ink, np.clip(0.95 - np.abs(away - np.float32(at)), 0, 1) * np.float32(0.85 - 0.075 * number))
        at += 2.6 + 0.75 * number
    return ink * sea


def streams_ink(shape: tuple[int, int], water: list[Stream], scale: float, seed: int) -> np.ndarray:
    """Ink of streams, uint8 (H, W)."""
    ink = np.zeros(shape, np.uint8)
    for stream in water:
        line = np.round(bent(stream, scale, seed) * 16).astype(np.int32)
        cells = np.repeat(stream.cells, 4)[: len(line)]
        for low, high, wide, strength in (
            (0, 260, 1, 190),
            (260, 900, 1, 255),
            (900, 2500, 2, 255),
            (2500, 10**9, 3, 255),
        ):
            part = line[(cells >= low) & (cells < high)]
            if len(part) > 1:
                cv2.polylines(ink, [part], False, strength, wide, cv2.LINE_AA, 4)
    return ink


def bent(stream: Stream, scale: float, seed: int) -> np.ndarray:
    """A stream's line with its bends, in pixels."""
    return meander(stream.line, 3.2, 0.8, seed) * scale
