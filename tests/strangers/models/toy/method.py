"""Training by the sliced Wasserstein distance between a batch of real pictures and one of generated ones.

Deshpande et al. 2018, "Generative modeling using the sliced Wasserstein distance", equation 6, without a discriminator.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from models.toy.params import Params
from torch import Tensor, nn

from models.core.method import Batch, Logs, Phase, State


class Generator(nn.Module):
    """Numbers (n, z) to pictures (n, 3, px, px), about -1 to 1."""

    def __init__(self, params: Params, px: int):
        super().__init__()
        self._side, self._px = params.side, px
        self.linear = nn.Linear(params.z, 3 * params.side**2)

    def forward(self, z: Tensor) -> Tensor:
        small = self.linear(z).view(-1, 3, self._side, self._side)
        return F.interpolate(small, size=self._px, mode="bilinear", align_corners=False)


class Toy:
    """The method: one network, one phase."""

    ema = ("generator",)

    def __init__(self, params: Params, px: int, lr: float):
        self.params, self.lr = params, lr
        self.networks = nn.ModuleDict({"generator": Generator(params, px)})
        self.memory: dict[str, float] = {}

    def phases(self) -> list[Phase]:
        """One phase."""
        return [Phase("toy", ("generator",), lambda weights: torch.optim.Adam(weights, self.lr), self._loss)]

    def _loss(self, batch: Batch, state: State) -> tuple[Tensor, Logs]:
        real = batch["image"]
        fake = state.networks["generator"](torch.randn(len(real), self.params.z, device=real.device))
        small = [F.adaptive_avg_pool2d(images, self.params.side).flatten(1) for images in (real, fake)]
        theta = F.normalize(torch.randn(small[0].shape[1], self.params.directions, device=real.device), dim=0)
        one, other = (torch.sort(rows @ theta, dim=0).values for rows in small)
        loss = (one - other).square().mean()
        return loss, {"loss": loss.detach()}
