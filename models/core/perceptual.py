"""Perceptual distance of two pictures, by VGG-19 from a file, or by a fixed random network if there is no file.

With VGG-19 it is the perceptual loss of SPADE (Wang et al. 2018, arXiv 1711.11585, section 3.4). The features of a
random convolutional network still compare edges and textures at several scales (He et al. 2016, arXiv 1606.04801). Logs
and curves name the network.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Literal

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of the training pictures of VGG, 0..1
WEIGHTS = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1.0)  # of relu1_1 … relu5_1 (SPADE's)
VGG = ((64, 2), (128, 2), (256, 4), (512, 4), (512, 1))  # width and convolutions of each block, up to relu5_1
RANDOM = ((16, 1), (32, 1), (64, 1))
SEED = 19


class Perceptual(nn.Module):
    """Mean over blocks of the L1 distance between features.

    The network moves to the device of its input. Its weights are fixed.

    Attributes:
        kind: `vgg19` or `random`.
    """

    def __init__(self, weights: Path | None):
        """Load the network.

        Args:
            weights: a file of VGG-19 (.safetensors, or a file for torch.load(weights_only=True)), or None.

        Raises:
            ValueError: the file is missing, not readable without running code, or not VGG-19; the message names it.
        """
        super().__init__()
        self.kind: Literal["vgg19", "random"] = "random" if weights is None else "vgg19"
        self.blocks = _blocks(RANDOM if weights is None else VGG)
        shares = WEIGHTS if weights else (1 / len(RANDOM),) * len(RANDOM)
        self.shares = [share / sum(shares) for share in shares]
        self._fill_at_random() if weights is None else self._fill(weights)
        self.register_buffer("mean", torch.tensor(MEAN)[:, None, None])
        self.register_buffer("std", torch.tensor(STD)[:, None, None])
        self.eval().requires_grad_(False)

    def forward(self, image: Tensor, target: Tensor) -> Tensor:
        """Distance of images (n, 3, h, w) in -1..1 from targets, as one number; only `image` gets gradients."""
        if self.mean.device != image.device:
            self.to(image.device)
        with torch.no_grad():
            wanted = self._features(target)
        pairs = zip(self.shares, self._features(image), wanted, strict=True)
        return sum(share * F.l1_loss(got.float(), want.float()) for share, got, want in pairs)

    def _features(self, image: Tensor) -> list[Tensor]:
        x = ((image + 1) / 2 - self.mean) / self.std
        features = []
        for number, block in enumerate(self.blocks):
            if number:
                x = F.max_pool2d(x, 2)
            for layer, convolution in enumerate(block):
                x = F.relu(convolution(x))
                if not layer:
                    features.append(x)
        return features

    def _fill_at_random(self) -> None:
        generator = torch.Generator().manual_seed(
            SEED
        )  # a separate random generator, so that every run has the same network
        for convolution in self._convolutions():
            spread = math.sqrt(2 / convolution.weight[0].numel())
            with torch.no_grad():
                convolution.weight.copy_(spread * torch.randn(convolution.weight.shape, generator=generator))
                convolution.bias.zero_()

    def _fill(self, path: Path) -> None:
        try:
            if path.suffix == ".safetensors":
                found = load_file(path)
            else:
                found = torch.load(path, map_location="cpu", weights_only=True)
            numbers = sorted({int(name.split(".")[1]) for name in found if name.startswith("features.")})
            with torch.no_grad():
                for number, convolution in zip(numbers, self._convolutions(), strict=False):
                    convolution.weight.copy_(_same(found[f"features.{number}.weight"], convolution.weight))
                    convolution.bias.copy_(_same(found[f"features.{number}.bias"], convolution.bias))
            if len(numbers) < len(self._convolutions()):
                wanted = f"where {len(self._convolutions())} or more are expected"
                raise ValueError(f"{len(numbers)} convolutions named features.<n>.weight {wanted}")
        except Exception as error:  # noqa: BLE001 - such a file may raise any exception
            reason = " ".join(str(error).split())[:200]
            raise ValueError(f"{path}: not weights of VGG-19 that can be read: {reason}") from error

    def _convolutions(self) -> list[nn.Conv2d]:
        return [convolution for block in self.blocks for convolution in block]


def _blocks(layout: tuple[tuple[int, int], ...]) -> nn.ModuleList:
    blocks, inside = nn.ModuleList(), 3
    for width, count in layout:
        block = nn.ModuleList()
        for _ in range(count):
            block.append(nn.Conv2d(inside, width, 3, padding=1))
            inside = width
        blocks.append(block)
    return blocks


def _same(found: Tensor, wanted: Tensor) -> Tensor:
    """`found`, if it has the shape of `wanted`; a plain copy would broadcast a single number over a layer."""
    if found.shape != wanted.shape:
        raise ValueError(f"a layer of {tuple(found.shape)} where VGG-19 has {tuple(wanted.shape)}")
    return found
