"""Conditions: inputs that control a sample in addition to the seed. All code uses one mapping from name to array.

| name | is | not given |
|---|---|---|
| `labels` | class maps, uint8 (n, px, px) | 255 |
| `text` | n strings, an array of objects | `""` |
| `coarse` | means of blocks of f × f pixels, float32 (n, px / f, px / f) metres | NaN |
| `sketch` | lines, uint8 (n, px, px): 1 ridge, 2 valley (`models.core.sketch`) | 0 |
| `known` | heights that stay as they are, float32 (n, px, px) metres | NaN |

The loop, the feed and the stages pass the mapping on and do not depend on its names. Within a method and its batches,
texts are the codes of its encoder.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

NO_CLASS = 255
"""The class id of a pixel that has no class."""


def checked(
    conditions: Mapping[str, np.ndarray] | None, known: Iterable[str], count: int | None = None
) -> dict[str, np.ndarray]:
    """The given conditions as a dictionary of arrays. A condition that is not given is allowed.

    Args:
        known: names that the model takes. count: number of samples; the first axis of every array.
    Raises:
        ValueError: a name is unknown, or an array has a wrong length.
    """
    known, found = tuple(known), {name: np.asarray(values) for name, values in (conditions or {}).items()}
    for name, values in found.items():
        if name not in known:
            takes = ", ".join(known) if known else "none"
            raise ValueError(f"this model does not take the condition {name!r}; it takes {takes}")
        if count is not None and (not values.ndim or len(values) != count):
            raise ValueError(f"condition {name!r} needs one entry for each of {count} samples, not {values.shape}")
    return found


def checked_shapes(conditions: dict[str, np.ndarray], px: int, coarse_px: int | None) -> dict[str, np.ndarray]:
    """The conditions of a model of heights, with the number formats of the table above.

    Args:
        px: side of a sample. coarse_px: side of the blocks of `coarse`.
    Raises:
        ValueError: an array has a wrong shape or a value that means nothing.
    """
    found = {}
    for name, values in conditions.items():
        side = px // coarse_px if name == "coarse" else px
        if name == "text":
            if values.ndim != 1:
                raise ValueError(f"text needs one string for each sample, not an array {values.shape}")
        elif values.shape[1:] != (side, side):
            raise ValueError(f"{name} needs one map of {side} × {side} for each index, not {values.shape}")
        if name in ("coarse", "known"):
            values = values.astype(np.float32)
            if np.isinf(values).any():
                raise ValueError(f"{name}: a height is infinite; give metres, and NaN where no height is given")
        if name == "sketch" and (values > 2).any():
            raise ValueError(f"sketch: a value is {values.max()}; there are 0 nothing, 1 ridge line, 2 valley line")
        found[name] = values
    return found


def block_means(heights: np.ndarray, side: int) -> np.ndarray:
    """Means of blocks of `side` × `side` pixels, float32 (n, h / side, w / side), NaN where a height is."""
    n, h, w = heights.shape
    return heights.reshape(n, h // side, side, w // side, side).mean(axis=(2, 4), dtype=np.float64).astype(np.float32)


def one_hot(labels: Tensor, classes: int) -> Tensor:
    """Class ids (n, h, w) to float (n, classes, h, w); the id 255 (no class) becomes all zeros."""
    return (labels[:, None] == torch.arange(classes, device=labels.device)[:, None, None]).float()


def majority(hot: Tensor, factor: int) -> Tensor:
    """One-hot (n, k, h, w) shrunk by `factor`: the most frequent class of each block; a tie gives the lowest id.

    The result is "no class" only if that is the most frequent value.
    """
    if factor == 1:
        return hot
    shares = F.avg_pool2d(hot, factor)
    most = shares.amax(dim=1, keepdim=True)
    equal = (shares == most) & (most >= 1 - shares.sum(dim=1, keepdim=True)) & (most > 0)
    return (equal & (equal.cumsum(dim=1) == 1)).float()
