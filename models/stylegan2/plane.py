"""A picture without end: styles that change over a plane, evaluated in windows.

Places are the squares of a grid; a place has the size of one picture. Each has a latent of its own, and so a style w at
its middle; between the middles, styles are blended (smoothstep along both axes). Each pixel of each layer then has its
own style: it multiplies the input channels of that pixel, and demodulation divides by the norm of the weights with the
style of that pixel (arXiv 1912.04958, equations 1 and 3). With one style everywhere, this is the plain network.

The noise of a pixel depends on the seed, the layer and the pixel's place in the plane. The constant features that the
network starts from are mirrored from place to place, so that they do not jump.

A window is evaluated with as much of its surroundings as reaches into it, level by level; what the edge of the
evaluated region changes is cut off after each layer. Windows therefore meet without a seam, in any order, and the
memory is that of one window.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from models.core.color_encoding import ColorEncoding
from models.stylegan2.layers import SLOPE, double, filtered
from models.stylegan2.mapping import Mapping
from models.stylegan2.synthesis import Layer, Modulated, Synthesis

CELLS = 4  # side of the constant features of one place
BLOCK = 32  # largest side of a block of noise that is drawn at once
FAR = 2**20  # added to coordinates, because keys of random generators are not negative
STYLE, NOISE = 0, 1  # kinds of random numbers


class StylePlane:
    """`models.core.products.Plane`.

    Args:
        places: places along a side of a window.
    """

    def __init__(
        self,
        mapping: Mapping,
        synthesis: Synthesis,
        z: int,
        seed: int,
        truncation: float,
        places: int,
        device: torch.device,
    ):
        self._mapping, self._synthesis, self._z = mapping, synthesis, z
        self._seed, self._psi, self._device = seed, truncation, device
        self.place = synthesis.shapes[-1]
        self.side, self._places = places * self.place, places
        self._style = lru_cache(maxsize=4096)(self._draw_style)

    def window(self, row: int, col: int) -> np.ndarray:
        """uint8 (side, side, 3)."""
        n = self._places
        return _decoded(self.region(row * n * CELLS, col * n * CELLS, n * CELLS, n * CELLS))

    def alone(self, row: int, col: int) -> np.ndarray:
        """uint8 (place, place, 3)."""
        style = self._style(row, col).expand(1, self._synthesis.layers, -1)
        noise = [
            self._noise(number, side, row * side, col * side, side, side)
            for number, side in enumerate(self._synthesis.shapes)
        ]
        with torch.inference_mode():
            return _decoded(self._synthesis(style, noise))

    @torch.inference_mode()
    def region(self, top: int, left: int, rows: int, cols: int, surrounded: bool = True) -> Tensor:
        """The picture (1, channels, h, w) of a rectangle in cells, of which a place has 4 × 4.

        Args:
            surrounded: whether it shows a part of the plane; else zeros lie around it, as around a plain picture.
        """
        net, number = self._synthesis, 0
        margins = reach(len(net.levels)) if surrounded else [0] * len(net.levels)
        extra = int(surrounded)  # of the 3×3 convolution that keeps the side
        picture, x, h = None, self._constant(top, left, rows, cols, margins[0] + extra), margins[0] + extra
        for depth, level in enumerate(net.levels.values()):
            margin = margins[depth]
            box = Box(top << depth, left << depth, rows << depth, cols << depth, CELLS << depth)
            if level.up is not None:
                x = self._layer(level.up, x, box.halved(), h, number, box, 2 * h, margin + extra)
                number, h = number + 1, margin + extra
                picture = _cut(double(picture, net.taps), 2 * margins[depth - 1] - margin)
            x = self._layer(level.same, x, box, h, number, box, h, margin)
            number, h = number + 1, margin
            own = self._modulated(level.picture.convolution, x, box, h) + level.picture.bias[:, None, None]
            picture = own if picture is None else picture + own
        return picture

    def _layer(
        self, layer: Layer, x: Tensor, inside: Box, had: int, number: int, box: Box, has: int, keep: int
    ) -> Tensor:
        """A layer on features with the margin `had` in `inside`; its output in `box` has `has`, of which `keep` stays.

        The margin that is cut is the part that the edge of the region changes.
        """
        conv = layer.convolution
        x = _cut(self._modulated(conv, x, inside, had), has - keep)
        x = x * self._norms(conv, box, keep) + layer.bias[:, None, None]
        noise = self._noise(
            number, box.place, box.top - keep, box.left - keep, box.rows + 2 * keep, box.cols + 2 * keep
        )
        return F.leaky_relu(math.sqrt(2) * (x + layer.strength * noise), SLOPE)

    def _modulated(self, conv: Modulated, x: Tensor, box: Box, margin: int) -> Tensor:
        """The convolution of features, each pixel with its own style, without demodulation."""
        x = x * self._styles(conv, box, margin)
        weight = conv.weight * conv._gain
        if conv._up:
            x = F.conv_transpose2d(x, weight.transpose(0, 1), stride=2)
            return filtered(x, 4 * conv.taps, padding=1)
        return F.conv2d(x, weight, padding=conv._padding)

    def _norms(self, conv: Modulated, box: Box, margin: int) -> Tensor:
        """1 / norm of the weights of each output channel, with the style of each pixel."""
        square = (conv.weight * conv._gain).square().sum(dim=(2, 3))[:, :, None, None]
        return (F.conv2d(self._styles(conv, box, margin).square(), square) + 1e-8).rsqrt()

    def _styles(self, conv: Modulated, box: Box, margin: int) -> Tensor:
        """The blended style of each pixel, (1, i, h, w). The affine map of a blend is the blend of the affine maps."""
        rows, down = _between(box.top - margin, box.rows + 2 * margin, box.place)
        cols, across = _between(box.left - margin, box.cols + 2 * margin, box.place)
        places = [
            [conv.style(self._style(row, col))[0] for col in range(int(cols[0]), int(cols[-1]) + 2)]
            for row in range(int(rows[0]), int(rows[-1]) + 2)
        ]
        known = torch.stack([torch.stack(line) for line in places])  # (places, places, i)
        rows, cols = rows - rows[0], cols - cols[0]
        down, across = (torch.from_numpy(part).to(self._device) for part in (down, across))
        some = known[rows] + down[:, None, None] * (known[rows + 1] - known[rows])  # (h, places, i)
        all_ = some[:, cols] + across[:, None] * (some[:, cols + 1] - some[:, cols])
        return all_.permute(2, 0, 1)[None]

    def _draw_style(self, row: int, col: int) -> Tensor:
        rng = np.random.default_rng([self._seed, STYLE, row + FAR, col + FAR])
        z = torch.from_numpy(rng.standard_normal((1, self._z), np.float32)).to(self._device)
        with torch.inference_mode():
            return self._mapping.truncated(self._mapping(z), self._psi)

    def _constant(self, top: int, left: int, rows: int, cols: int, margin: int) -> Tensor:
        down, across = _mirrored(top - margin, rows + 2 * margin), _mirrored(left - margin, cols + 2 * margin)
        return self._synthesis.constant[:, down][:, :, across][None]

    def _noise(self, number: int, side: int, top: int, left: int, rows: int, cols: int) -> Tensor:
        """Noise (1, 1, rows, cols) of layer `number`, whose places have `side` pixels."""
        size = min(side, BLOCK)
        first, start = top // size, left // size
        lines = []
        for row in range(first, (top + rows - 1) // size + 1):
            keys = [(row + FAR, col + FAR) for col in range(start, (left + cols - 1) // size + 1)]
            drawn = [
                np.random.default_rng([self._seed, NOISE, number, *key]).standard_normal((size, size), np.float32)
                for key in keys
            ]
            lines.append(np.concatenate(drawn, axis=1))
        values = np.concatenate(lines)[top - first * size :, left - start * size :][:rows, :cols]
        return torch.from_numpy(np.ascontiguousarray(values))[None, None].to(self._device)


class Box:
    """A rectangle in the pixels of one level, and the side of a place there."""

    def __init__(self, top: int, left: int, rows: int, cols: int, place: int):
        self.top, self.left, self.rows, self.cols, self.place = top, left, rows, cols, place

    def halved(self) -> Box:
        """The same rectangle one level coarser."""
        return Box(self.top // 2, self.left // 2, self.rows // 2, self.cols // 2, self.place // 2)


def reach(levels: int) -> list[int]:
    """Pixels around a window that each level must know, from the coarsest.

    With m known pixels needed after a level, its second convolution needs m + 1 after the first. Pixel y of that one
    comes from the pixels ⌈(y - 3)/2⌉ to ⌊(y + 2)/2⌋ of the level before.
    """
    margins = [0]
    for _ in range(levels - 1):
        margins.append((margins[-1] + 4) // 2)
    return margins[::-1]


def _between(start: int, count: int, place: int) -> tuple[np.ndarray, np.ndarray]:
    """For each pixel the place whose middle comes before it, and the share of the next place, float32."""
    at = (np.arange(start, start + count) + 0.5) / place - 0.5
    before = np.floor(at).astype(np.int64)
    share = at - before
    return before, (share * share * (3 - 2 * share)).astype(np.float32)


def _mirrored(start: int, count: int) -> list[int]:
    within = [number % (2 * CELLS) for number in range(start, start + count)]
    return [number if number < CELLS else 2 * CELLS - 1 - number for number in within]


def _cut(x: Tensor, margin: int) -> Tensor:
    return x[:, :, margin : x.shape[2] - margin, margin : x.shape[3] - margin] if margin else x


def _decoded(images: Tensor) -> np.ndarray:
    return ColorEncoding().decode(images.float().cpu().numpy())[0]
