"""Preconditioning and the denoising loss of EDM (Karras et al. 2022, arXiv 2206.00364)."""

from __future__ import annotations

import torch
from torch import Tensor

from models.consistency.conditioned import Network


def precondition(
    network: Network, x: Tensor, sigma: Tensor, facts: Tensor, sigma_data: float, sigma_min: float
) -> Tensor:
    """f(x, σ) = c_skip x + c_out F(c_in x, c_noise): an estimate of the clean image of the noisy `x`.

    The scalings are EDM's (table 1), with c_skip and c_out shifted by σ_min as consistency models need
    it (Song et al. 2023, arXiv 2303.01469, appendix C): f(x, σ_min) = x exactly, for every output of F. The
    shift of 0.002 does not affect the denoising loss, so one network serves both.

    Args:
        network: F(c_in x, c_noise, facts). x: (n, c, h, w). sigma: (n,), at least σ_min. facts: (n, k).
    """
    # float32 throughout, also under bf16: c_skip x must not lose the low bits of x.
    sigma = sigma.float()
    above = sigma - sigma_min
    c_skip = sigma_data**2 / (above**2 + sigma_data**2)
    c_out = sigma_data * above * torch.rsqrt(sigma**2 + sigma_data**2)
    estimate = network(*scaled(x, sigma, sigma_data), facts).float()
    return _over(c_skip) * x + _over(c_out) * estimate


def scaled(x: Tensor, sigma: Tensor, sigma_data: float) -> tuple[Tensor, Tensor]:
    """c_in x and c_noise: the inputs of the network for images (n, c, h, w) with noise levels (n,)."""
    return _over(torch.rsqrt(sigma**2 + sigma_data**2)) * x, sigma.log() / 4


def denoising_loss(
    denoised: Tensor, x: Tensor, sigma: Tensor, sigma_data: float, share: Tensor | None = None
) -> Tensor:
    """E λ(σ) ‖D(x + n; σ) - x‖² per pixel, λ = (σ² + σ_data²) / (σ σ_data)² (EDM, equations 2 and 8).

    `share` (n,) is one more factor on the loss of each image; None for 1.
    """
    weight = (sigma**2 + sigma_data**2) / (sigma * sigma_data) ** 2
    weight = weight if share is None else weight * share
    return (weight * (denoised - x).square().mean(dim=(1, 2, 3))).mean()


def _over(values: Tensor) -> Tensor:
    """(n,) to (n, 1, 1, 1)."""
    return values[:, None, None, None]
