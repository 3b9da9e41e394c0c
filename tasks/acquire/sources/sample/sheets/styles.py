"""Styles of sheets: which inks, how relief and water are drawn, and from which years such sheets are."""

from __future__ import annotations

from dataclasses import dataclass

Color = tuple[int, int, int]


@dataclass(frozen=True)
class Style:
    """A way to draw a map. Shares are from 0 to 1; None leaves a thing out."""

    relief: tuple[str, ...]  # of: contours, hachures, shading, tints
    paper: tuple[Color, Color]
    ink: Color
    contour: Color
    water: Color
    sea: str  # lines, wash or ruled
    forest: Color | None
    forest_glyphs: bool
    road: Color | None  # the fill of main roads; None draws them as one line
    railway: bool
    boundary: Color | None  # a hand-painted ribbon along a boundary
    grid: bool
    cartouche: bool  # the title stands in the map, else above it
    years: tuple[int, int]
    tints: tuple[Color, ...] = ()


ENGRAVED = Style(
    ("hachures",), ((238, 226, 198), (222, 204, 168)), (44, 38, 34), (90, 74, 58), (60, 70, 78), "lines",
    None, True, None, False, (214, 120, 128), False, True, (1790, 1868),
)  # fmt: skip
COLOURED = Style(
    ("hachures",), ((240, 230, 206), (226, 208, 174)), (50, 42, 36), (120, 92, 68), (86, 120, 140), "lines",
    (206, 218, 176), True, (226, 190, 120), False, (226, 190, 92), False, True, (1820, 1890),
)  # fmt: skip
SURVEY = Style(
    ("contours",), ((244, 240, 226), (234, 226, 204)), (36, 34, 34), (166, 112, 72), (74, 124, 170), "wash",
    (198, 220, 178), False, (214, 120, 84), True, None, True, False, (1895, 1958),
)  # fmt: skip
STAFF = Style(
    ("contours", "shading"), ((240, 234, 216), (228, 218, 194)), (40, 38, 38), (142, 104, 78), (92, 134, 166), "wash",
    (206, 222, 188), True, (230, 196, 130), True, (206, 132, 140), True, False, (1880, 1940),
)  # fmt: skip
ALPINE = Style(
    ("tints", "shading", "contours"), ((246, 242, 230), (238, 230, 212)), (46, 44, 46), (150, 118, 92), (88, 146, 186), "wash",
    None, False, (222, 150, 96), True, None, False, False, (1905, 1955),
    ((178, 200, 150), (206, 214, 162), (232, 220, 172), (226, 198, 150), (214, 178, 138), (230, 218, 208), (248, 246, 244)),
)  # fmt: skip
PLAIN = Style(
    ("shading",), ((236, 222, 190), (218, 198, 160)), (58, 46, 38), (120, 96, 74), (96, 108, 112), "ruled",
    None, True, None, False, (150, 186, 150), False, True, (1760, 1840),
)  # fmt: skip
STYLES = (ENGRAVED, COLOURED, SURVEY, STAFF, ALPINE, PLAIN)
