"""Corruptions: noise on all pixels, and a square cut out."""

from __future__ import annotations

import torch
from torch import Tensor

from models.stylegan2.augment.chance import ANY, Chance, Keep, moved_to

NOISE = 0.1  # deviation of the noise's own deviation, of a range of 2
CUT = 0.5  # side of the square, share of the side


def noise(pictures: Tensor, chance: Chance, keep: Keep = ANY) -> Tensor:
    """Add noise of a random strength to pictures (n, c, s, s)."""
    strength = moved_to(chance.pick(chance.normal(NOISE).abs(), 0.0), pictures)
    return pictures + strength[:, None, None, None] * torch.randn_like(pictures)


def cutout(pictures: Tensor, chance: Chance, keep: Keep = ANY) -> Tensor:
    """Set a square of pictures (n, c, s, s) to zero, the middle of their range."""
    side = pictures.shape[-1]
    size = chance.pick(torch.full((chance.n,), CUT), 0.0)
    centre = chance.uniform(0, 1, 2)
    size, centre = moved_to(size, pictures), moved_to(centre, pictures)
    place = (torch.arange(side, device=pictures.device) + 0.5) / side
    inside = (place - centre[:, :, None]).abs() < size[:, None, None] / 2  # (n, 2, side)
    square = inside[:, 1, :, None] & inside[:, 0, None, :]
    return pictures.masked_fill(square[:, None], 0.0)
