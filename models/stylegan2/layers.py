"""Layers with an equalised learning rate, and resampling by the filter [1, 3, 3, 1].

Equalised learning rate (Karras et al. 2018, arXiv 1710.10196, section 4.1): weights start as N(0, 1) and are
multiplied by 1/√fan_in in each evaluation, so that all weights have the same range and the same speed under Adam.

The leaky ReLU of the papers is multiplied by √2, so that it keeps the variance. Because √2 · leaky(x) = leaky(√2 · x),
the factor is part of the weights' factor: no layer needs a separate pass over its features for it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SLOPE = 0.2
TAPS = (1.0, 3.0, 3.0, 1.0)  # the filter of StyleGAN2's implementation notes (appendix B), along each axis


class Linear(nn.Module):
    """y = act(W x c + b): (…, i) to (…, o).

    Args:
        start: initial bias. rate: factor on the learning rate. active: whether a leaky ReLU follows.
    """

    def __init__(self, inside: int, outside: int, start: float = 0.0, rate: float = 1.0, active: bool = False):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outside, inside) / rate)
        self.bias = nn.Parameter(torch.full((outside,), start / rate))
        gain = math.sqrt(2) if active else 1.0
        self._active, self._gain, self._bias_gain = active, gain * rate / math.sqrt(inside), gain * rate

    def forward(self, x: Tensor) -> Tensor:
        y = F.linear(x, self.weight * self._gain, self.bias * self._bias_gain)
        return F.leaky_relu_(y, SLOPE) if self._active else y


class Convolution(nn.Module):
    """A convolution with padding that keeps the side, or halves it after a low-pass filter if `down`."""

    def __init__(
        self, inside: int, outside: int, kernel: int, down: bool = False, bias: bool = True, active: bool = True
    ):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outside, inside, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outside)) if bias else None
        self._scale = math.sqrt(2) if active else 1.0
        self._gain = self._scale / math.sqrt(inside * kernel**2)
        self._kernel, self._down, self._active = kernel, down, active
        self.register_buffer("taps", taps(), persistent=False)

    def forward(self, x: Tensor, gain: float = 1.0) -> Tensor:
        """Features (n, i, h, w) to (n, o, h, w) or half the side, times `gain`."""
        weight = (self.weight * (self._gain * gain)).to(x.dtype)
        bias = None if self.bias is None else (self.bias * (self._scale * gain)).to(x.dtype)
        stride, padding = 1, self._kernel // 2
        if self._down and self._kernel == 1:
            x = halve(x, self.taps)  # before the 1×1 convolution, which then has a quarter of the pixels
        elif self._down:
            x, stride, padding = filtered(x, self.taps, padding=2), 2, 0
        y = F.conv2d(x, weight, bias, stride=stride, padding=padding)
        return F.leaky_relu_(y, SLOPE) if self._active else y


def taps() -> Tensor:
    """The filter (4, 4) with sum 1."""
    one = torch.tensor(TAPS) / sum(TAPS)
    return one[:, None] * one


def filtered(x: Tensor, kernel: Tensor, padding: int) -> Tensor:
    """Each channel convolved with `kernel`; zeros outside. A depthwise convolution is the fastest form measured."""
    channels = x.shape[1]
    weight = kernel.to(x.dtype).expand(channels, 1, *kernel.shape)
    return F.conv2d(x, weight, padding=padding, groups=channels)


def halve(x: Tensor, kernel: Tensor) -> Tensor:
    """Half the side: low-pass filter, then every second pixel."""
    channels = x.shape[1]
    return F.conv2d(x, kernel.to(x.dtype).expand(channels, 1, 4, 4), stride=2, padding=1, groups=channels)


def double(x: Tensor, kernel: Tensor) -> Tensor:
    """Twice the side: zeros between the pixels, then the filter times 4, both by one transposed convolution."""
    channels = x.shape[1]
    weight = (4 * kernel).to(x.dtype).expand(channels, 1, 4, 4)
    return F.conv_transpose2d(x, weight, stride=2, padding=1, groups=channels)


@contextmanager
def precision(device: torch.device, low: bool) -> Iterator[torch.dtype]:
    """Compute inside in the type of autocast if it is on and `low` is set, else in float32; yields the type."""
    on = torch.is_autocast_enabled(device.type) and low
    with torch.autocast(device.type, enabled=on):
        yield torch.get_autocast_dtype(device.type) if on else torch.float32
