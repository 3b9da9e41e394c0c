"""Kinds of mountains and kinds of light. Heights are shares of the relief in sight: 0 the lowest, 1 the highest."""

from __future__ import annotations

from dataclasses import dataclass

Color = tuple[int, int, int]


@dataclass(frozen=True)
class Mountains:
    """What covers a mountain, from below to above."""

    meadow: tuple[Color, Color]
    forest: tuple[Color, Color]
    rock: tuple[Color, Color]
    trees: float  # forest reaches so high
    wooded: float  # share of the ground below that is forest
    snow: float  # snow lies from so high
    bands: float  # strength of layers in the rock
    rough: float = 1.0


@dataclass(frozen=True)
class Light:
    """A sun and its sky. Angles in degrees, `clear_km` how far one sees."""

    sun: Color
    zenith: Color
    horizon: Color
    ambient: Color
    altitude: tuple[float, float]
    clear_km: tuple[float, float]
    clouds: tuple[float, float]
    cloud: Color = (250, 250, 250)
    cloud_shade: Color = (150, 158, 172)
    direct: float = 1.0


MOUNTAINS = (
    Mountains(  # Alps in summer
        meadow=((112, 128, 66), (150, 146, 88)),
        forest=((34, 50, 32), (56, 72, 42)),
        rock=((126, 118, 110), (88, 84, 82)),
        trees=0.42,
        wooded=0.6,
        snow=0.62,
        bands=0.10,
    ),
    Mountains(  # high peaks
        meadow=((106, 118, 68), (134, 132, 84)),
        forest=((30, 46, 34), (46, 62, 44)),
        rock=((112, 110, 112), (74, 74, 80)),
        trees=0.30,
        wooded=0.5,
        snow=0.38,
        bands=0.08,
        rough=1.2,
    ),
    Mountains(  # winter
        meadow=((214, 218, 226), (232, 235, 240)),
        forest=((48, 58, 56), (70, 80, 78)),
        rock=((108, 106, 110), (76, 78, 86)),
        trees=0.30,
        wooded=0.45,
        snow=-0.2,
        bands=0.06,
        rough=1.1,
    ),
    Mountains(  # desert
        meadow=((176, 136, 92), (196, 160, 116)),
        forest=((104, 98, 66), (126, 112, 76)),
        rock=((164, 98, 66), (190, 134, 94)),
        trees=0.25,
        wooded=0.12,
        snow=2.0,
        bands=0.34,
        rough=0.9,
    ),
    Mountains(  # highlands
        meadow=((116, 112, 60), (104, 82, 62)),
        forest=((54, 62, 40), (70, 74, 48)),
        rock=((96, 92, 88), (70, 68, 68)),
        trees=0.22,
        wooded=0.15,
        snow=2.0,
        bands=0.06,
        rough=0.7,
    ),
    Mountains(  # green mountains
        meadow=((92, 120, 66), (118, 138, 80)),
        forest=((38, 62, 38), (60, 84, 50)),
        rock=((98, 96, 82), (76, 76, 66)),
        trees=0.95,
        wooded=0.7,
        snow=2.0,
        bands=0.05,
        rough=0.8,
    ),
    Mountains(  # autumn
        meadow=((150, 128, 70), (168, 140, 78)),
        forest=((142, 92, 40), (96, 84, 44)),
        rock=((118, 112, 106), (84, 82, 82)),
        trees=0.45,
        wooded=0.65,
        snow=0.74,
        bands=0.10,
    ),
)

LIGHTS = (
    Light(  # a clear day
        sun=(255, 246, 228),
        zenith=(74, 122, 190),
        horizon=(186, 208, 228),
        ambient=(118, 142, 180),
        altitude=(34, 58),
        clear_km=(14, 40),
        clouds=(0.0, 0.5),
        direct=1.05,
    ),
    Light(  # fair weather
        sun=(255, 244, 222),
        zenith=(96, 142, 200),
        horizon=(204, 218, 230),
        ambient=(124, 146, 178),
        altitude=(24, 46),
        clear_km=(11, 30),
        clouds=(0.35, 0.8),
    ),
    Light(  # a golden evening
        sun=(255, 190, 120),
        zenith=(92, 124, 178),
        horizon=(244, 206, 162),
        ambient=(124, 134, 172),
        altitude=(8, 15),
        clear_km=(9, 24),
        clouds=(0.1, 0.6),
        cloud=(255, 218, 176),
        cloud_shade=(168, 140, 148),
        direct=1.1,
    ),
    Light(  # an overcast sky
        sun=(236, 236, 238),
        zenith=(150, 160, 172),
        horizon=(204, 208, 212),
        ambient=(150, 156, 164),
        altitude=(36, 50),
        clear_km=(8, 22),
        clouds=(0.9, 1.2),
        cloud=(206, 210, 214),
        cloud_shade=(136, 142, 150),
        direct=0.5,
    ),
    Light(  # dusk
        sun=(255, 160, 120),
        zenith=(72, 84, 138),
        horizon=(246, 176, 150),
        ambient=(122, 118, 166),
        altitude=(5, 9),
        clear_km=(9, 24),
        clouds=(0.15, 0.6),
        cloud=(250, 176, 150),
        cloud_shade=(120, 98, 128),
        direct=0.95,
    ),
    Light(  # a storm that breaks up
        sun=(255, 236, 206),
        zenith=(70, 84, 104),
        horizon=(158, 166, 172),
        ambient=(96, 108, 124),
        altitude=(22, 40),
        clear_km=(14, 30),
        clouds=(0.75, 1.0),
        cloud=(176, 178, 182),
        cloud_shade=(72, 80, 92),
        direct=0.85,
    ),
)
