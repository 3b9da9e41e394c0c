"""Resampling under an affine map, with derivatives of every order in the pictures.

torch's `grid_sample` has no second derivative, which the gradient penalty needs. For fixed places it is linear in the
picture, so its derivative is its adjoint, and the derivative of the adjoint is the resampling itself.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

# The orthogonal low-pass filter "sym6" (Daubechies 1992, "Ten lectures on wavelets", table 6.3), sum √2.
SYM6 = (
    *(0.015404109327027373, 0.0034907120842174702, -0.11799011114819057, -0.048311742585633),
    *(0.4910559419267466, 0.787641141030194, 0.3379294217276218, -0.07263752278646252),
    *(-0.021060292512300564, 0.04472490177066578, 0.0017677118642428036, -0.007800708325034148),
)
BILINEAR, REFLECTION = 0, 2  # of aten's grid_sampler_2d
CENTRE = sum(place * tap for place, tap in enumerate(SYM6)) / sum(SYM6)  # the filter's own delay, in taps
MARGIN = 4  # pixels beyond the border that the reduction reads, so that borders are as exact as the middle


class Sampled(torch.autograd.Function):
    """Pictures (n, c, h, w) at places (n, h', w', 2), which get no gradient."""

    @staticmethod
    def forward(ctx: Any, pictures: Tensor, places: Tensor) -> Tensor:
        ctx.save_for_backward(places)
        ctx.like = pictures.shape
        return F.grid_sample(pictures, places, "bilinear", "reflection", align_corners=False)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (places,) = ctx.saved_tensors
        return Spread.apply(gradient, places, ctx.like), None


class Spread(torch.autograd.Function):
    """The adjoint of `Sampled`: values (n, c, h', w') spread over pictures of a shape."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, places: Tensor, shape: torch.Size) -> Tensor:
        ctx.save_for_backward(places)
        like = values.new_empty(shape)
        found = torch.ops.aten.grid_sampler_2d_backward(
            values.contiguous(), like, places, BILINEAR, REFLECTION, False, [True, False]
        )
        return found[0]

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        (places,) = ctx.saved_tensors
        return Sampled.apply(gradient.contiguous(), places), None, None


@cache
def _enlarging(side: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    """The matrix (2 · (side + 2 · MARGIN), side) that doubles a line of pixels, reflected at its ends."""
    taps = torch.tensor(SYM6, dtype=torch.float64)
    pad, first = len(SYM6) // 2 + MARGIN, len(SYM6) + len(SYM6) // 2 - 1
    lines = F.pad(torch.eye(side, dtype=torch.float64)[:, None], (pad, pad), mode="reflect")
    # Pixel u of the padded line lies at 2u + CENTRE of the enlarged one, of which a part is kept.
    lines = F.conv_transpose1d(lines, taps[None, None], stride=2)[:, 0, first : first + 2 * (side + 2 * MARGIN)]
    return lines.T.contiguous().to(device, dtype)


@cache
def _reducing(side: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    """The matrix (side, 2 · side + taps - 2) that halves a line of pixels."""
    taps = torch.tensor(SYM6, dtype=torch.float64)
    lines = F.conv1d(torch.eye(2 * side + len(SYM6) - 2, dtype=torch.float64)[:, None], taps[None, None], stride=2)
    return lines[:, 0].T.contiguous().to(device, dtype)


def resampled(pictures: Tensor, inverse: Tensor) -> Tensor:
    """Pictures (n, c, s, s) under an affine map, reflected at the borders.

    The picture is enlarged twofold, resampled bilinearly and reduced again, both by the filter `SYM6` (the paper's
    appendix B). Without a map, enlargement and reduction cancel up to rounding, because the filter is orthogonal. Both
    are products with small matrices: on a processor, a convolution of single channels takes many times as long.

    Args:
        inverse: (n, 2, 3): from places in the result to places in the picture, in units of half a side from the centre.
    """
    side, device, dtype = pictures.shape[-1], pictures.device, pictures.dtype
    enlarge, reduce = (make(side, device, dtype) for make in (_enlarging, _reducing))
    kept, taps = len(enlarge), len(SYM6)
    wanted = torch.arange(reduce.shape[1], device=device, dtype=dtype)
    wanted = ((wanted - CENTRE) / 2 + 0.5) * 2 / side - 1  # the filter's margin on both sides is included
    y, x = torch.meshgrid(wanted, wanted, indexing="ij")
    places = torch.einsum("nij,hwj->nhwi", inverse, torch.stack([x, y, torch.ones_like(x)], dim=-1))
    places = places * (2 * side / kept) + 2 * (CENTRE - (taps - 1) / 2) / kept
    large = Sampled.apply(enlarge @ pictures @ enlarge.T, places)
    return reduce @ large @ reduce.T
