"""The distribution of a terrain's facts (absolute relief and elevation) given its conditions.

The facts lie outside the image (`models.core.height_encoding`), so words such as "high mountains" must choose them. The
head gives a mixture of normal distributions (Bishop 1994, mixture density networks, NCRG/94/004). Coarse or known
heights almost determine the facts, so the mixture describes the difference from those that they have by themselves.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.consistency.text.trunk import Trunk

COMPONENTS = 8
WIDTH = 32
"""Channels of the summary of a text."""
HINTS = 7
"""Numbers that describe coarse and known heights, see `models.consistency.steering.Steering.hints`."""
LOWEST = -4.0
"""Smallest logarithm of a deviation, so that no component shrinks to one tile."""


class FactsHead(nn.Module):
    """Texts and hints to a mixture over facts (n, facts).

    Args:
        trunk: reads the texts, `WIDTH` channels; None for a model without words. facts: number of facts.
    """

    def __init__(self, trunk: Trunk | None, facts: int):
        super().__init__()
        self.trunk, self.facts = trunk, facts
        inside = HINTS + (0 if trunk is None else WIDTH)
        self.layers = nn.Sequential(nn.Linear(inside, 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU())
        self.out = nn.Linear(64, COMPONENTS * (1 + 2 * facts))

    def forward(self, codes: Tensor | None, hints: Tensor, base: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Log weights (n, k), means and log deviations (n, k, facts); `base` (n, facts) moves the means."""
        parts = [hints] if self.trunk is None else [hints, self.trunk(codes)[2]]
        found = self.out(self.layers(torch.cat(parts, dim=1))).float()
        weights, means, deviations = found.split([COMPONENTS, COMPONENTS * self.facts, COMPONENTS * self.facts], dim=1)
        shape = (found.shape[0], COMPONENTS, self.facts)
        deviations = LOWEST + F.softplus(deviations.reshape(shape) - LOWEST)
        return weights.log_softmax(dim=1), base[:, None] + means.reshape(shape), deviations


def surprise(mixture: tuple[Tensor, Tensor, Tensor], facts: Tensor) -> Tensor:
    """-ln p(facts), (n,)."""
    weights, means, deviations = mixture
    apart = (facts[:, None] - means) * (-deviations).exp()
    each = -0.5 * apart.square() - deviations - 0.5 * math.log(2 * math.pi)
    return -(weights + each.sum(dim=2)).logsumexp(dim=1)


def choose(mixture: tuple[Tensor, Tensor, Tensor], drawn: Tensor, guidance: Tensor) -> Tensor:
    """Facts (n, facts) from the mixture.

    Guidance w draws from about p^w: weights to the power w, deviations divided by √w.

    Args:
        drawn: (n, 1 + facts): a number from [0, 1) that chooses the component, and standard normal numbers.
        guidance: (n,).
    """
    weights, means, deviations = mixture
    upto = (weights * guidance[:, None]).softmax(dim=1).cumsum(dim=1)
    place = (upto < drawn[:, :1] * upto[:, -1:]).sum(dim=1).clamp(max=COMPONENTS - 1)
    rows = torch.arange(place.shape[0], device=place.device)
    return means[rows, place] + drawn[:, 1:] * deviations[rows, place].exp() / guidance.sqrt()[:, None]
