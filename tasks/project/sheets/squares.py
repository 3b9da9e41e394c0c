"""Where the squares of a scan lie: one whole square, and random ones near the middle. None leaves the sheet.

Squares are placed in the sheet's own frame, in which the sheet is upright. There, the chessboard distance of a pixel
from the nearest pixel off the sheet is half the side of the largest square around that pixel that stays on the sheet.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from tasks.project.params import Squares
from tasks.project.sheets.edge import Edge

_LEVEL = 0.15  # degrees; a smaller turn is not corrected
_TRIES = 40  # random centres before the nearest possible one is taken
_SLACK = 0.75  # pixels of the reduced scan: squares that differ by less in half their side count as equally large


@dataclass(frozen=True)
class Place:
    """A rectangle on a scan: centre, width and height in full pixels, turned clockwise by `angle` degrees."""

    name: str
    col: float
    row: float
    width: float
    height: float
    angle: float

    def corners(self) -> np.ndarray:
        """Columns and rows of the corners, (4, 2), clockwise from the top left."""
        half = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * [self.width / 2, self.height / 2]
        return half @ _around(self.angle).T + [self.col, self.row]


class Frame:
    """The sheet turned upright, on the reduced scan.

    Attributes:
        room: half the side of the largest square on the sheet around each pixel, (H, W); 0 or less where none is.
        middle: column and row of the sheet's middle.
        half: half the width and height of the sheet.
    """

    def __init__(self, edge: Edge, upright: bool, inset: float):
        self.angle = edge.angle if upright and abs(edge.angle) >= _LEVEL else 0.0
        rows, cols = edge.off.shape
        turn = _around(self.angle)
        width, height = np.ceil(np.abs(turn) @ [cols, rows]).astype(int) + 2
        self._turn, self._shift = turn, np.array([cols / 2, rows / 2]) - turn @ [width / 2, height / 2]
        matrix = np.hstack([turn, (self._shift + (turn @ [0.5, 0.5]) - 0.5)[:, None]])
        flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
        off = cv2.warpAffine(edge.off.astype(np.uint8), matrix, (int(width), int(height)), flags=flags, borderValue=1)
        free = off == 0
        self._free = free
        where = np.flatnonzero(free.any(axis=0)), np.flatnonzero(free.any(axis=1))
        spans = [(int(w[0]), int(w[-1]) + 1) if len(w) else (0, 0) for w in where]
        self.middle = np.array([(a + b) / 2 for a, b in spans])
        self.half = np.array([(b - a) / 2 for a, b in spans])
        self._inset = inset * 2 * float(self.half.min())
        distance = cv2.distanceTransform(np.pad(free, 1).astype(np.uint8), cv2.DIST_C, 3)[1:-1, 1:-1]
        self.room = distance - 0.5 - self._inset - (1.0 if self.angle else 0.0)

    def to_scan(self, point: np.ndarray) -> np.ndarray:
        """Column and row on the reduced scan of a point of the frame."""
        return self._turn @ point + self._shift

    def nearest(self, point: np.ndarray, half: float) -> np.ndarray:
        """The centre of a pixel around which a square with half the side `half` fits, as near to `point` as can be."""
        rows, cols = np.nonzero(self.room >= half)
        centres = np.stack([cols + 0.5, rows + 0.5], axis=1)
        return centres[int(((centres - point) ** 2).sum(axis=1).argmin())]

    def fits(self, point: np.ndarray, half: float) -> bool:
        """Whether a square around the point stays on the sheet."""
        col, row = np.floor(point).astype(int)
        rows, cols = self.room.shape
        return (
            0 <= row < rows
            and 0 <= col < cols
            and self.room[row, col] - np.abs(point - [col + 0.5, row + 0.5]).max() >= half
        )

    def rectangle(self) -> tuple[np.ndarray, np.ndarray]:
        """Middle and half size of the largest rectangle with the sheet's middle that stays on the sheet."""
        total = np.pad(1 - self._free.astype(np.int64), ((1, 0), (1, 0))).cumsum(axis=0).cumsum(axis=1)
        low, high = 0.0, 1.0
        for _ in range(12):  # halves the interval; the sides keep their ratio
            share = (low + high) / 2
            left, top = np.floor(self.middle - share * self.half - self._inset).astype(int)
            right, bottom = np.ceil(self.middle + share * self.half + self._inset).astype(int)
            left, top, right, bottom = (
                max(left, 0),
                max(top, 0),
                min(right, total.shape[1] - 1),
                min(bottom, total.shape[0] - 1),
            )
            off = total[bottom, right] - total[top, right] - total[bottom, left] + total[top, left]
            low, high = (share, high) if off == 0 else (low, share)
        return self.middle, np.maximum(low * self.half - self._inset, 0)


def place_squares(
    edge: Edge, scale: float, least: float, params: Squares, rng: Callable[[int], np.random.Generator]
) -> list[Place]:
    """The squares of one scan; empty where the largest square on the sheet is smaller than `least` full pixels.

    Args:
        scale: pixels of the reduced scan a full pixel. rng: from the number of a crop to its generator.
    """
    frame = Frame(edge, params.upright, params.inset)
    most = float(frame.room.max())
    if 2 * most / scale < least:
        return []
    middle = frame.nearest(frame.middle, most - _SLACK if most > 2 * _SLACK else most)
    whole = min(most, float(frame.room[tuple(np.floor(middle[::-1]).astype(int))]))
    places = []

    def place(name: str, centre: np.ndarray, half: np.ndarray | float) -> None:
        (col, row), (width, height) = frame.to_scan(centre) / scale, 2 * np.broadcast_to(half, 2) / scale
        places.append(Place(name, float(col), float(row), float(width), float(height), frame.angle))

    if params.whole == "square":
        place("whole", middle, whole)
    elif params.whole == "stretch":
        place("whole", *frame.rectangle())
    smallest = min(max(params.smallest * whole, least * scale / 2), whole)
    for number in range(params.crops):
        random = rng(number)
        half = smallest + random.random() * max(params.largest * whole - smallest, 0)
        centre = frame.middle
        for _ in range(_TRIES):
            centre = frame.middle + params.spread * frame.half * random.standard_normal(2)
            if frame.fits(centre, half):
                break
        else:
            centre = frame.nearest(centre, half)
        place(f"crop{number:02d}", centre, half)
    return places


def _around(degrees: float) -> np.ndarray:
    """The matrix that turns a column and a row clockwise, as rows run downwards."""
    turn = np.radians(degrees)
    return np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
