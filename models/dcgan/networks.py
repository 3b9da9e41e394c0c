"""Generator and discriminator (Radford et al. 2015, arXiv 1511.06434, section 3 and figure 1).

Strided convolutions instead of pooling, batch normalisation except at the picture, ReLU in the generator and leaky ReLU
in the discriminator. All weights start from N(0, 0.02²).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.dcgan.params import DiscriminatorConfig, GeneratorConfig, halvings

SPREAD, SLOPE = 0.02, 0.2


class Generator(nn.Module):
    """Latents (n, z) to pictures (n, channels, px, px) in -1..1."""

    def __init__(self, config: GeneratorConfig, px: int, channels: int):
        super().__init__()
        depth = halvings(px)
        self.side, self.z = px >> depth, config.z
        widths = [min(config.most, config.channels << level) for level in range(depth)][::-1]
        self.first = nn.Linear(config.z, widths[0] * self.side**2, bias=False)
        self.norms = nn.ModuleList(nn.BatchNorm2d(width) for width in widths)
        ends = [*widths[1:], channels]
        pairs = list(zip(widths, ends, strict=True))
        last = len(pairs) - 1
        self.up = nn.ModuleList(
            nn.ConvTranspose2d(i, o, 4, stride=2, padding=1, bias=number == last) for number, (i, o) in enumerate(pairs)
        )
        self.apply(_start)

    def forward(self, z: Tensor) -> Tensor:
        x = self.first(z).view(len(z), -1, self.side, self.side)
        for norm, up in zip(self.norms, self.up, strict=True):
            x = up(F.relu(norm(x)))
        return torch.tanh(x.float())


class Discriminator(nn.Module):
    """Pictures (n, channels, px, px) to scores (n,), high for real pictures."""

    def __init__(self, config: DiscriminatorConfig, px: int, channels: int, norm: bool):
        super().__init__()
        depth = halvings(px)
        widths = [min(config.most, config.channels << level) for level in range(depth)]
        pairs = zip([channels, *widths[:-1]], widths, strict=True)
        self.down = nn.ModuleList(
            nn.Conv2d(i, o, 4, stride=2, padding=1, bias=not (norm and number)) for number, (i, o) in enumerate(pairs)
        )
        self.norms = nn.ModuleList(
            nn.BatchNorm2d(width) if norm and number else nn.Identity() for number, width in enumerate(widths)
        )
        self.score = nn.Linear(widths[-1] * (px >> depth) ** 2, 1)
        self.apply(_start)

    def forward(self, picture: Tensor) -> Tensor:
        x = picture
        for down, norm in zip(self.down, self.norms, strict=True):
            x = F.leaky_relu(norm(down(x)), SLOPE)
        return self.score(x.flatten(1)).float()[:, 0]


def _start(module: nn.Module) -> None:
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
        nn.init.normal_(module.weight, 0, SPREAD)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1, SPREAD)
