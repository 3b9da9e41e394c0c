"""Maps of classes as networks see them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

NO_CLASS = 255


def one_hot(labels: Tensor, classes: int) -> Tensor:
    """Classes (n, h, w) to float (n, classes, h, w); 255, no class, is all zeros."""
    return (labels[:, None] == torch.arange(classes, device=labels.device)[:, None, None]).float()


def majority(hot: Tensor, factor: int) -> Tensor:
    """One-hot (n, k, h, w) shrunk by `factor`: each block's most frequent class, the lowest number among equals.

    "No class" wins only where it is the most frequent.
    """
    if factor == 1:
        return hot
    shares = F.avg_pool2d(hot, factor)
    most = shares.amax(dim=1, keepdim=True)
    equal = (shares == most) & (most >= 1 - shares.sum(dim=1, keepdim=True)) & (most > 0)
    return (equal & (equal.cumsum(dim=1) == 1)).float()
