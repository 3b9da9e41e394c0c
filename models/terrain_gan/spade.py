"""A generator of texture and height from a class map (SPADE; Park et al. 2019, arXiv 1903.07291).

Each pixel's vector of channels is divided by its own root mean square. There is no average over a batch, so training
and painting are the same function. There is no average over the image, so a large map is painted like a crop of it, and
an area of one class keeps its features.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.terrain_gan.params import GeneratorConfig

PAINTED = 4  # red, green, blue, height
REACH = 10.0  # factor on a gain: Adam changes a weight by its rate per step, which is too slow from 0 to visible noise


def conv(inside: int, outside: int) -> nn.Conv2d:
    """A 3×3 convolution that repeats the edges; zero padding would add a visible border to every picture."""
    return nn.Conv2d(inside, outside, 3, padding=1, padding_mode="replicate")


class Noise(nn.Module):
    """Adds one N(0, 1) number per pixel, times a learned gain per channel. The gains start at 0."""

    def __init__(self, channels: int):
        super().__init__()
        self.gain = nn.Parameter(torch.zeros(channels, 1, 1))

    def forward(self, x: Tensor, noise: Tensor) -> Tensor:
        return torch.addcmul(x, REACH * self.gain, noise)


class Spade(nn.Module):
    """γ(map) · x / ‖x‖ + β(map), ‖x‖ the root mean square over channels (equation 1, with another norm)."""

    def __init__(self, channels: int, hidden: int):
        super().__init__()
        self.modulate = conv(hidden, 2 * channels)

    def forward(self, x: Tensor, seen: Tensor) -> Tensor:
        scale, shift = self.modulate(seen).chunk(2, dim=1)
        x = x * torch.rsqrt(x.float().square().mean(dim=1, keepdim=True) + 1e-6)
        return torch.addcmul(shift, x, scale + 1)


class Block(nn.Module):
    """SPADE, convolution, noise, SPADE, convolution, around a shortcut (figure 4 of the paper, and the noise)."""

    def __init__(self, classes: int, inside: int, outside: int, hidden: int):
        super().__init__()
        self.see = conv(classes, hidden)  # shared by both
        self.spade1, self.conv1 = Spade(inside, hidden), conv(inside, outside)
        self.noise = Noise(outside)
        self.spade2, self.conv2 = Spade(outside, hidden), conv(outside, outside)
        self.skip = nn.Conv2d(inside, outside, 1, bias=False) if inside != outside else nn.Identity()

    def forward(self, x: Tensor, classes: Tensor, noise: Tensor) -> Tensor:
        seen = F.leaky_relu(self.see(classes), 0.2)
        h = self.conv1(F.leaky_relu(self.spade1(x, seen), 0.2))
        h = self.conv2(F.leaky_relu(self.spade2(self.noise(h, noise), seen), 0.2))
        return self.skip(x) + h


class Generator(nn.Module):
    """z (n, z) and classes (n, k, h, w) to texture (n, 3, h, w) and height (n, 1, h, w), both in -1..1.

    Every level makes a picture. Finer levels correct coarser ones (Karras et al. 2020, arXiv 1912.04958, section 4).
    So a short training learns plains and mountains first, and fine detail last.

    Attributes:
        stride: height and width of a map must be multiples of it.
    """

    def __init__(self, config: GeneratorConfig, classes: int):
        super().__init__()
        widths = config.channels
        self.z, self.stride = config.z, config.stride
        self.first = conv(config.z + classes, widths[0])
        pairs = zip([widths[0], *widths], widths, strict=False)
        self.blocks = nn.ModuleList(Block(classes, inside, outside, config.hidden) for inside, outside in pairs)
        self.paint = nn.ModuleList(conv(width, PAINTED) for width in widths)

    def shapes(self, height: int, width: int) -> list[tuple[int, int]]:
        """Shape of the noise that each block takes for a map of this size; ValueError if the size does not fit."""
        if height < self.stride or width < self.stride or height % self.stride or width % self.stride:
            raise ValueError(
                f"a label map of {width} × {height} pixels: both sides must be multiples of {self.stride}; "
                "crop or enlarge it"
            )
        levels = range(len(self.blocks) - 1, -1, -1)
        return [(height >> level, width >> level) for level in levels]

    def forward(self, z: Tensor, classes: Tensor, noises: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Return texture and height. `noises`: N(0, 1) of (n, 1, *shape) for each of `shapes`."""
        x = painted = None
        for block, paint, noise in zip(self.blocks, self.paint, noises, strict=True):
            factor = classes.shape[-1] // noise.shape[-1]
            here = F.avg_pool2d(classes, factor) if factor > 1 else classes
            if x is None:
                x = self.first(torch.cat([z[:, :, None, None].expand(-1, -1, *here.shape[2:]), here], dim=1))
            else:
                x = F.interpolate(x, scale_factor=2, mode="nearest")
                painted = F.interpolate(painted, scale_factor=2, mode="bilinear", align_corners=False)
            x = block(x, here, noise)
            more = paint(F.leaky_relu(x, 0.2)).float()
            painted = more if painted is None else painted + more
        painted = torch.tanh(painted)
        return painted[:, :3], painted[:, 3:]
