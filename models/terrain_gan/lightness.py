"""Converts colours to lightness and hue, by the formulas of the CIE (15:2018, section 8.2.1), with gradients.

Images are sRGB (IEC 61966-2-1) in -1..1, (n, 3, h, w); Lab is relative to the white of D65: L 0..100.
"""

from __future__ import annotations

import torch
from torch import Tensor

TO_XYZ = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))  # IEC 61966-2-1, eq. 7
DELTA = 6 / 29


def to_lab(srgb: Tensor) -> Tensor:
    """sRGB in -1..1 to L, a, b."""
    to_xyz, white = _matrices(srgb)
    value = ((srgb.float() + 1) / 2).clamp(0, 1)
    # Each branch is clamped to its own range, so that the branch not taken has finite gradients.
    curved = ((value.clamp_min(0.04045) + 0.055) / 1.055) ** 2.4
    linear = torch.where(value > 0.04045, curved, value / 12.92)
    t = torch.einsum("ij,njhw->nihw", to_xyz, linear) / white
    f = torch.where(t > DELTA**3, t.clamp_min(DELTA**3) ** (1 / 3), t / (3 * DELTA**2) + 4 / 29)
    x, y, z = f.unbind(1)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], dim=1)


def to_srgb(lab: Tensor) -> Tensor:
    """L, a, b to sRGB in -1..1; a colour outside sRGB is clipped in each channel."""
    to_xyz, white = _matrices(lab)
    lightness, a, b = lab.float().unbind(1)
    y = (lightness + 16) / 116
    f = torch.stack([y + a / 500, y, y - b / 200], dim=1)
    t = torch.where(f > DELTA, f**3, 3 * DELTA**2 * (f - 4 / 29))
    linear = torch.einsum("ij,njhw->nihw", torch.linalg.inv(to_xyz), t * white).clamp(0, 1)
    curved = 1.055 * linear.clamp_min(0.0031308) ** (1 / 2.4) - 0.055
    return 2 * torch.where(linear > 0.0031308, curved, 12.92 * linear) - 1


def _matrices(like: Tensor) -> tuple[Tensor, Tensor]:
    """sRGB to XYZ (3, 3), and XYZ of white (3, 1, 1). White is r = g = b = 1, so that grey has no hue."""
    to_xyz = torch.tensor(TO_XYZ, dtype=torch.float32, device=like.device)
    return to_xyz, to_xyz.sum(dim=1)[:, None, None]
