"""Names for classes, proposed from their means. A person can rename them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment

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
    words = COLORED if "red" in table else UNCOLORED
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
        shade = "pale" if row.brightness > 160 else "dark" if row.brightness < 80 else "middle"
        hue = (
            "grey"
            if row.saturation < 0.15
            else ("red", "green", "blue")[int(np.argmax([row.red, row.green, row.blue]))]
        )
        return f"{shade} {hue}"
    return "high ground" if row.height_rank > 0.5 else "low ground"


def _rank(values: pd.Series) -> pd.Series:
    """Ranks from 0 for the smallest value to 1 for the largest."""
    return (values.rank() - 1) / max(len(values) - 1, 1)
