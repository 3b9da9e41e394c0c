"""The mapping network: a latent z, and facts about the picture if there are any, to a style w.

Karras et al. 2019 (StyleGAN), arXiv 1812.04948, section 2. Truncation (its appendix B) needs the mean style, which
training measures.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from models.stylegan2.layers import Linear, precision
from models.stylegan2.params import GeneratorConfig

KEEP = 0.995  # share of the old mean style in each update


class Mapping(nn.Module):
    """z (n, z) and facts (n, k) to styles (n, w), in float32.

    Args:
        facts: numbers known of a picture, 0 for none.
    """

    def __init__(self, config: GeneratorConfig, facts: int):
        super().__init__()
        self.facts = facts
        self.embed = Linear(facts, config.w) if facts else None
        inside = config.z + (config.w if facts else 0)
        widths = [inside, *[config.w] * config.mapping]
        pairs = zip(widths[:-1], widths[1:], strict=True)
        self.layers = nn.Sequential(*(Linear(i, o, rate=config.mapping_rate, active=True) for i, o in pairs))
        self.register_buffer("mean", torch.zeros(config.w))

    def forward(self, z: Tensor, facts: Tensor | None = None) -> Tensor:
        with precision(z.device, low=False):
            x = unit(z.float())
            if self.embed is not None:
                x = torch.cat([x, unit(self.embed(facts.float()))], dim=1)
            return self.layers(x)

    @torch.no_grad()
    def observe(self, styles: Tensor) -> None:
        """Add the mean of styles (n, w) to the running mean."""
        self.mean.lerp_(styles.float().mean(dim=0), 1 - KEEP)

    def truncated(self, styles: Tensor, psi: float) -> Tensor:
        """Styles moved towards the mean style: ψ = 1 changes nothing, ψ = 0 gives the mean."""
        return styles if psi == 1 else self.mean + psi * (styles - self.mean)


def unit(x: Tensor) -> Tensor:
    """Each row of (n, k) with root mean square 1."""
    return x * (x.square().mean(dim=1, keepdim=True) + 1e-8).rsqrt()
