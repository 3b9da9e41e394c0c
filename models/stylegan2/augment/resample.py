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
def _taps(device: torch.device, dtype: torch.dtype) -> Tensor:
    return torch.tensor(SYM6, device=device, dtype=dtype)


def resampled(pictures: Tensor, inverse: Tensor) -> Tensor:
    """Pictures (n, c, s, s) under an affine map, reflected at the borders.

    The picture is enlarged twofold, resampled bilinearly and reduced again, both by the filter `SYM6` (the paper's
    appendix B). Without a map, enlargement and reduction cancel up to rounding, because the filter is orthogonal.

    Args:
        inverse: (n, 2, 3): from places in the result to places in the picture, in units of half a side from the centre.
    """
    n, channels, side, _ = pictures.shape
    kernel = _taps(pictures.device, pictures.dtype)
    taps = len(SYM6)
    pad, kept = taps // 2 + MARGIN, 2 * (side + 2 * MARGIN)
    flat = F.pad(pictures.reshape(n * channels, 1, side, side), (pad,) * 4, mode="reflect")
    for shape, stride in (((1, 1, taps, 1), (2, 1)), ((1, 1, 1, taps), (1, 2))):
        flat = F.conv_transpose2d(flat, kernel.view(shape), stride=stride)
    # Pixel u of the padded picture lies at 2u + CENTRE of the enlarged one, of which a part is kept.
    first = taps + taps // 2 - 1
    large = flat[:, :, first : first + kept, first : first + kept].reshape(n, channels, kept, kept)

    wanted = torch.arange(2 * side + taps - 2, device=pictures.device, dtype=pictures.dtype)
    wanted = ((wanted - CENTRE) / 2 + 0.5) * 2 / side - 1  # the filter's margin on both sides is included
    y, x = torch.meshgrid(wanted, wanted, indexing="ij")
    places = torch.einsum("nij,hwj->nhwi", inverse, torch.stack([x, y, torch.ones_like(x)], dim=-1))
    places = places * (2 * side / kept) + 2 * (CENTRE - (taps - 1) / 2) / kept
    flat = Sampled.apply(large, places).reshape(n * channels, 1, len(wanted), len(wanted))
    for shape, stride in (((1, 1, taps, 1), (2, 1)), ((1, 1, 1, taps), (1, 2))):
        flat = F.conv2d(flat, kernel.view(shape), stride=stride)
    return flat.view(n, channels, side, side)
