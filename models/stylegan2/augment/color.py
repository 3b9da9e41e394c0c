"""Colour transformations, one matrix a picture: brightness, contrast, inversion of lightness, hue, saturation."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from models.stylegan2.augment.chance import ANY, Chance, Keep, changed, moved_to

BRIGHTNESS, CONTRAST, SATURATION = 0.2, 0.5, 1.0  # deviations; the last two of the logarithm to the base 2


def color(pictures: Tensor, chance: Chance, keep: Keep = ANY) -> Tensor:
    """Transform pictures (n, 3, h, w) in -1..1; ValueError if they do not have three channels."""
    if pictures.shape[1] != 3:
        raise ValueError(f"color needs pictures of 3 channels, not {pictures.shape[1]}")
    own = Chance(chance.n, chance.p)
    matrices = draw(own)
    chance.hit |= own.hit

    def transform(some: Tensor, rows: Tensor) -> Tensor:
        matrix = moved_to(matrices[rows], some)
        return torch.einsum("nij,njhw->nihw", matrix[:, :3, :3], some) + matrix[:, :3, 3, None, None]

    return changed(pictures, own.hit, transform)


def draw(chance: Chance) -> Tensor:
    """Matrices (n, 4, 4) for (red, green, blue, 1), in the paper's order."""
    n = chance.n
    axis = torch.tensor([1.0, 1.0, 1.0]) / math.sqrt(3)  # the line of greys
    along = torch.zeros(4, 4)
    along[:3, :3] = axis[:, None] * axis
    one = torch.eye(4)
    matrix = one.repeat(n, 1, 1)
    bright = one.repeat(n, 1, 1)
    bright[:, :3, 3] = chance.pick(chance.normal(BRIGHTNESS), 0.0)[:, None]
    matrix = bright @ matrix
    contrast = chance.pick(chance.doublings(CONTRAST), 1.0)
    matrix = torch.diag_embed(torch.cat([contrast[:, None].expand(-1, 3), torch.ones(n, 1)], dim=1)) @ matrix
    invert = chance.pick(chance.whole(2), 0).float()[:, None, None]
    matrix = (one - 2 * along * invert) @ matrix
    matrix = _rotation(chance.pick(chance.uniform(-math.pi, math.pi), 0.0), axis) @ matrix
    saturation = chance.pick(chance.doublings(SATURATION), 1.0)[:, None, None]
    last = torch.diag(torch.tensor([0.0, 0.0, 0.0, 1.0]))
    keep = along + last
    return (keep + (one - keep) * saturation) @ matrix


def _rotation(angle: Tensor, axis: Tensor) -> Tensor:
    """Rotations (n, 4, 4) about an axis, by Rodrigues' formula."""
    x, y, z = axis.tolist()
    cross = torch.tensor([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    cos, sin = angle.cos()[:, None, None], angle.sin()[:, None, None]
    out = torch.eye(4).repeat(len(angle), 1, 1)
    out[:, :3, :3] = cos * torch.eye(3) + (1 - cos) * axis[:, None] * axis + sin * cross
    return out
