"""Kinds of countryside: how large the fields are, what grows, how much is wooded, and how roofs and light look."""

from __future__ import annotations

from dataclasses import dataclass

Color = tuple[int, int, int]


@dataclass(frozen=True)
class Crop:
    """What covers a parcel: its colour, its weight among the others, and rows of `row_m` metres (0: none)."""

    color: Color
    weight: float
    row_m: float = 0.0
    contrast: float = 0.0
    dots: bool = False  # trees or vines that stand apart in their rows


@dataclass(frozen=True)
class Region:
    """A countryside; lengths in metres, shares from 0 to 1."""

    crops: tuple[Crop, ...]
    domain_m: float  # fields of one direction reach so far
    strip_m: tuple[float, float]
    length_m: tuple[float, float]
    hedges: float
    woods: float  # threshold of the noise that makes woods: less is more wood
    forest: tuple[Color, Color]
    grass: Color
    roofs: tuple[Color, ...]
    road: Color
    soil: Color


_PLOUGHED, _STUBBLE = Crop((142, 118, 92), 2, 22, 0.05), Crop((196, 178, 128), 3, 26, 0.06)

BOCAGE = Region(
    crops=(
        Crop((106, 134, 74), 6),
        Crop((126, 146, 84), 5),
        Crop((88, 118, 62), 4, 24, 0.04),
        Crop((168, 158, 104), 2, 26, 0.05),
        Crop((140, 120, 96), 2, 22, 0.05),
        Crop((146, 156, 96), 3, 30, 0.04),
        Crop((98, 122, 70), 1, 18, 0.22, dots=True),
    ),
    domain_m=620,
    strip_m=(70, 130),
    length_m=(110, 260),
    hedges=0.75,
    woods=0.42,
    forest=((52, 74, 44), (78, 96, 56)),
    grass=(112, 136, 78),
    roofs=((142, 84, 66), (120, 104, 98), (154, 110, 88), (108, 96, 92)),
    road=(176, 172, 162),
    soil=(150, 128, 100),
)
OPEN = Region(
    crops=(
        Crop((206, 186, 132), 5, 26, 0.05),
        Crop((186, 170, 114), 3, 24, 0.05),
        Crop((92, 128, 62), 4, 26, 0.05),
        Crop((124, 148, 72), 3, 26, 0.04),
        _PLOUGHED,
        Crop((118, 94, 72), 2, 22, 0.04),
        Crop((194, 190, 86), 1, 26, 0.04),
        _STUBBLE,
        Crop((148, 160, 100), 1),
    ),
    domain_m=1300,
    strip_m=(110, 230),
    length_m=(320, 760),
    hedges=0.12,
    woods=0.72,
    forest=((48, 66, 42), (70, 88, 52)),
    grass=(122, 140, 84),
    roofs=((146, 78, 58), (164, 98, 74), (112, 100, 96), (134, 88, 70)),
    road=(186, 182, 172),
    soil=(146, 122, 96),
)
DRY = Region(
    crops=(
        Crop((204, 182, 138), 5, 22, 0.05),
        Crop((178, 150, 112), 4, 20, 0.06),
        Crop((160, 128, 94), 3, 20, 0.05),
        Crop((172, 156, 116), 4, 20, 0.34, dots=True),
        Crop((126, 132, 82), 2, 16, 0.20),
        Crop((150, 142, 98), 3),
        Crop((100, 122, 66), 1, 24, 0.04),
        Crop((186, 160, 116), 2, 22, 0.36, dots=True),
    ),
    domain_m=760,
    strip_m=(60, 150),
    length_m=(120, 340),
    hedges=0.16,
    woods=0.55,
    forest=((78, 86, 56), (98, 102, 66)),
    grass=(164, 154, 108),
    roofs=((190, 132, 100), (204, 170, 140), (214, 204, 186), (176, 116, 86)),
    road=(204, 194, 174),
    soil=(176, 150, 114),
)
STRIPS = Region(
    crops=(
        Crop((198, 180, 126), 3, 20, 0.05),
        Crop((116, 142, 74), 4),
        Crop((94, 126, 64), 3, 18, 0.05),
        Crop((138, 114, 86), 2, 16, 0.05),
        Crop((158, 162, 100), 3),
        Crop((176, 158, 108), 2, 18, 0.06),
        Crop((82, 112, 58), 2),
    ),
    domain_m=980,
    strip_m=(22, 48),
    length_m=(260, 620),
    hedges=0.10,
    woods=0.50,
    forest=((40, 60, 42), (58, 80, 50)),
    grass=(116, 140, 78),
    roofs=((128, 82, 68), (104, 100, 98), (150, 96, 78)),
    road=(182, 176, 164),
    soil=(142, 118, 92),
)
REGIONS = (BOCAGE, OPEN, DRY, STRIPS)
