"""The edge of a map's sheet on its scan.

1. The frequent colours of the scan's border that its middle does not have may be surroundings (`palette`).
2. For every set of these colours: its pixels that hang together with the border may be off the sheet. On each side
   of the scan, the line is fitted at which they end (`sides`). The set whose line most columns agree on is taken.
3. A line is an edge if most columns agree on it and the colours do not go on behind it. Colours that go on behind
   it are paper, and the line is a printed frame.
4. Where no colour is foreign, surroundings of a colour that the sheet has too count if they end at a straight line on
   all four sides, and no printed line runs along it or all sides are clearly turned by the same angle.
5. A side without surroundings is the border of the scan. A side with surroundings that end at no straight line has no
   edge, and the scan is refused.
"""

from __future__ import annotations

from itertools import combinations

import cv2
import numpy as np

from tasks.project.sheets.edge import SQUARE, Edge, edge_of, turn_of
from tasks.project.sheets.palette import Tone, foreign_tones, lightness, to_lab
from tasks.project.sheets.picture_frame import outermost
from tasks.project.sheets.sides import SIDES, Side, at_border, find_side, turned

_AGREED = 0.55  # of a side's columns must agree on its line; a colour chart or a torn corner hides the others
_ALIKE = 0.06  # of the strip behind the line may have the colours of the surroundings
_OUTSIDE = 0.4  # of the strip before the line must have them
_STEP = 9.0  # Lab units (0..255) between the surroundings and the sheet; a shade of paper differs by less
_CROSSED = 0.6  # of a side's columns show surroundings: then the side must have an edge
_CLEAR = 0.8  # of a side's columns end at a printed frame
_PAPER = 0.4  # of the strip behind a printed frame is paper
_INSIDE = 0.003  # of the scan's inner part, away from the border: more of a light colour than that is paper
_THIN = 0.03  # of the scan's longer side: surroundings up to this deep may be stains
_THIN_AGREED = 0.75  # as _AGREED, where they may be
_AROUND = 0.7  # of each side's columns end at its line, where surroundings have a colour of the sheet
_ASKEW = 1.0  # degrees
_STRANGE = 20.0  # Lab units: colours nearer to the sheet's may be stains, and need no edge
_DEEP = 0.01  # of the scan's longer side: surroundings thinner than that need no edge; the inset covers them


def find_sheet(rgb: np.ndarray, known: np.ndarray) -> Edge:
    """Find the sheet on a reduced scan, uint8 (H, W, 3); `known` says which pixels have a value."""
    lab = to_lab(np.where(known[..., None], rgb, np.uint8(0)))
    light = lab[..., 0] >= lightness(lab)
    foreign = [tone for tone in foreign_tones(lab, known) if not _is_paper(tone, lab, light)]
    masks = [tone.of(lab) for tone in foreign]
    sets = [(_members(np.logical_or.reduce([masks[i] for i in which]), light), which) for which in _subsets(len(masks))]
    if not known.all():
        sets = [(members | ~known, which) for members, which in sets] or [(~known, ())]
    # Dark colours go on behind an edge as ink, in frames and lettering; only light ones tell paper from surroundings.
    looks = [(members & light, at_border(members)) for members, _ in sets]
    lines, taken, problem = {}, np.zeros(known.shape, bool), None
    for side in SIDES:
        found = [
            find_side(turned(off, side), turned(alike, side), turned(lab, side), max(known.shape))
            for alike, off in looks
        ]
        good = [i for i, line in enumerate(found) if line is not None and _is_edge(line)]
        if good:
            best = max(good, key=lambda i: (round(found[i].agreed, 2), found[i].outside))
            lines[side] = found[best]
            taken |= looks[best][1]
        elif any(
            _needs_edge(line, [foreign[i] for i in which], known.shape)
            for line, (_, which) in zip(found, sets, strict=True)
        ):
            problem = problem or f"its {side} border differs from the sheet, but no straight edge divides them"
    if not lines:
        around, members = outermost(lab, ~known, _AROUND)
        if len(around) == len(SIDES) and (_askew(around) or sum(line.inked for line in around.values()) <= 1):
            lines, taken, problem = around, members, None
    return edge_of(_without_stains(lines, known.shape), taken | ~known, problem)


def _askew(lines: dict[str, Side]) -> bool:
    """Whether all sides are turned by the same angle, and clearly."""
    turns = [turn_of(side, line) for side, line in lines.items()]
    return max(turns) - min(turns) <= SQUARE and abs(np.mean(turns)) >= _ASKEW


def _without_stains(lines: dict[str, Side], shape: tuple[int, int]) -> dict[str, Side]:
    """The lines without those that stains and shade along a rim make.

    Such a line is near the border, and few columns agree on it, or it makes a wedge and no other side is parallel or
    square to it. The stain stays off the sheet for squares, but the line does not say where the sheet ends.
    """
    turns = {side: turn_of(side, line) for side, line in lines.items()}
    kept = {}
    for side, line in lines.items():
        ends = line.depth(np.array([0.0, shape[1] if side in ("top", "bottom") else shape[0]]))
        wedge, thin = ends.min() <= 0, ends.max() <= _THIN * max(shape)
        alone = all(abs(turns[side] - turn) > SQUARE for other, turn in turns.items() if other != side)
        if not thin or line.agreed >= _THIN_AGREED and not (wedge and alone):
            kept[side] = line
    return kept


def _subsets(count: int) -> list[tuple[int, ...]]:
    return [which for size in range(1, count + 1) for which in combinations(range(count), size)]


def _members(union: np.ndarray, light: np.ndarray) -> np.ndarray:
    """The pixels of a set of colours without specks and bridges: light ones up to two pixels wide, dark ones up to six.

    Dark bridges are wider because a torn corner joins a printed frame to a dark bed.
    """
    closed = cv2.morphologyEx(union.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    fine, coarse = (cv2.morphologyEx(closed, cv2.MORPH_OPEN, np.ones((side, side), np.uint8)) > 0 for side in (3, 7))
    return coarse | fine & light


def _is_paper(tone: Tone, lab: np.ndarray, light: np.ndarray) -> bool:
    """Whether a colour of the border is the sheet's own margin: the paper goes on behind a printed frame.

    A frame is a straight line with the same colour behind it. A light colour is also paper if it lies on the sheet in
    places that no margin joins to the border, between lines of a frame and in the map.
    """
    mask = tone.of(lab)
    members = _members(mask, light)
    off = at_border(members)
    rows, cols = mask.shape
    inner = np.s_[rows * 3 // 20 : rows * 17 // 20, cols * 3 // 20 : cols * 17 // 20]
    if tone.middle[0] >= lightness(lab) and (mask & ~off)[inner].mean() > _INSIDE:
        return True
    for side in SIDES:
        line = find_side(turned(off, side), turned(members, side), turned(lab, side), max(mask.shape))
        if line is not None and min(line.agreed, line.crossed) >= _CLEAR and line.alike >= _PAPER:
            return True
    return False


def _is_edge(line: Side) -> bool:
    seen = line.crossed > 0 and line.agreed >= _AGREED and line.outside >= _OUTSIDE
    return seen and line.alike <= _ALIKE and line.step >= _STEP


def _needs_edge(line: Side | None, colors: list[Tone], shape: tuple[int, ...]) -> bool:
    if line is None or any(tone.apart < _STRANGE for tone in colors):
        return False
    return line.crossed >= _CROSSED and line.alike <= _ALIKE and line.typical > _DEEP * max(shape)
