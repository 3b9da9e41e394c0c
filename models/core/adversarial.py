"""Losses of adversarial training. `real` and `fake` are scores (n,) of the discriminator, high for real pictures.

Logistic: Goodfellow et al. 2014, arXiv 1406.2661; the generator's loss is the non-saturating form (section 3).
Relativistic pairs: Huang et al. 2025 (R3GAN), arXiv 2501.05441, equation 2 with f(t) = -softplus(-t).
Zero-centred penalties: Mescheder et al. 2018, arXiv 1801.04406, equation 9: R1 on real and R2 on generated pictures.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor


def published_gamma(kind: str, px: int, batch: int) -> float:
    """γ of the gradient penalty for pictures of side `px` in batches of `batch`.

    `logistic`: 0.0002 · px² / batch (the automatic setting of StyleGAN2-ADA). `relativistic`: 2 at 64 pixels (R3GAN,
    FFHQ), and four times as much for each doubling of the side, as for `logistic`.
    """
    return 2.0 * (px / 64) ** 2 if kind == "relativistic" else 0.0002 * px**2 / batch


def judging(kind: str, real: Tensor, fake: Tensor) -> Tensor:
    """Loss of the discriminator. `kind` is `logistic` or `relativistic`."""
    if kind == "relativistic":
        return F.softplus(fake - real).mean()
    return F.softplus(fake).mean() + F.softplus(-real).mean()


def fooling(kind: str, real: Tensor | None, fake: Tensor) -> Tensor:
    """Loss of the generator. Only `relativistic` needs the real scores."""
    if kind == "relativistic":
        return F.softplus(real - fake).mean()
    return F.softplus(-fake).mean()


def gradient_penalty(score: Callable[[Tensor], Tensor], pictures: Tensor) -> Tensor:
    """‖∇_x score(x)‖² of each picture, (n,); times γ/2 it is R1 for real pictures and R2 for generated ones."""
    x = pictures.detach().requires_grad_()
    # Each score depends on its own picture and, through the statistics of its group, a little on the others.
    (gradient,) = torch.autograd.grad(score(x).sum(), x, create_graph=True)
    return gradient.float().square().flatten(1).sum(dim=1)
