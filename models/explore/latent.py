"""Pictures from points of a latent space (`models.core.products.LatentSpace`)."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from models.core.color_encoding import ColorEncoding
from models.core.products import LatentSpace
from models.core.slots import SLOTS


def render(space: LatentSpace, points: np.ndarray, noise: list[Tensor]) -> np.ndarray:
    """Points (n, width), or (n, layers, width) with a style for each layer, to uint8 (n, px, px, 3).

    All pictures have the same noise. Batches have one size, so that a picture does not depend on their number.
    """
    if points.ndim == 2:
        points = np.repeat(points[:, None], space.layers, axis=1)
    out = np.empty((len(points), space.px, space.px, 3), np.uint8)
    for start in range(0, len(points), SLOTS):
        some = points[start : start + SLOTS]
        batch = np.zeros((SLOTS, *points.shape[1:]), np.float32)
        batch[: len(some)] = some
        with torch.inference_mode():
            images = space.images(torch.from_numpy(batch), noise).float().cpu().numpy()
        out[start : start + SLOTS] = ColorEncoding().decode(images)[: len(some)]
    return out


def truncated(space: LatentSpace, points: np.ndarray, psi: float) -> np.ndarray:
    """Points moved towards the mean: 1 changes nothing, 0 gives the mean (arXiv 1812.04948, appendix B)."""
    return points if psi == 1 else (space.mean() + np.float32(psi) * (points - space.mean())).astype(np.float32)
