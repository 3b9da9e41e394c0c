"""The residual discriminator of StyleGAN2 (Karras et al. 2020, arXiv 1912.04958, figure 7c).

Minibatch standard deviation (Karras et al. 2018, arXiv 1710.10196, section 3): a group of pictures that all look alike
gives itself away. Groups are consecutive pictures, so that one evaluation can judge real and generated pictures
together.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from models.stylegan2.layers import Convolution, Linear, precision
from models.stylegan2.params import Params, levels

GROUP = 4


class Block(nn.Module):
    """Two convolutions that halve the side, beside a 1×1 convolution; the sum is divided by √2."""

    def __init__(self, inside: int, outside: int):
        super().__init__()
        self.first = Convolution(inside, inside, 3)
        self.second = Convolution(inside, outside, 3, down=True)
        self.skip = Convolution(inside, outside, 1, down=True, bias=False, active=False)

    def forward(self, x: Tensor) -> Tensor:
        beside = self.skip(x, gain=math.sqrt(0.5))
        return self.second(self.first(x), gain=math.sqrt(0.5)) + beside


class Discriminator(nn.Module):
    """Pictures (n, channels, px, px), and facts (n, k) if there are any, to scores (n,), high for real pictures.

    With facts the score is a projection on an embedding of them (Miyato & Koyama 2018, arXiv 1802.05637, equation 3,
    without the unconditional term).
    """

    def __init__(self, params: Params, px: int, channels: int, facts: int):
        super().__init__()
        sides = levels(px)[::-1]
        widths = {side: params.channels(px, side, discriminator=True) for side in sides}
        self.picture = Convolution(channels, widths[px], 1)
        pairs = zip(sides[:-1], sides[1:], strict=True)
        self.blocks = nn.ModuleDict({str(side): Block(widths[side], widths[half]) for side, half in pairs})
        last, features = widths[4], params.generator.w if facts else 1
        self.group = params.discriminator.group or GROUP
        self.mixed = Convolution(last + 1, last, 3)
        self.hidden = Linear(last * 16, last, active=True)
        self.score = Linear(last, features)
        self.embed = Linear(facts, features) if facts else None
        self._low = set(sides[: min(params.bf16_levels, len(sides))])

    def forward(self, picture: Tensor, facts: Tensor | None = None) -> Tensor:
        low = next(iter(self._low), None) is not None
        with precision(picture.device, low) as dtype:
            x = self.picture(picture.to(dtype))
        for side, block in self.blocks.items():
            with precision(x.device, int(side) in self._low) as dtype:
                x = block(x.to(dtype))
        with precision(x.device, low=False):
            x = torch.cat([x.float(), deviation(x.float(), self.group)], dim=1)
            score = self.score(self.hidden(self.mixed(x).flatten(1)))
            if self.embed is None:
                return score[:, 0]
            wanted = self.embed(facts.float())
            return (score * wanted).sum(dim=1) / math.sqrt(wanted.shape[1])


def deviation(x: Tensor, group: int) -> Tensor:
    """Mean standard deviation of each group of consecutive pictures, as a channel (n, 1, h, w).

    The group is the largest divisor of n that is not above `group`.
    """
    n, _, height, width = x.shape
    group = max(size for size in range(1, min(group, n) + 1) if n % size == 0)
    y = x.view(n // group, group, *x.shape[1:])
    spread = ((y - y.mean(dim=1, keepdim=True)).square().mean(dim=1) + 1e-8).sqrt().mean(dim=(1, 2, 3))
    return spread.repeat_interleave(group)[:, None, None, None].expand(-1, 1, height, width)
