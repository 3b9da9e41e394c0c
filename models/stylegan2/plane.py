"""A picture without end: styles that change over a plane, evaluated in windows.

The middles of the places lie half a picture apart. Each place has a latent of its own, and so a style w at its middle;
between the middles, styles are blended (smoothstep along both axes). Latents of neighbouring places can be alike, so
that regions are larger than places.

The coarse levels, up to 8 pixels, are evaluated for each place as for a plain picture. There, most pixels lie at the
edge of the picture, and the network has learned with zeros around it: with neighbours in place of zeros it makes
pictures that it never saw. The features of the places are laid over each other with the weights of their styles. The
weight of a place is zero at the edge of its picture, so no edge shows.

All places start from the same constant features, so the mean of their features over many styles has a shape, and
laying places over each other would repeat it as a lattice. Each place therefore gives its difference from that mean,
and the mean itself, averaged over all pixels, is added once.

From there on, each pixel of each layer has its own style: it multiplies the input channels of that pixel, and
demodulation divides by the norm of the weights with the style of that pixel (arXiv 1912.04958, equations 1 and 3). The
noise of a pixel depends on the seed, the layer and where it lies in the plane.

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

COARSE = 2  # levels that are evaluated for each place: 4 and 8 pixels
SIDE = 8  # of the features of a place
CELLS = SIDE // 2  # of these pixels, from one place to the next
BLOCK = 32  # largest side of a block of noise that is drawn at once
FAR = 2**20  # added to coordinates, because keys of random generators are not negative
STYLE, NOISE, OWN = 0, 1, 2  # kinds of random numbers: latents, noise of the plane, noise of the places
MIDDLE, MANY = 3, 256  # seed of the places whose mean is measured, and their number


class StylePlane:
    """`models.core.products.Plane`.

    Args:
        places: places along a side of a window. patch: places from one independent latent to the next.
    """

    def __init__(
        self,
        mapping: Mapping,
        synthesis: Synthesis,
        z: int,
        seed: int,
        truncation: float,
        places: int,
        patch: int,
        device: torch.device,
    ):
        self._mapping, self._synthesis, self._z = mapping, synthesis, z
        self._seed, self._psi, self._device = seed, truncation, device
        self.place = synthesis.shapes[-1] // 2
        self.side, self._places, self._patch = places * self.place, places, patch
        self._style = lru_cache(maxsize=4096)(self._draw_style)
        self._coarse = lru_cache(maxsize=256)(self._place)
        self._middle = lru_cache(maxsize=1)(self._mean_place)

    def window(self, row: int, col: int) -> np.ndarray:
        """uint8 (side, side, 3)."""
        n = self._places
        return _decoded(self.region(row * n * CELLS, col * n * CELLS, n * CELLS, n * CELLS))

    @torch.inference_mode()
    def alone(self, row: int, col: int) -> np.ndarray:
        """uint8 (2 · place, 2 · place, 3)."""
        style, noise = self._style(row, col).expand(1, self._synthesis.layers, -1), self._own_noise(row, col)
        for number, side in enumerate(self._synthesis.shapes[len(noise) :], start=len(noise)):
            top, left = ((2 * at - 1) * side // 4 for at in (row, col))
            noise.append(self._noise(number, side // 2, top, left, side, side))
        return _decoded(self._synthesis(style, noise))

    @torch.inference_mode()
    def region(self, top: int, left: int, rows: int, cols: int) -> Tensor:
        """The picture (1, channels, h, w) of a rectangle in cells: from one place to the next there are 4 cells."""
        net, margins = self._synthesis, reach(len(self._synthesis.levels) - COARSE + 1)
        h, number = margins[0], 2 * COARSE - 1
        x, picture = self._blended(top - h, left - h, rows + 2 * h, cols + 2 * h)
        for depth, level in enumerate(list(net.levels.values())[COARSE:], start=1):
            margin = margins[depth]
            box = Box(top << depth, left << depth, rows << depth, cols << depth, CELLS << depth)
            x = self._layer(level.up, x, box.halved(), h, number, box, 2 * h, margin + 1)
            x = self._layer(level.same, x, box, margin + 1, number + 1, box, margin + 1, margin)
            picture = _cut(double(picture, net.taps), 2 * h - margin)
            own = self._modulated(level.picture.convolution, x, box, margin) + level.picture.bias[:, None, None]
            picture, h, number = picture + own, margin, number + 2
        return picture

    def _blended(self, top: int, left: int, rows: int, cols: int) -> tuple[Tensor, Tensor]:
        """Features and picture of the coarse levels, in cells: the places laid over each other."""
        rise = (np.arange(CELLS) + 0.5) / CELLS
        rise = rise * rise * (3 - 2 * rise)
        weights = torch.from_numpy(np.concatenate([rise, 1 - rise]).astype(np.float32)).to(self._device)
        window, shapes = weights[:, None] * weights, self._middle()
        levels = [(window * shape).sum(dim=(2, 3), keepdim=True) / window.sum() for shape in shapes]
        out = [level.expand(-1, -1, rows, cols).clone() for level in levels]
        # The picture of place k covers the cells 4k - 2 to 4k + 5.
        for row in range((top - CELLS) // CELLS, (top + rows + CELLS) // CELLS + 1):
            for col in range((left - CELLS) // CELLS, (left + cols + CELLS) // CELLS + 1):
                up, across = CELLS * row - CELLS // 2 - top, CELLS * col - CELLS // 2 - left
                y, x = slice(max(0, up), min(rows, up + SIDE)), slice(max(0, across), min(cols, across + SIDE))
                if y.start >= y.stop or x.start >= x.stop:
                    continue
                inside = (slice(y.start - up, y.stop - up), slice(x.start - across, x.stop - across))
                for whole, part, shape in zip(out, self._coarse(row, col), shapes, strict=True):
                    whole[:, :, y, x] += window[inside] * (part - shape)[:, :, inside[0], inside[1]]
        return out[0], out[1]

    def _place(self, row: int, col: int) -> tuple[Tensor, Tensor]:
        """Features (1, c, 8, 8) and picture (1, channels, 8, 8) of one place, as the plain network makes them."""
        return self._begin(self._style(row, col), self._own_noise(row, col))

    @torch.inference_mode()
    def _mean_place(self) -> tuple[Tensor, Tensor]:
        """The mean of features and picture over places with random styles and the truncation of the plane."""
        rng, sides = np.random.default_rng(MIDDLE), self._synthesis.shapes[: 2 * COARSE - 1]
        z = torch.from_numpy(rng.standard_normal((MANY, self._z), np.float32)).to(self._device)
        noise = [torch.from_numpy(rng.standard_normal((MANY, 1, side, side), np.float32)) for side in sides]
        styles = self._mapping.truncated(self._mapping(z), self._psi)
        found = self._begin(styles, [values.to(self._device) for values in noise])
        return tuple(part.mean(dim=0, keepdim=True) for part in found)

    def _begin(self, w: Tensor, given: list[Tensor]) -> tuple[Tensor, Tensor]:
        """The coarse levels of the plain network: styles (n, w) and noise to features and picture, (n, …, 8, 8)."""
        net, noise = self._synthesis, iter(given)
        x, picture = net.constant.expand(len(w), -1, -1, -1), None
        for level in list(net.levels.values())[:COARSE]:
            if level.up is not None:
                x = level.up(x, w, next(noise))
            x = level.same(x, w, next(noise))
            own = level.picture(x, w)
            picture = own if picture is None else double(picture, net.taps) + own
        return x, picture

    def _own_noise(self, row: int, col: int) -> list[Tensor]:
        rng = np.random.default_rng([self._seed, OWN, row + FAR, col + FAR])
        sides = self._synthesis.shapes[: 2 * COARSE - 1]
        return [
            torch.from_numpy(rng.standard_normal((1, 1, side, side), np.float32)).to(self._device) for side in sides
        ]

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
        """The style of a place. Its latent is blended from four of a coarser grid, and again standard normal."""
        (first,), (down,) = _between(row, 1, self._patch, smooth=False)
        (start,), (across,) = _between(col, 1, self._patch, smooth=False)
        z, total = np.zeros(self._z, np.float32), np.float32(0)
        for y, vertical in ((first, 1 - down), (first + 1, down)):
            for x, horizontal in ((start, 1 - across), (start + 1, across)):
                weight = vertical * horizontal
                rng = np.random.default_rng([self._seed, STYLE, int(y) + FAR, int(x) + FAR])
                z, total = z + weight * rng.standard_normal(self._z, np.float32), total + weight * weight
        with torch.inference_mode():
            w = self._mapping(torch.from_numpy(z / np.sqrt(total))[None].to(self._device))
            return self._mapping.truncated(w, self._psi)

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


def _between(start: int, count: int, place: int, smooth: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """For each pixel the place whose middle comes before it, and the share of the next place, float32."""
    at = (np.arange(start, start + count) + 0.5) / place - 0.5
    before = np.floor(at).astype(np.int64)
    share = at - before
    return before, (share * share * (3 - 2 * share) if smooth else share).astype(np.float32)


def _cut(x: Tensor, margin: int) -> Tensor:
    return x[:, :, margin : x.shape[2] - margin, margin : x.shape[3] - margin] if margin else x


def _decoded(images: Tensor) -> np.ndarray:
    return ColorEncoding().decode(images.float().cpu().numpy())[0]
