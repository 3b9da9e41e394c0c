"""How unlike two pictures look, by the features of a network: for the projection of a picture into a latent space."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from models.core.perceptual import Perceptual
from models.features.efficientnet import packaged
from models.features.names import LITE0, Network

Distance = Callable[[Tensor, Tensor], Tensor]
"""Images (1, 3, h, w) in -1..1 and a target of that shape to one number; only the images get gradients."""


def distance(network: Network, vgg19: Path | None, device: torch.device) -> tuple[Distance, str]:
    """The distance and the name of its network.

    Args:
        vgg19: a file of VGG-19, which is then used instead of `network`, or None.

    Raises:
        ValueError: the weights cannot be used.
    """
    if vgg19 is not None:
        return Perceptual(vgg19).to(device), "VGG-19"
    if network == "random":
        return Perceptual(None).to(device), "a fixed random network"
    net = packaged().to(device)

    def features(images: Tensor) -> list[Tensor]:
        # Each place has a vector of features of length 1, as in LPIPS (arXiv 1801.03924, section 3).
        return [part * (part.square().sum(dim=1, keepdim=True) + 1e-10).rsqrt() for part in net.features(images)]

    def apart(images: Tensor, target: Tensor) -> Tensor:
        with torch.no_grad():
            wanted = features(target)
        pairs = zip(features(images), wanted, strict=True)
        return sum((got - want).square().sum(dim=1).mean() for got, want in pairs)

    return apart, LITE0
