"""A literal reading of StyleGAN2's equations, with the weights of `models.stylegan2`; only for comparison."""

from __future__ import annotations

import math
from types import MethodType

import torch
import torch.nn.functional as F
from torch import Tensor

from models.stylegan2.layers import SLOPE, Convolution, Linear
from models.stylegan2.method import StyleGan2
from models.stylegan2.synthesis import Layer, Modulated, Synthesis


def kernel(gain: float) -> Tensor:
    """[1, 3, 3, 1] along both axes, with this sum."""
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0])
    return gain * (taps[:, None] * taps) / 64


def low_pass(x: Tensor, gain: float, padding: int) -> Tensor:
    """Filter each channel of each picture."""
    n, channels, height, width = x.shape
    y = F.conv2d(x.reshape(n * channels, 1, height, width), kernel(gain)[None, None], padding=padding)
    return y.view(n, channels, *y.shape[2:])


def apart(x: Tensor) -> Tensor:
    """Zeros between the pixels, (n, c, 2h - 1, 2w - 1)."""
    n, channels, height, width = x.shape
    wide = x.new_zeros(n, channels, height, 2, width, 2)
    wide[:, :, :, 0, :, 0] = x
    return wide.view(n, channels, 2 * height, 2 * width)[:, :, :-1, :-1]


def modulated(self: Modulated, x: Tensor, w: Tensor) -> Tensor:
    """Equations 1 and 3 with the weights of each picture: a grouped convolution with one group for each picture."""
    n, inside, height, width = x.shape
    weight = self.weight.flip(2, 3) if self._up else self.weight
    weight = (weight * self._gain)[None] * self.style(w)[:, None, :, None, None]
    if self._norm:
        weight = weight * (weight.square().sum(dim=(2, 3, 4), keepdim=True) + 1e-8).rsqrt()
    outside, side = weight.shape[1], weight.shape[-1]
    padding = self._padding
    if self._up:
        x, padding = apart(x), 2
    y = x.reshape(1, n * inside, *x.shape[2:])
    y = F.conv2d(y, weight.reshape(n * outside, inside, side, side), padding=padding, groups=n)
    y = y.view(n, outside, *y.shape[2:])
    return low_pass(y, 4.0, 1) if self._up else y


def layer(self: Layer, x: Tensor, w: Tensor, noise: Tensor) -> Tensor:
    """Convolution, noise, bias, leaky ReLU and √2, one after the other."""
    x = modulated(self.convolution, x, w)
    x = x + noise * self.strength
    x = x + self.bias[:, None, None]
    return F.leaky_relu(x, SLOPE) * math.sqrt(2)


def to_picture(self: object, x: Tensor, w: Tensor) -> Tensor:
    """A modulated 1×1 convolution without demodulation."""
    return modulated(self.convolution, x, w) + self.bias[:, None, None]


def synthesis(self: Synthesis, styles: Tensor, noise: list[Tensor]) -> Tensor:
    """As `Synthesis.forward`, with explicit zeros in the skip connection."""
    x, given, picture = self.constant.repeat(len(styles), 1, 1, 1), iter(noise), None
    remaining = iter(styles.unbind(dim=1))
    w = next(remaining)
    for level in self.levels.values():
        if level.up is not None:
            x, w = level.up(x, w, next(given)), next(remaining)
        x, w = level.same(x, w, next(given)), next(remaining)
        own = level.picture(x, w)
        picture = own if picture is None else low_pass(F.pad(apart(picture), (2, 2, 2, 2)), 4.0, 0) + own
    return picture


def convolution(self: Convolution, x: Tensor, gain: float = 1.0) -> Tensor:
    """Filter over all pixels, convolution with a stride, bias, activation and gain, one after the other."""
    stride, padding = (2, 0) if self._down else (1, self._kernel // 2)
    if self._down:
        x = low_pass(x, 1.0, 1 if self._kernel == 1 else 2)
    y = F.conv2d(x, self.weight * (self._gain / self._scale), stride=stride, padding=padding)
    if self.bias is not None:
        y = y + self.bias[:, None, None]
    return (F.leaky_relu(y, SLOPE) * math.sqrt(2) if self._active else y) * gain


def linear(self: Linear, x: Tensor) -> Tensor:
    """Product, bias, activation and gain, one after the other."""
    scale = math.sqrt(2) if self._active else 1.0
    y = x @ (self.weight * (self._gain / scale)).T + self.bias * (self._bias_gain / scale)
    return F.leaky_relu(y, SLOPE) * scale if self._active else y


FORMS = {"Layer": layer, "ToPicture": to_picture, "Synthesis": synthesis, "Convolution": convolution, "Linear": linear}


class PlainStyleGan2(StyleGan2):
    """`StyleGan2` whose networks compute in the plain form, and judge one set of pictures after the other."""

    def __init__(self, *arguments: object):
        super().__init__(*arguments)
        for module in self.networks.modules():
            if (form := FORMS.get(type(module).__name__)) is not None:
                module.forward = MethodType(form, module)

    def _scores(self, state, sets, facts):  # noqa: ANN001, ANN202 - as in StyleGan2
        return [state.networks["discriminator"](self._seen(one), facts) for one in sets]
