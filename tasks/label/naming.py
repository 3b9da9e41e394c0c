"""Names for classes, proposed from their means. A person can rename them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment

from tasks.formats.tables.hues import HUES, SHADES

LEAST = 0.25  # least fit of a name
Row = pd.Series


def propose(table: pd.DataFrame) -> list[str]:
    """A distinct name for each row of `traits`.

    Every name of the vocabulary has a fit for each class (0 to 1, the worst of its conditions). The assignment with the
    best sum is chosen. A class that no name fits is described by its colour or height.
    """
    table = table.assign(
        **{f"{name}_rank": _rank(table[name]) for name in ("height", "slope", "warmth") if name in table}
    )
    words = UNCOLORED if "red" not in table else OVERHEAD if "roughness" in table else COLORED
    fit = np.array([[rule(row) for rule in words.values()] for _, row in table.iterrows()])
    fit += (
        1e-4 * np.arange(fit.shape[1])[::-1]
    )  # prefers the first of two equal fits; far larger than noise in the last bits
    chosen = dict(zip(*linear_sum_assignment(-fit), strict=True))
    names: list[str] = []
    for index, (_, row) in enumerate(table.iterrows()):
        column = chosen.get(index)
        name = list(words)[column] if column is not None and fit[index, column] >= LEAST else _plain(row)
        names.append(unique(name, names))
    return names


def conventional(name: str) -> tuple[int, int, int] | None:
    """The colour that land-cover maps give to a name of `OVERHEAD`; None for other names."""
    return SIGNATURES.get(name.rstrip("0123456789 "))


def unique(name: str, taken: list[str]) -> str:
    """`name`, with the first free number from 2 where it is taken."""
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name} {number}"
    return free


def _rises(value: float, low: float, high: float) -> float:
    """0 up to `low`, 1 from `high`, linear between."""
    return float(np.clip((value - low) / (high - low), 0, 1))


def _falls(value: float, low: float, high: float) -> float:
    return 1 - _rises(value, low, high)


def _blue(row: Row) -> float:
    return _rises(-row.warmth, 0.08, 0.3)


def _land(row: Row) -> float:
    return _falls(-row.warmth, 0.05, 0.15)


def _white(row: Row) -> float:
    return min(_rises(row.brightness, 165, 205), _falls(row.saturation, 0.12, 0.25))


def _green(row: Row) -> float:
    return _rises(row.greenness, 0.06, 0.16)


def _warm(row: Row) -> float:
    return _rises(row.warmth, 0.03, 0.09)


def _leaves(row: Row) -> float:
    return _rises(row.greenness, 0.03, 0.09)


def _low(row: Row) -> float:
    return _falls(row.height, 100, 600) if "height" in row else 1.0


def _high(row: Row) -> float:
    return row.height_rank * _rises(row.height, 300, 1500) if "height" in row else 0.0


def _steep(row: Row) -> float:
    return row.slope_rank if "slope" in row else 0.0


COLORED: dict[str, Callable[[Row], float]] = {
    "sea": lambda row: min(_rises(-row.warmth, 0.05, 0.18), _low(row), 1 - row.warmth_rank),
    "shallows": lambda row: 0.7 * min(_blue(row), _low(row)),
    "ice": _white,
    "snowfields": lambda row: 0.8 * min(_white(row), max(_steep(row), _high(row))),
    "desert": lambda row: min(_warm(row), _rises(row.brightness, 110, 150), _falls(row.greenness, 0.03, 0.08)),
    "forest": lambda row: min(_green(row), _falls(row.brightness, 105, 150), _land(row)),
    "woodland": lambda row: 0.8 * min(_green(row), _falls(row.brightness, 120, 170), _land(row)),
    "grassland": lambda row: 0.9 * min(_rises(row.greenness, 0.02, 0.07), _rises(row.warmth, -0.02, 0.04)),
    "dry land": lambda row: 0.6 * min(_warm(row), _rises(row.brightness, 90, 130)),
    "mountains": lambda row: 0.7 * min(max(_steep(row), _high(row)), _falls(row.greenness, 0.06, 0.12), _land(row)),
    "bare ground": lambda row: 0.6 * min(_falls(row.greenness, 0.03, 0.08), _falls(row.saturation, 0.2, 0.4)),
    "coast": lambda row: 0.6 * min(_rises(-row.warmth, 0.02, 0.15), _low(row)),
    "dark ground": lambda row: 0.4 * _falls(row.brightness, 60, 110),
}
OVERHEAD: dict[str, Callable[[Row], float]] = {
    "water": lambda row: min(  # dark crops are as cool and as smooth, and green
        _rises(-row.warmth, -0.02, 0.05), _falls(row.brightness, 95, 150), _falls(row.roughness, 0.12, 0.25),
        _falls(row.greenness, 0.08, 0.14),
    ),
    "snow": _white,
    "forest": lambda row: min(_leaves(row), _falls(row.brightness, 80, 112), _rises(row.roughness, 0.05, 0.1)),
    "trees": lambda row: 0.9 * min(_leaves(row), _falls(row.brightness, 95, 130), _rises(row.roughness, 0.1, 0.2)),
    "scrub": lambda row: 0.8 * min(_leaves(row), _falls(row.brightness, 110, 150), _rises(row.roughness, 0.08, 0.14)),
    "meadow": lambda row: min(
        _green(row), _rises(row.brightness, 85, 110), _falls(row.roughness, 0.08, 0.18), _falls(row.warmth, 0.06, 0.12)
    ),
    "green fields": lambda row: 0.9 * min(_rises(row.greenness, 0.08, 0.16), _falls(row.roughness, 0.08, 0.18)),
    "dry grass": lambda row: 0.9 * min(
        _rises(row.greenness, 0.03, 0.08), _rises(row.warmth, 0.03, 0.08), _rises(row.brightness, 105, 135),
        _falls(row.roughness, 0.1, 0.2),
    ),
    "ripe fields": lambda row: min(
        _warm(row), _rises(row.brightness, 130, 150), _falls(row.greenness, 0.05, 0.1), _falls(row.roughness, 0.1, 0.2)
    ),
    "bare soil": lambda row: min(
        _warm(row), _falls(row.brightness, 130, 165), _falls(row.greenness, 0.02, 0.06),
        _falls(row.roughness, 0.08, 0.16),
    ),
    "built-up land": lambda row: min(_rises(row.roughness, 0.14, 0.24), _falls(row.greenness, 0.04, 0.1)),
    "roads": lambda row: 0.8 * min(  # narrow, so that other ground is near; smooth grey ground is a field
        _falls(row.saturation, 0.12, 0.24), _falls(row.greenness, 0.03, 0.08), _rises(row.roughness, 0.06, 0.1)
    ),
    "sand": lambda row: 0.9 * min(_warm(row), _rises(row.brightness, 165, 195), _falls(row.greenness, 0.02, 0.05)),
    "shade": lambda row: 0.7 * min(_falls(row.brightness, 45, 75), _falls(row.greenness, 0.08, 0.16)),
    "field edges": lambda row: 0.5 * _rises(row.roughness, 0.08, 0.14),
}  # fmt: skip
"""Land cover, for pictures from above in colour alone."""
SIGNATURES = {
    "water": (70, 120, 190),
    "snow": (240, 244, 250),
    "forest": (30, 90, 45),
    "trees": (90, 140, 70),
    "scrub": (150, 165, 90),
    "meadow": (150, 205, 105),
    "green fields": (195, 225, 80),
    "dry grass": (215, 205, 130),
    "ripe fields": (245, 215, 90),
    "bare soil": (165, 115, 75),
    "built-up land": (205, 60, 60),
    "roads": (150, 150, 155),
    "sand": (250, 235, 190),
    "shade": (50, 50, 75),
    "field edges": (120, 100, 120),
}
UNCOLORED: dict[str, Callable[[Row], float]] = {
    "sea": lambda row: min(max(_rises(row.level, 0.4, 0.8), _rises(-row.height, 0, 20)), 1 - row.height_rank),
    "plain": lambda row: min(_falls(row.slope, 1, 4), 1 - 0.5 * row.slope_rank),
    "lowland": lambda row: 0.8 * min(1 - row.height_rank, 1 - 0.5 * row.slope_rank),
    "valleys": lambda row: min(_rises(-row.over, 5, 40), _rises(row.slope, 1, 4)),
    "ridges": lambda row: 0.9 * min(_rises(row.over, 5, 40), _rises(row.slope, 3, 10)),
    "hills": lambda row: 0.8 * min(_rises(row.slope, 1, 5), _falls(row.slope, 12, 20)),
    "plateau": lambda row: 0.8 * min(row.height_rank, 1 - row.slope_rank),
    "slopes": lambda row: 0.7 * _rises(row.slope, 6, 15),
    "mountains": lambda row: 0.9 * min(row.slope_rank, _rises(row.slope, 6, 15)),
    "high mountains": lambda row: min(row.height_rank, row.slope_rank, _rises(row.height, 800, 2500)),
    "highland": lambda row: 0.6 * row.height_rank,
}


def _plain(row: Row) -> str:
    """Colour or height in a word."""
    if "red" in row:
        shade = SHADES[int(row.brightness >= 80) + int(row.brightness > 150)]
        hue = HUES[0 if row.saturation < 0.15 else 1 + int(np.argmax([row.red, row.green, row.blue]))]
        return f"{shade} {hue}"
    return "high ground" if row.height_rank > 0.5 else "low ground"


def _rank(values: pd.Series) -> pd.Series:
    """Ranks from 0 for the smallest value to 1 for the largest."""
    return (values.rank() - 1) / max(len(values) - 1, 1)
