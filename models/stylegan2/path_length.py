"""Path length regularisation (Karras et al. 2020, arXiv 1912.04958, equation 4).

A step of fixed length in W should change the picture by a fixed amount, whatever w and whatever the direction.
"""

from __future__ import annotations

import torch
from torch import Tensor


def path_lengths(pictures: Tensor, styles: Tensor) -> Tensor:
    """‖J_wᵀ y‖ of each picture, (n,), y ~ N(0, I) a random picture.

    The paper weighs the squared deviation by γ_pl = ln 2 / (r² (ln r - ln 2)), r the side (appendix B). The same
    number is 2 · 1/r² · 1/L with L = 2 log2(r) - 2 layers: so y is divided by r here, the mean of the squares is taken
    over the layers, and the weight that remains is 2 at every side.

    Args:
        pictures: (n, c, h, w), made from `styles` (n, layers, w).
    """
    y = torch.randn_like(pictures) / (pictures.shape[2] * pictures.shape[3]) ** 0.5
    (gradient,) = torch.autograd.grad((pictures * y).sum(), styles, create_graph=True)
    return (gradient.float().square().sum(dim=2).mean(dim=1) + 1e-12).sqrt()
