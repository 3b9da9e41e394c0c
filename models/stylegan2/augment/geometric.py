"""General geometric transformations: scale, rotation, stretching, translation by parts of a pixel."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from models.stylegan2.augment.chance import Chance, Keep, changed, moved_to
from models.stylegan2.augment.resample import resampled

SCALE, SHIFT = 0.2, 0.125  # deviations: of the logarithm to the base 2; share of the side


def geometric(pictures: Tensor, chance: Chance, keep: Keep) -> Tensor:
    """Transform pictures (n, c, s, s), without rotation and stretching if they are to stay `upright`."""
    own = Chance(chance.n, chance.p)
    inverse = draw(own, keep.upright)
    chance.hit |= own.hit
    return changed(pictures, own.hit, lambda some, rows: resampled(some, moved_to(inverse[rows], some)))


def draw(chance: Chance, upright: bool) -> Tensor:
    """Inverse maps (n, 2, 3), see `resampled`, in the paper's order."""
    maps = torch.eye(3).repeat(chance.n, 1, 1)
    scale = chance.pick(chance.doublings(SCALE), 1.0)
    maps = _scaling(scale, scale) @ maps
    # Two rotations, before and after the stretching, together rotate with probability p.
    rotates = 1 - math.sqrt(1 - chance.p)
    if not upright:
        maps = _rotation(chance.pick(chance.uniform(-math.pi, math.pi), 0.0, rotates)) @ maps
        stretch = chance.pick(chance.doublings(SCALE), 1.0)
        maps = _scaling(stretch, 1 / stretch) @ maps
        maps = _rotation(chance.pick(chance.uniform(-math.pi, math.pi), 0.0, rotates)) @ maps
    shift = chance.pick(chance.normal(SHIFT, 2), 0.0)
    maps = _translation(2 * shift) @ maps
    return _inverse(maps)


def _inverse(maps: Tensor) -> Tensor:
    """First two rows (n, 2, 3) of the inverses of affine maps (n, 3, 3), by their cofactors.

    A library of linear algebra may round differently on another processor.
    """
    (a, b, x), (c, d, y) = (row.unbind(dim=1) for row in maps[:, :2].unbind(dim=1))
    det = a * d - b * c
    rows = (d, -b, b * y - d * x), (-c, a, c * x - a * y)
    return torch.stack([torch.stack(row, dim=1) for row in rows], dim=1) / det[:, None, None]


def _scaling(x: Tensor, y: Tensor) -> Tensor:
    return torch.diag_embed(torch.stack([x, y, torch.ones_like(x)], dim=1))


def _rotation(angle: Tensor) -> Tensor:
    out = torch.eye(3).repeat(len(angle), 1, 1)
    out[:, 0, 0] = out[:, 1, 1] = angle.cos()
    out[:, 1, 0] = angle.sin()
    out[:, 0, 1] = -angle.sin()
    return out


def _translation(shift: Tensor) -> Tensor:
    out = torch.eye(3).repeat(len(shift), 1, 1)
    out[:, :2, 2] = shift
    return out
