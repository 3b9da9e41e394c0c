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
    relief=("hachures",),
    paper=((238, 226, 198), (222, 204, 168)),
    ink=(44, 38, 34),
    contour=(90, 74, 58),
    water=(60, 70, 78),
    sea="lines",
    forest=None,
    forest_glyphs=True,
    road=None,
    railway=False,
    boundary=(214, 120, 128),
    grid=False,
    cartouche=True,
    years=(1790, 1868),
)
COLOURED = Style(
    relief=("hachures",),
    paper=((240, 230, 206), (226, 208, 174)),
    ink=(50, 42, 36),
    contour=(120, 92, 68),
    water=(86, 120, 140),
    sea="lines",
    forest=(206, 218, 176),
    forest_glyphs=True,
    road=(226, 190, 120),
    railway=False,
    boundary=(226, 190, 92),
    grid=False,
    cartouche=True,
    years=(1820, 1890),
)
SURVEY = Style(
    relief=("contours",),
    paper=((244, 240, 226), (234, 226, 204)),
    ink=(36, 34, 34),
    contour=(166, 112, 72),
    water=(74, 124, 170),
    sea="wash",
    forest=(198, 220, 178),
    forest_glyphs=False,
    road=(214, 120, 84),
    railway=True,
    boundary=None,
    grid=True,
    cartouche=False,
    years=(1895, 1958),
)
STAFF = Style(
    relief=("contours", "shading"),
    paper=((240, 234, 216), (228, 218, 194)),
    ink=(40, 38, 38),
    contour=(142, 104, 78),
    water=(92, 134, 166),
    sea="wash",
    forest=(206, 222, 188),
    forest_glyphs=True,
    road=(230, 196, 130),
    railway=True,
    boundary=(206, 132, 140),
    grid=True,
    cartouche=False,
    years=(1880, 1940),
)
ALPINE = Style(
    relief=("tints", "shading", "contours"),
    paper=((246, 242, 230), (238, 230, 212)),
    ink=(46, 44, 46),
    contour=(150, 118, 92),
    water=(88, 146, 186),
    sea="wash",
    forest=None,
    forest_glyphs=False,
    road=(222, 150, 96),
    railway=True,
    boundary=None,
    grid=False,
    cartouche=False,
    years=(1905, 1955),
    tints=(
        (178, 200, 150),
        (206, 214, 162),
        (232, 220, 172),
        (226, 198, 150),
        (214, 178, 138),
        (230, 218, 208),
        (248, 246, 244),
    ),
)
PLAIN = Style(
    relief=("shading",),
    paper=((236, 222, 190), (218, 198, 160)),
    ink=(58, 46, 38),
    contour=(120, 96, 74),
    water=(96, 108, 112),
    sea="ruled",
    forest=None,
    forest_glyphs=True,
    road=None,
    railway=False,
    boundary=(150, 186, 150),
    grid=False,
    cartouche=True,
    years=(1760, 1840),
)
STYLES = (ENGRAVED, COLOURED, SURVEY, STAFF, ALPINE, PLAIN)
