"""The discriminator: patches of a picture at several scales (Wang et al. 2018, arXiv 1711.11585), and its losses."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from models.terrain_gan.params import DiscriminatorConfig

Judgement = list[list[Tensor]]
"""By scale, the features of each layer; the last is the output, (n, 1, h, w): above 0 means real."""

CHANCE = 2.0  # hinge loss of a discriminator that returns 0 everywhere, for each route


class Patches(nn.Module):
    """Convolutions with stride 2, and one output per position; the largest gain of every layer is 1 (spectral norm)."""

    def __init__(self, inside: int, channels: int, layers: int):
        super().__init__()
        self.layers = nn.ModuleList()
        for level in range(layers):
            outside = channels * min(2**level, 8)
            self.layers.append(spectral_norm(nn.Conv2d(inside, outside, 4, stride=2, padding=1)))
            inside = outside
        self.verdict = spectral_norm(nn.Conv2d(inside, 1, 3, padding=1))

    def forward(self, x: Tensor) -> list[Tensor]:
        features = []
        for layer in self.layers:
            x = F.leaky_relu(layer(x), 0.2)
            features.append(x)
        return [*features, self.verdict(x)]


class Discriminator(nn.Module):
    """Judges terrain, height, slopes and classes, stacked as channels of one picture (n, inside, h, w)."""

    def __init__(self, config: DiscriminatorConfig, inside: int):
        super().__init__()
        self.scales = nn.ModuleList(Patches(inside, config.channels, config.layers) for _ in range(config.scales))

    def forward(self, x: Tensor) -> Judgement:
        judgement = []
        for scale, patches in enumerate(self.scales):
            if scale:
                x = F.avg_pool2d(x, 3, stride=2, padding=1, count_include_pad=False)
            judgement.append(patches(x))
        return judgement


def split(judgement: Judgement, parts: int) -> list[Judgement]:
    """Split a batch of several pictures that were judged together."""
    return [[[layer.chunk(parts)[part] for layer in scale] for scale in judgement] for part in range(parts)]


def hinge(real: Judgement, fakes: list[Judgement]) -> Tensor:
    """Σ over routes of E max(0, 1 - D(real)) + E max(0, 1 + D(fake)), mean over scales (SPADE, section 3).

    A discriminator that returns 0 everywhere has the loss CHANCE for each route.
    """
    scales = []
    for scale, layers in enumerate(real):
        loss = len(fakes) * F.relu(1 - layers[-1].float()).mean()
        scales.append(loss + sum(F.relu(1 + fake[scale][-1].float()).mean() for fake in fakes))
    return torch.stack(scales).mean()


def mean_score(judgement: Judgement) -> Tensor:
    """E D, mean over scales."""
    return torch.stack([scale[-1].float().mean() for scale in judgement]).mean()


def fooling(fakes: list[Judgement]) -> Tensor:
    """-E D(fake), mean over scales and routes."""
    return -torch.stack([mean_score(fake) for fake in fakes]).mean()


def feature_matching(real: Judgement, fake: Judgement) -> Tensor:
    """E |f(real) - f(fake)| over the layers before the output, mean over layers and scales."""
    distances = [
        F.l1_loss(theirs.float(), ours.detach().float())
        for scale, other in zip(real, fake, strict=True)
        for ours, theirs in zip(scale[:-1], other[:-1], strict=True)
    ]
    return torch.stack(distances).mean()
