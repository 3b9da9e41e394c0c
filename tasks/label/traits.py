"""What the pixels of each class have in common, in units that people read."""

from __future__ import annotations

import numpy as np
import pandas as pd


def traits(planes: np.ndarray, names: list[str], color: np.ndarray, labels: np.ndarray, k: int) -> pd.DataFrame:
    """Means of each class over its sampled pixels, one row a class.

    Columns with heights: `height` (metres), `slope` (degrees), `relief` (metres, at the middle radius), `over`
    (metres over the surroundings at the widest radius), `level` (share of pixels that are level at 0 m). With
    colours: `red`, `green`, `blue` (0 to 255), `greenness` (excess green), `warmth` ((red - blue) / sum),
    `saturation` (0 to 1), `brightness` (0 to 255). Always `pixels`, the number of sampled pixels.
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
    count = np.bincount(labels, minlength=k)
    means = {name: np.bincount(labels, values, minlength=k) / np.maximum(count, 1) for name, values in facts.items()}
    return pd.DataFrame(means | {"pixels": count}, index=range(k))


def order(table: pd.DataFrame) -> np.ndarray:
    """Classes by a fixed key, so that numbers survive a re-run: height, then greenness, then slope.

    Heights are compared in whole metres, greenness in hundredths: closer than that they count as equal.
    """
    keys = [table[name] for name in ("slope", "brightness") if name in table]
    keys += [-table["greenness"].round(2)] if "greenness" in table else []
    keys += [table["height"].round()] if "height" in table else []
    return np.lexsort(keys)


def metres(logarithm: np.ndarray) -> np.ndarray:
    """Metres of a feature that is a signed logarithm of them."""
    return np.copysign(np.expm1(np.abs(logarithm)), logarithm)


def slope_degrees(feature: np.ndarray) -> np.ndarray:
    """Degrees of the feature `slope`, a logarithm of the slope in percent."""
    return np.degrees(np.arctan(np.expm1(feature) / 100))
