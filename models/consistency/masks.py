"""Random parts of tiles that count as known in training, so that the model learns to complete a part of any shape."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

LEAST, MOST = 0.1, 0.9  # level as a share of the range of a field
WAVES = 4  # a field of chance has this number of random values a side


def random_parts(n: int, px: int, device: torch.device) -> Tensor:
    """Which pixels are known, bool (n, px, px): one side of a line, a rectangle or its outside, or irregular areas.

    Each shape is a level set of a field, at a random level between its lowest and its highest value.
    """
    across = torch.linspace(-1, 1, px, device=device)
    y, x = across[:, None], across[None, :]
    angle, centre = 2 * math.pi * torch.rand(n, 1, 1, device=device), torch.rand(2, n, 1, 1, device=device) * 2 - 1
    longer = 0.5 + torch.rand(n, 1, 1, device=device)
    line = angle.cos() * x + angle.sin() * y
    rectangle = torch.maximum((x - centre[0]).abs() * longer, (y - centre[1]).abs())
    chance = torch.randn(n, 1, WAVES, WAVES, device=device)
    areas = F.interpolate(chance, size=(px, px), mode="bilinear", align_corners=True)[:, 0]
    kind = torch.randint(0, 4, (n, 1, 1), device=device)
    field = torch.where(kind == 0, line, torch.where(kind == 1, rectangle, torch.where(kind == 2, -rectangle, areas)))
    low, high = field.amin(dim=(1, 2), keepdim=True), field.amax(dim=(1, 2), keepdim=True)
    return field <= torch.lerp(low, high, LEAST + (MOST - LEAST) * torch.rand(n, 1, 1, device=device))
