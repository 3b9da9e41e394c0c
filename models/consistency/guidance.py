"""Guidance by words, trained into the network, so that a guided sample costs one pass an evaluation.

Classifier-free guidance (Ho & Salimans 2022, arXiv 2207.12598) of strength w replaces the denoised image by
D_w = D_u + w (D_c - D_u), with D_c given the words and D_u without them, in two passes. A network that takes w as an
input can learn D_w (Meng et al. 2023, arXiv 2210.03142). Here it does so while it learns to denoise: the loss against
w x + (1 - w) D_u, with D_u from the network itself, has its minimum at D_w, because x given the noisy image and the
words has the mean D_c (Tang et al. 2025, arXiv 2502.12154, derive the same target). In consistency tuning, the step
from one noise level to the next one follows the guided path: its direction is that of the guided denoiser, which is
kept as it was at the end of diffusion (Luo et al. 2023, arXiv 2310.04378, algorithm 1).
"""

from __future__ import annotations

import torch
from torch import Tensor


def strengths(n: int, share: float, most: float, worded: Tensor) -> Tensor:
    """Strengths of guidance (n,): uniform from 1 to `most` for the first `share` of the tiles, else 1.

    The first, because the order of tiles is random, and a fixed number of them keeps shapes fixed.

    Args:
        worded: bool (n,), which tiles have words; the others have strength 1.
    """
    guided = round(share * n)
    found = torch.ones(n, device=worded.device)
    found[:guided] = 1 + (most - 1) * torch.rand(guided, device=worded.device)
    return torch.where(worded, found, 1.0)


def guided_path(lower: Tensor, upper: Tensor, share: Tensor, clean: Tensor, strength: Tensor) -> Tensor:
    """Noisy images at the lower level, of which those of guided tiles lie on the guided path.

    Args:
        lower, upper: (n, c, h, w) at both levels, on the path of each tile itself.
        share: (n,), the lower level divided by the upper one.
        clean: (k, c, h, w), the guided denoiser's images of the first k of `upper`. One step of Euler leads from
            `upper` towards them.
        strength: (k,); a tile with strength 1 stays on its own path.
    """
    guided = len(clean)
    moved = torch.lerp(clean, upper[:guided], share[:guided, None, None, None])
    chosen = strength[:, None, None, None] > 1
    return torch.cat([torch.where(chosen, moved, lower[:guided]), lower[guided:]])
