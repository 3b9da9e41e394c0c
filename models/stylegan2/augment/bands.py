"""Filtering in image space: random amplification of four bands of octaves."""

from __future__ import annotations

from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

from models.stylegan2.augment.chance import ANY, Chance, Keep, moved_to

# The orthogonal low-pass filter "sym2" (Daubechies 1992), sum √2.
SYM2 = (-0.12940952255092145, 0.22414386804185735, 0.836516303737469, 0.48296291314469025)
POWER = (10 / 13, 1 / 13, 1 / 13, 1 / 13)  # expected power of natural pictures in each band, coarsest first
STRENGTH = 1.0  # deviation of the logarithm to the base 2


@cache
def bank() -> Tensor:
    """Filters (4, taps) of the bands 0…π/8, …π/4, …π/2, …π. Their sum is the filter that changes nothing.

    With H the low-pass filter, |H(z)|² / 2 keeps the lower half of all frequencies, and |H(z²)|² / 2 of that the lower
    half, and so on. Each band is the difference of two neighbours.
    """
    taps = torch.tensor(SYM2, dtype=torch.float64)
    half = F.conv1d(taps[None, None], taps[None, None], padding=len(taps) - 1)[0, 0] / 2  # |H|² / 2
    kept, lows = torch.ones(1, dtype=torch.float64), []
    for doubling in range(3):
        step = 2**doubling
        wide = torch.zeros((len(half) - 1) * step + 1, dtype=torch.float64)
        wide[::step] = half
        kept = F.conv1d(kept[None, None], wide.flip(0)[None, None], padding=len(wide) - 1)[0, 0]
        lows.append(kept)
    length = len(lows[-1])
    whole = torch.zeros(1, dtype=torch.float64) + 1
    chain = [F.pad(low, ((length - len(low)) // 2,) * 2) for low in (*lows[::-1], whole)]
    return torch.stack([chain[0], *(finer - coarser for coarser, finer in zip(chain[:-1], chain[1:], strict=True))])


def bands(pictures: Tensor, chance: Chance, keep: Keep = ANY) -> Tensor:
    """Amplify bands of pictures (n, c, s, s) at random; the expected power stays the same."""
    own, n = Chance(chance.n, chance.p), chance.n
    gains = torch.ones(n, 4)
    for band in range(4):
        gain = torch.ones(n, 4)
        gain[:, band] = own.pick(own.doublings(STRENGTH), 1.0)
        gains *= gain / (gain.square() @ torch.tensor(POWER))[:, None].sqrt()
    chance.hit |= own.hit
    kernel = moved_to(gains @ bank().float(), pictures)
    channels, side = pictures.shape[1], pictures.shape[-1]
    kernel = kernel.repeat_interleave(channels, dim=0)[:, None]
    # Reflection needs a margin below the side.
    margin = min(kernel.shape[-1] // 2, side - 1)
    cut = kernel.shape[-1] // 2 - margin
    kernel = kernel[..., cut : kernel.shape[-1] - cut]
    flat = F.pad(pictures.reshape(1, n * channels, side, side), (margin,) * 4, mode="reflect")
    flat = F.conv2d(flat, kernel[:, :, None, :], groups=n * channels)
    done = F.conv2d(flat, kernel[:, :, :, None], groups=n * channels).view_as(pictures)
    return torch.where(moved_to(own.hit, pictures)[:, None, None, None], done, pictures)
