"""Random numbers of the augmentation, one per picture, drawn on the CPU; and what it must keep."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Keep:
    """What transformations must leave as it is.

    Attributes:
        upright: the pictures have letters: nothing is mirrored or rotated, and both axes are stretched alike.
        handed: a mirror image of the pictures would be wrong.
    """

    upright: bool = False
    handed: bool = False


ANY = Keep()
"""Nothing: all transformations are allowed."""


def moved_to(values: Tensor, like: Tensor) -> Tensor:
    """Small values on the device of `like`, and in its type if they are fractions. A GPU does not wait for them."""
    return values.to(like.device, like.dtype if values.is_floating_point() else values.dtype, non_blocking=True)


def changed(pictures: Tensor, hit: Tensor, transform: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """Pictures (n, …) of which those of `hit` (n,) are transformed; the others keep their bits and cost nothing.

    Args:
        transform: function of (some of the pictures, their rows, on the CPU) to as many pictures.
    """
    rows = hit.nonzero()[:, 0]
    if not len(rows):
        return pictures
    places = moved_to(rows, pictures)
    return pictures.index_copy(0, places, transform(pictures.index_select(0, places), rows))


class Chance:
    """Decides which of `n` pictures are transformed, each with probability `p`, and by how much.

    Attributes:
        hit: pictures (n,) that some transformation has changed so far.
    """

    def __init__(self, n: int, p: float):
        self.n, self.p = n, p
        self.hit = torch.zeros(n, dtype=torch.bool)

    def pick(self, values: Tensor, neutral: float | int, p: float | None = None) -> Tensor:
        """`values` (n, …) for the pictures that are transformed, and `neutral` for the others."""
        hit = torch.rand(self.n) < (self.p if p is None else p)
        self.hit |= hit
        return torch.where(
            hit.view(-1, *[1] * (values.dim() - 1)), values, torch.as_tensor(neutral, dtype=values.dtype)
        )

    def uniform(self, low: float, high: float, *shape: int) -> Tensor:
        """Uniform numbers (n, *shape)."""
        return low + (high - low) * torch.rand(self.n, *shape)

    def whole(self, count: int) -> Tensor:
        """Whole numbers (n,) from 0 to count - 1."""
        return torch.randint(count, (self.n,))

    def normal(self, deviation: float, *shape: int) -> Tensor:
        """Normal numbers (n, *shape) with mean 0."""
        return deviation * torch.randn(self.n, *shape)

    def doublings(self, deviation: float, *shape: int) -> Tensor:
        """Factors (n, *shape) whose logarithm to the base 2 is normal with this deviation."""
        return (math.log(2) * self.normal(deviation, *shape)).exp()
