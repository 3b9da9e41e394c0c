"""Computes slopes from heights, and light and shadow from slopes.

The colours of shaded-relief maps include light and shadow. A network whose only input is the slope of the ground learns
this light. The texture learns everything else on the map.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.terrain_gan.lightness import to_lab, to_srgb

DEPTH = 60.0  # largest change of lightness (0..100) from light or shadow


def slopes(metres: Tensor, gsd: float, typical: float) -> Tensor:
    """Slopes to the east and to the south, (n, 1, h, w) metres to (n, 2, h, w), as asinh(slope / typical).

    Differences are between neighbours, not over two pixels, so that they contain the finest detail of the heights. The
    function asinh is needed because a cliff is a hundred times as steep as a plain, and the network must distinguish
    slopes in both.

    Args:
        gsd: metres per pixel. typical: the root mean square slope of the train split, metres per metre.
    """
    east = F.pad(metres, (0, 1, 0, 0), mode="replicate").diff(dim=3)
    south = F.pad(metres, (0, 0, 0, 1), mode="replicate").diff(dim=2)
    return torch.asinh(torch.cat([east, south], dim=1) / (gsd * typical))


class Shadow(nn.Module):
    """Two layers from slopes to a change of lightness, which is 0 on flat ground."""

    def __init__(self, channels: int):
        super().__init__()
        self.first = nn.Conv2d(2, channels, 3, padding=1, padding_mode="replicate")
        self.last = nn.Conv2d(channels, 1, 1)

    def forward(self, texture: Tensor, slope: Tensor) -> Tensor:
        """Shaded terrain (n, 3, h, w) from a flat texture (n, 3, h, w), both sRGB in -1..1, and slopes (n, 2, h, w)."""
        lightness, *hue = to_lab(texture).unbind(1)
        shaded = (lightness + self.light(slope)).clamp(0, 100)
        return to_srgb(torch.stack([shaded, *hue], dim=1))

    def light(self, slope: Tensor) -> Tensor:
        """Change of lightness (n, h, w), in units of L (0..100), from slopes (n, 2, h, w)."""
        # Flat ground keeps its colour. Otherwise texture and shadow could share the lightness in any proportion.
        light = self._answer(slope) - self._answer(torch.zeros_like(slope[:1, :, :1, :1]))
        return DEPTH * torch.tanh(light[:, 0].float())

    def _answer(self, slope: Tensor) -> Tensor:
        return self.last(F.leaky_relu(self.first(slope), 0.2))
