"""The pixels of a square: cut from its scan, turned upright, resized by area means."""

from __future__ import annotations

import cv2
import numpy as np

from tasks.project.sheets.read import ScanReader
from tasks.project.sheets.survey import Square


def cut_square(square: Square, px: int, reader: ScanReader) -> np.ndarray:
    """The square with `px` pixels a side, float32 (3, px, px) in 0..255.

    The scan is sampled bilinearly on a grid at least as fine as its pixels, and the samples of each pixel of the scene
    are averaged. So no detail is skipped, whatever the ratio and the angle.
    """
    scan = reader.read(square.scan.key, square.scan.path, square.read_px)
    place, scale = square.place, scan.scale
    times = max(1, int(np.ceil(max(place.width, place.height) * scale / px - 0.02)))
    side = px * times
    turn = np.radians(place.angle)
    around = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    step = around * (np.array([place.width, place.height]) * scale / side)  # scan pixels a sample
    first = np.array([place.col, place.row]) * scale + step @ [(1 - side) / 2, (1 - side) / 2] - 0.5
    matrix = np.hstack([step, first[:, None]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    samples = cv2.warpAffine(scan.rgb, matrix, (side, side), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    means = samples.reshape(px, times, px, times, 3).mean(axis=(1, 3), dtype=np.float32)
    return np.ascontiguousarray(np.moveaxis(means, -1, 0))
