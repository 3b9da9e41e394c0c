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
    Mountains(((112, 128, 66), (150, 146, 88)), ((34, 50, 32), (56, 72, 42)), ((126, 118, 110), (88, 84, 82)), 0.42, 0.6, 0.62, 0.10),
    Mountains(((106, 118, 68), (134, 132, 84)), ((30, 46, 34), (46, 62, 44)), ((112, 110, 112), (74, 74, 80)), 0.30, 0.5, 0.38, 0.08, 1.2),
    Mountains(((214, 218, 226), (232, 235, 240)), ((48, 58, 56), (70, 80, 78)), ((108, 106, 110), (76, 78, 86)), 0.30, 0.45, -0.2, 0.06, 1.1),
    Mountains(((176, 136, 92), (196, 160, 116)), ((104, 98, 66), (126, 112, 76)), ((164, 98, 66), (190, 134, 94)), 0.25, 0.12, 2.0, 0.34, 0.9),
    Mountains(((116, 112, 60), (104, 82, 62)), ((54, 62, 40), (70, 74, 48)), ((96, 92, 88), (70, 68, 68)), 0.22, 0.15, 2.0, 0.06, 0.7),
    Mountains(((92, 120, 66), (118, 138, 80)), ((38, 62, 38), (60, 84, 50)), ((98, 96, 82), (76, 76, 66)), 0.95, 0.7, 2.0, 0.05, 0.8),
    Mountains(((150, 128, 70), (168, 140, 78)), ((142, 92, 40), (96, 84, 44)), ((118, 112, 106), (84, 82, 82)), 0.45, 0.65, 0.74, 0.10),
)  # fmt: skip
"""Alps in summer, high peaks, winter, desert, highlands, green mountains, autumn."""

LIGHTS = (
    Light((255, 246, 228), (74, 122, 190), (186, 208, 228), (118, 142, 180), (34, 58), (14, 40), (0.0, 0.5), direct=1.05),
    Light((255, 244, 222), (96, 142, 200), (204, 218, 230), (124, 146, 178), (24, 46), (11, 30), (0.35, 0.8)),
    Light((255, 190, 120), (92, 124, 178), (244, 206, 162), (124, 134, 172), (8, 15), (9, 24), (0.1, 0.6), (255, 218, 176), (168, 140, 148), 1.1),
    Light((236, 236, 238), (150, 160, 172), (204, 208, 212), (150, 156, 164), (36, 50), (8, 22), (0.9, 1.2), (206, 210, 214), (136, 142, 150), 0.5),
    Light((255, 160, 120), (72, 84, 138), (246, 176, 150), (122, 118, 166), (5, 9), (9, 24), (0.15, 0.6), (250, 176, 150), (120, 98, 128), 0.95),
    Light((255, 236, 206), (70, 84, 104), (158, 166, 172), (96, 108, 124), (22, 40), (14, 30), (0.75, 1.0), (176, 178, 182), (72, 80, 92), 0.85),
)  # fmt: skip
"""A clear day, fair weather, a golden evening, an overcast sky, dusk, a storm that breaks up."""
