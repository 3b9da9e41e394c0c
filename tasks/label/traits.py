"""Traits of each class: means over its pixels in common units."""

from __future__ import annotations

import numpy as np
import pandas as pd


def traits(planes: np.ndarray, names: list[str], color: np.ndarray, labels: np.ndarray, k: int) -> pd.DataFrame:
    """Means of each class over its sampled pixels, one row a class.

    Columns with heights: `height` (metres), `slope` (degrees), `relief` (metres, at the middle radius), `over`
    (metres over the surroundings at the widest radius), `level` (share of pixels that are level at 0 m). With
    colours: `red`, `green`, `blue` (0 to 255), `greenness` (excess green), `warmth` ((red - blue) / sum),
    `saturation` (0 to 1), `brightness` (0 to 255). With colours alone: `roughness` (standard deviation of the
    logarithm of lightness, at the second radius). Always `pixels`, the number of sampled pixels.
    """
    column = {name: planes[:, index].astype(np.float64) for index, name in enumerate(names)}
    facts: dict[str, np.ndarray] = {}
    if "height" in column:
        facts["height"] = metres(column["height"])
        facts["slope"] = slope_degrees(column["slope"])
        reliefs = [name for name in names if name.startswith("relief_")]
        facts["relief"] = np.expm1(column[reliefs[len(reliefs) // 2]])
        facts["over"] = metres(column[[name for name in names if name.startswith("tpi_")][-1]])
        facts["level"] = (facts["height"] == 0) & (facts["slope"] < 0.05)
    if "excess_green" in column:
        rgb = color.astype(np.float64)
        total = np.maximum(rgb.sum(axis=1), 1)
        facts |= dict(zip(("red", "green", "blue"), rgb.T, strict=True))
        facts["greenness"] = (2 * rgb[:, 1] - rgb[:, 0] - rgb[:, 2]) / total
        facts["warmth"] = (rgb[:, 0] - rgb[:, 2]) / total
        facts["saturation"] = (rgb.max(axis=1) - rgb.min(axis=1)) / np.maximum(rgb.max(axis=1), 1)
        facts["brightness"] = rgb.mean(axis=1)
    rough = [name for name in names if name.startswith("texture_light_")]
    if rough:
        facts["roughness"] = np.expm1(column[rough[-1]]) / 100
    count = np.bincount(labels, minlength=k)
    means = {name: np.bincount(labels, values, minlength=k) / np.maximum(count, 1) for name, values in facts.items()}
    return pd.DataFrame(means | {"pixels": count}, index=range(k))


KEYS = (("height", 1, 1.0), ("greenness", -1, 0.01), ("slope", 1, 0.2), ("brightness", 1, 2.0))
"""Keys of the order of classes, most important first: trait, direction, and the margin within which two are equal."""


def order(table: pd.DataFrame) -> np.ndarray:
    """Order of classes by fixed keys, so that a re-run keeps the numbers: height, greenness, slope, brightness.

    Classes that are equal in one key are ordered by the next key; `levels` decides what is equal. The number of pixels
    is the last key. So noise in the last bits of the traits does not change the order.
    """
    keys = [(sign * table[name].to_numpy(float), margin) for name, sign, margin in KEYS if name in table]
    pixels = table["pixels"].to_numpy(float) if "pixels" in table else np.zeros(len(table))
    return np.array(_ordered(np.arange(len(table)), keys, -pixels))


def _ordered(rows: np.ndarray, keys: list[tuple[np.ndarray, float]], last: np.ndarray) -> list[int]:
    if len(rows) < 2 or not keys:
        return sorted(rows.tolist(), key=lambda row: (last[row], row))
    (values, margin), *others = keys
    level = levels(values[rows], margin)
    return [row for step in range(level.max() + 1) for row in _ordered(rows[level == step], others, last)]


def levels(values: np.ndarray, margin: float) -> np.ndarray:
    """For each value the number of its group, from 0 for the smallest; neighbours in a group differ by about `margin`.

    A wide gap between neighbours in the sorted values separates two groups. The limit for wide is between 0.37 and 2.1
    margins, in the middle of the widest range without gaps on a logarithmic scale. With a fixed limit, the last bits
    would decide where a gap is near the limit. With the values 0.37 and 2.1, gaps that are round
    numbers do not make two ranges equally wide.
    """
    ranked = np.argsort(values, kind="stable")
    gaps = np.diff(values[ranked])
    low, high = 0.37 * margin, 2.1 * margin
    edges = np.log([low, *np.sort(gaps[(gaps > low) & (gaps < high)]), high])
    widest = int(np.argmax(np.diff(edges)))
    wide = np.exp((edges[widest] + edges[widest + 1]) / 2)
    level = np.empty(len(values), np.int64)
    level[ranked] = np.concatenate([[0], np.cumsum(gaps > wide)])
    return level


def metres(logarithm: np.ndarray) -> np.ndarray:
    """Metres from a feature that is their signed logarithm."""
    return np.copysign(np.expm1(np.abs(logarithm)), logarithm)


def slope_degrees(feature: np.ndarray) -> np.ndarray:
    """Degrees of the feature `slope`, a logarithm of the slope in percent."""
    return np.degrees(np.arctan(np.expm1(feature) / 100))
