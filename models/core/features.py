"""Features of pictures by a fixed random convolutional network. No weights are trained or loaded.

The responses of random filters still tell colours, edges and textures apart (He et al. 2016, arXiv 1606.04801), well
enough to compare sets of pictures with each other. Such a distance is not an FID and must not be called FID.
"""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

WIDTHS = (16, 32, 64)
SEED = 23
SIDE, GRID = 64, 4  # larger pictures are reduced to SIDE; each feature is a mean over one of GRID × GRID parts
NAME = "fixed random convolutional network"


def features(pictures: np.ndarray) -> np.ndarray:
    """uint8 (n, h, w, 3) to float32 (n, d)."""
    x = torch.from_numpy(np.moveaxis(pictures, -1, 1).astype(np.float32) / 127.5 - 1)
    if x.shape[-1] > SIDE:
        x = F.adaptive_avg_pool2d(x, SIDE)
    found = [F.adaptive_avg_pool2d(x, GRID)]
    with torch.inference_mode():
        for weight in _weights():
            x = F.leaky_relu(F.conv2d(x, weight, stride=2, padding=1), 0.2)
            found.append(F.adaptive_avg_pool2d(x, GRID))
    return torch.cat([part.flatten(1) for part in found], dim=1).numpy()


def _weights() -> list[Tensor]:
    """The filters; a generator of their own makes them the same in every run."""
    generator = torch.Generator().manual_seed(SEED)
    out, inside = [], 3
    for width in WIDTHS:
        out.append(math.sqrt(2 / (9 * inside)) * torch.randn(width, inside, 3, 3, generator=generator))
        inside = width
    return out
