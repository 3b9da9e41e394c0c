"""Projection: the point of a latent space whose picture is most like a given one.

As in Karras et al. 2020 (StyleGAN2, arXiv 1912.04958, appendix D), but with the noise of the picture fixed: noise that
is fitted too hides what the space cannot show. Then the layers get styles of their own, which comes nearer and leaves
the space of the samples (Abdal et al. 2019, arXiv 1904.03189).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from models.core.products import LatentSpace
from models.core.speed import threads
from models.explore.likeness import Distance

RISE, FALL = 0.05, 0.25  # shares of the steps in which the rate rises and falls
SHAKE, CALM = 0.05, 0.75  # noise on the point, of the spread of W; the share of the steps in which it fades
SPREAD = 1024  # samples whose spread is measured


def project(
    space: LatentSpace,
    target: Tensor,
    apart: Distance,
    noise: list[Tensor],
    steps: int,
    rate: float,
    seed: int,
) -> np.ndarray:
    """One point for the whole picture, float32 (width,).

    Args:
        target: (1, 3, px, px) in -1..1. noise: of the picture. rate: largest learning rate.
    """
    known = space.points(range(SPREAD), seed)
    spread = float(np.sqrt(((known - space.mean()) ** 2).sum(axis=1).mean()))
    random = torch.Generator().manual_seed(seed)

    def shaken(point: Tensor, at: float) -> Tensor:
        scale = spread * SHAKE * max(0.0, 1 - at / CALM) ** 2 / math.sqrt(space.width)
        noisy = point + scale * torch.randn(point.shape, generator=random)
        return noisy[:, None].expand(-1, space.layers, -1)

    start = torch.from_numpy(space.mean()[None].copy())
    return _descend(space, start, shaken, CALM, target, apart, noise, steps, rate)[0]


def project_styles(
    space: LatentSpace, point: np.ndarray, target: Tensor, apart: Distance, noise: list[Tensor], steps: int, rate: float
) -> np.ndarray:
    """A style for each layer, float32 (layers, width), from one point for all."""
    start = torch.from_numpy(np.repeat(point[None], space.layers, axis=0)[None].copy())
    return _descend(space, start, lambda styles, at: styles, 0.0, target, apart, noise, steps, rate)[0]


def _descend(
    space: LatentSpace,
    start: Tensor,
    styles: Callable[[Tensor, float], Tensor],
    calm: float,
    target: Tensor,
    apart: Distance,
    noise: list[Tensor],
    steps: int,
    rate: float,
) -> np.ndarray:
    """The best point of the steps from the share `calm` on."""
    with threads(1):  # sums of gradients depend on their number
        point = start.requires_grad_(True)
        adam = torch.optim.Adam([point], lr=rate, betas=(0.9, 0.999))
        best, lowest = start.detach().clone(), math.inf
        for step in range(steps):
            at = step / steps
            adam.param_groups[0]["lr"] = rate * min(1.0, (at + 1 / steps) / RISE, _cosine((1 - at) / FALL))
            loss = apart(space.images(styles(point, at), noise).float(), target)
            if at >= calm and float(loss.detach()) < lowest:
                best, lowest = point.detach().clone(), float(loss.detach())
            adam.zero_grad()
            loss.backward()
            adam.step()
            with torch.no_grad():
                point.copy_(torch.from_numpy(space.fit(point.numpy())))
    return best.numpy()


def _cosine(share: float) -> float:
    return 0.5 - 0.5 * math.cos(math.pi * min(1.0, share))
