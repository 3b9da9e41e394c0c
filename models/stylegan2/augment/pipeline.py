"""The augmentation of what the discriminator sees, by groups in the paper's order (arXiv 2006.06676, appendix B)."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from models.stylegan2.augment.bands import bands
from models.stylegan2.augment.blit import blit
from models.stylegan2.augment.chance import ANY, Chance, Keep
from models.stylegan2.augment.color import color
from models.stylegan2.augment.corrupt import cutout, noise
from models.stylegan2.augment.geometric import geometric

GROUPS: dict[str, Callable[[Tensor, Chance, Keep], Tensor]] = {
    "blit": blit,
    "geometric": geometric,
    "color": color,
    "filter": bands,
    "noise": noise,
    "cutout": cutout,
}
"""From the name of a group to its function of (pictures, chance, keep)."""


def augment(pictures: Tensor, p: float, groups: Iterable[str], keep: Keep = ANY) -> Tensor:
    """Transform each of pictures (n, c, s, s) in -1..1, each transformation with probability p. p = 0 changes no bit.

    Args:
        groups: names of the groups that are on. keep: what they must leave as it is.
    """
    groups = tuple(groups)
    if p <= 0 or not groups:
        return pictures
    with torch.autocast(pictures.device.type, enabled=False):
        pictures, chance = pictures.float(), Chance(len(pictures), p)
        for name, transform in GROUPS.items():
            if name in groups:
                pictures = transform(pictures, chance, keep)
        return pictures
