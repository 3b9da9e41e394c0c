"""The synthesis network of StyleGAN2 (Karras et al. 2020, arXiv 1912.04958): styles and noise to a picture.

Modulated convolution. The paper multiplies the weights of each picture by its style (equation 1) and divides each
output channel by the norm of its weights (equation 3). Read literally, this is a grouped convolution with one group
for each picture. Because a convolution is linear, the style may as well multiply the input channels, and the norm may
divide the output channels: all pictures then share one plain convolution. The norms need no weights of single pictures:
Σ_ijk (s_i w_ijk)² = Σ_i s_i² Σ_k w_ijk², a product of two small matrices. `python -m tests.benchmarks stylegan2`
compares both forms.

Bias, noise and norm are one pass over the features, and the leaky ReLU works in place.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.stylegan2.layers import SLOPE, Linear, double, filtered, precision, taps
from models.stylegan2.params import Params, levels


class Modulated(nn.Module):
    """A convolution whose weights depend on a style (equations 1 and 3).

    Args:
        kernel: side of the kernel, 1 or 3. up: whether the side is doubled. norm: whether to demodulate.
    """

    def __init__(self, inside: int, outside: int, kernel: int, w: int, up: bool = False, norm: bool = True):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outside, inside, kernel, kernel))
        self.style = Linear(w, inside, start=1.0)
        self._gain, self._up, self._norm, self._padding = 1 / math.sqrt(inside * kernel**2), up, norm, kernel // 2
        self.register_buffer("taps", taps(), persistent=False)

    def forward(self, x: Tensor, w: Tensor) -> tuple[Tensor, Tensor | None]:
        """Features (n, i, h, w) to features (n, o, h, w) and the factors (n, o, 1, 1) that demodulate them."""
        with precision(x.device, low=False):
            style, weight = self.style(w), self.weight * self._gain
            norms = ((style.square() @ weight.square().sum(dim=(2, 3)).T) + 1e-8).rsqrt() if self._norm else None
        x = x * style.to(x.dtype)[:, :, None, None]
        weight = weight.to(x.dtype)
        if self._up:
            # Zeros between the pixels, convolution and low-pass filter; the transposed convolution skips the zeros. It
            # turns the kernel by 180°, which is left so: the kernel is learned.
            x = F.conv_transpose2d(x, weight.transpose(0, 1), stride=2)
            x = filtered(x, 4 * self.taps, padding=1)
        else:
            x = F.conv2d(x, weight, padding=self._padding)
        return x, None if norms is None else norms.to(x.dtype)[:, :, None, None]


class Layer(nn.Module):
    """Modulated convolution, noise, bias and leaky ReLU. The noise's strength starts from zero (figure 2c)."""

    def __init__(self, inside: int, outside: int, w: int, up: bool):
        super().__init__()
        self.convolution = Modulated(inside, outside, 3, w, up)
        self.bias = nn.Parameter(torch.zeros(outside))
        self.strength = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor, w: Tensor, noise: Tensor) -> Tensor:
        """Args: x (n, i, h, w), w (n, w), noise (n, 1, h, w)."""
        x, norms = self.convolution(x, w)
        root = math.sqrt(2)  # √2 · leaky(x · norm + bias + noise) = leaky(√2 x · norm + √2 bias + √2 noise)
        x = torch.addcmul((root * self.bias).to(x.dtype)[:, None, None], x, root * norms)
        x = x.add_((root * self.strength * noise).to(x.dtype))
        return F.leaky_relu_(x, SLOPE)


class ToPicture(nn.Module):
    """Features to the channels of the picture: a modulated 1×1 convolution without demodulation (figure 7b)."""

    def __init__(self, inside: int, channels: int, w: int):
        super().__init__()
        self.convolution = Modulated(inside, channels, 1, w, norm=False)
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """In float32, because the pictures of all levels are added."""
        picture, _ = self.convolution(x, w)
        return picture.float() + self.bias[:, None, None]


class Level(nn.Module):
    """The layers of one side. Level 4 has one convolution and starts from constant features."""

    def __init__(self, inside: int, outside: int, channels: int, w: int, first: bool):
        super().__init__()
        self.up = None if first else Layer(inside, outside, w, up=True)
        self.same = Layer(outside, outside, w, up=False)
        self.picture = ToPicture(outside, channels, w)


class Synthesis(nn.Module):
    """Styles (n, layers, w) and noise to a picture (n, channels, px, px), with skip connections (figure 7b).

    Attributes:
        layers: number of styles. shapes: side of the noise of each convolution.
    """

    def __init__(self, params: Params, px: int, channels: int):
        super().__init__()
        sides, w = levels(px), params.generator.w
        widths = [params.channels(px, side) for side in sides]
        self.constant = nn.Parameter(torch.randn(widths[0], 4, 4))
        self.levels = nn.ModuleDict(
            {
                str(side): Level(widths[max(0, number - 1)], widths[number], channels, w, number == 0)
                for number, side in enumerate(sides)
            }
        )
        self.layers = 2 * len(sides)
        self.shapes = [side for side in sides for _ in range(1 if side == 4 else 2)]
        self._low = set(sides[len(sides) - min(params.bf16_levels, len(sides)) :])
        self.register_buffer("taps", taps(), persistent=False)

    def forward(self, styles: Tensor, noise: Sequence[Tensor]) -> Tensor:
        """Args: styles (n, layers, w); noise: (n, 1, side, side) for each of `shapes`."""
        x = self.constant.expand(len(styles), -1, -1, -1)
        styles, given, picture = iter(styles.unbind(dim=1)), iter(noise), None
        w = next(styles)
        for side, level in self.levels.items():
            with precision(x.device, int(side) in self._low) as dtype:
                x = x.to(dtype)
                if level.up is not None:
                    x, w = level.up(x, w, next(given)), next(styles)
                x, w = level.same(x, w, next(given)), next(styles)
                own = level.picture(x, w)  # shares its style with the next convolution
            picture = own if picture is None else double(picture, self.taps) + own
        return picture
