"""Conditions: inputs that control a sample in addition to the seed. All code uses one mapping from name to array.

Names: `labels` is a class map, uint8 (n, h, w), 255 for no class. A method may take others (`text`, `coarse`, `mask`):
the loop, the feed and the stages pass the mapping on and do not depend on its names.
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
