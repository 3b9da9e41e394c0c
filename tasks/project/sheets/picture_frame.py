"""The frame around a photograph: the page of a book, a mount, a printed border, a caption below.

A photograph may have any colours at its border, and its horizon may be straight. So a border counts as a frame only if
one colour ends at a straight line on three sides, or on two opposite sides, over nearly all of their length. Whatever
lies beyond the frame, such as a caption, is off the picture too. A picture without such a frame is kept whole.
"""

from __future__ import annotations

import cv2
import numpy as np

from tasks.project.sheets.edge import Edge, edge_of
from tasks.project.sheets.palette import border_tones, to_lab
from tasks.project.sheets.sides import SIDES, Side, at_border, find_side, turned

_AGREED, _CROSSED, _OUTSIDE = 0.85, 0.9, 0.8  # least shares of a side that is framed; see `sides.Side`
_STEP = 9.0  # Lab units (0..255) between a frame and the picture
_LAYERS = 3  # frames inside one another: a page, a white border, a black line
_OPPOSITE = {"top", "bottom"}, {"left", "right"}


def find_frame(rgb: np.ndarray, known: np.ndarray) -> Edge:
    """Find the picture on a reduced scan, uint8 (H, W, 3); `known` says which pixels have a value."""
    lab = to_lab(np.where(known[..., None], rgb, np.uint8(0)))
    lines: dict[str, Side] = {}
    off = ~known
    for _ in range(_LAYERS):
        layer, _ = outermost(lab, off)
        if not layer:
            break
        lines |= layer
        off = edge_of(lines, ~known).off
    return edge_of(lines, ~known)


def outermost(lab: np.ndarray, off: np.ndarray, agreed: float = _AGREED) -> tuple[dict[str, Side], np.ndarray]:
    """The lines of the outermost frame inside what is known to be off the picture, and its pixels; {} without one.

    Args:
        agreed: least share of each side's columns that end at its line.
    """
    for tone in border_tones(lab, ~off):
        members = tone.of(lab) | off
        members = cv2.morphologyEx(members.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)) > 0
        joined = at_border(members)
        lines = {}
        for side in SIDES:
            line = find_side(turned(joined, side), turned(members, side), turned(lab, side), max(off.shape))
            if line is not None and min(line.agreed / agreed, line.crossed / _CROSSED, line.outside / _OUTSIDE) >= 1:
                lines[side] = line
        clear = {side for side, line in lines.items() if line.step >= _STEP}
        if len(clear) >= 3 or any(pair <= clear for pair in _OPPOSITE):
            return (
                lines,
                joined,
            )  # also those behind which the picture begins with the colour of the frame, such as white sky
    return {}, off
