"""Noise levels of improved consistency training (Song & Dhariwal 2023, arXiv 2310.14189), and its distance."""

from __future__ import annotations

import math

import torch
from torch import Tensor

PAPER_STEPS_A_INTERVAL = 400_000 / 1280  # training steps per interval of the paper's finest grid


def curriculum_end(steps: int, s0: int) -> int:
    """s1 for a run of `steps`: the paper's proportion, rounded down to a doubling of s0, at most 1280.

    The paper ends with 1280 intervals after 400,000 steps. A short run with 1280 intervals trains each interval so
    rarely that its samples stay noise. So the last grid of a short run has proportionally fewer intervals. A very
    short run, with less than one doubling, keeps s0.
    """
    share = max(1.0, steps / PAPER_STEPS_A_INTERVAL / s0)
    return min(s0 * 2 ** int(math.log2(share)), max(s0, 1280))


def grid_size(step: int, steps: int, s0: int, s1: int) -> int:
    """N(k) = min(s0 2^⌊k/K'⌋, s1) + 1, K' = ⌊K / (log2⌊s1/s0⌋ + 1)⌋ (table 1); K' is at least one step."""
    each = max(1, math.floor(steps / (math.log2(s1 // s0) + 1)))
    return min(s0 * 2 ** min(step // each, 64), s1) + 1


def karras_grid(size: int, sigma_min: float, sigma_max: float, rho: float) -> Tensor:
    """σ_1 = σ_min < … < σ_N = σ_max (EDM, equation 5, ascending), float64 (N,)."""
    ramp = torch.linspace(0, 1, size, dtype=torch.float64)
    low, high = sigma_min ** (1 / rho), sigma_max ** (1 / rho)
    grid = (low + ramp * (high - low)) ** rho
    grid[0], grid[-1] = sigma_min, sigma_max  # exactly, because the boundary condition holds at σ_min only
    return grid


def lognormal_weights(grid: Tensor, p_mean: float, p_std: float) -> Tensor:
    """p(σ_i) ∝ erf((ln σ_{i+1} - P_mean) / (√2 P_std)) - erf((ln σ_i - P_mean) / (√2 P_std)), (N-1,) (eq. 10)."""
    steps = torch.erf((grid.log() - p_mean) / (math.sqrt(2) * p_std)).diff()
    return steps / steps.sum()


def pseudo_huber(difference: Tensor) -> Tensor:
    """√(‖d‖² + c²) - c over the norm of each sample, c = 0.00054 √(values a sample): (n, …) to (n,) (eq. 8)."""
    c = 0.00054 * math.sqrt(difference[0].numel())
    return (difference.flatten(1).square().sum(dim=1) + c**2).sqrt() - c
