"""Converts a shaded colour map and its heights to images for a network, and back without loss.

Colours go to -1..1. Heights become asinh(h / bend), because most ground is low and a linear scale would use most of
its range for a few high peaks. They are then divided so that the train split fills -1..1. Negative heights have the
same scale, and 0 stays 0.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

MARGIN = 1.05  # the highest ground of the train split becomes 1 / MARGIN, where tanh still has a gradient


@dataclass(frozen=True)
class ColorHeightEncoding:
    """Colours uint8 (n, h, w, 3) and heights float32 (n, h, w) metres, to and from images in -1..1.

    Attributes:
        bend: metres; much larger heights are scaled logarithmically, much smaller ones linearly.
        reach: the value of asinh(height / bend) that is encoded as 1.
        gsd: metres per pixel. slope: root mean square of the train split's slopes, metres per metre.
    """

    bend: float
    reach: float
    gsd: float
    slope: float

    @classmethod
    def fit(cls, chunks: Iterable[np.ndarray], gsd: float) -> ColorHeightEncoding:
        """Measure the heights of the train split, in chunks (n, h, w) of metres, so they may exceed memory.

        Raises:
            ValueError: a height is not finite, or there is no tile.
        """
        middles, top, squares, counted = [], 0.0, 0.0, 0
        for heights in chunks:
            heights = np.asarray(heights, np.float64)
            if not np.isfinite(heights).all():
                raise ValueError("a height is not a finite number; tiles with voids cannot be encoded")
            middles.append(np.abs(heights).mean(axis=(1, 2)))
            top = max(top, float(np.abs(heights).max(initial=0)))
            for axis in (1, 2):
                rise = np.diff(heights, axis=axis) / gsd
                squares, counted = squares + float(np.square(rise).sum()), counted + rise.size
        if not middles:
            raise ValueError("no tiles to measure")
        bend = max(float(np.median(np.concatenate(middles))), 1.0)
        slope = math.sqrt(squares / max(counted, 1))
        # Flat data has no scale. It stays flat with any number.
        return cls(bend, MARGIN * math.asinh(top / bend) or 1.0, float(gsd), slope or 1.0)

    def encode(self, color: np.ndarray, height: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """To float32 (n, 3, h, w) and (n, 1, h, w); ValueError if a height is a void."""
        if not np.isfinite(height).all():
            raise ValueError("a height is not a finite number; tiles with voids cannot be encoded")
        bent = np.arcsinh(np.asarray(height, np.float64) / self.bend) / self.reach
        colors = np.moveaxis(color, -1, 1).astype(np.float32) / np.float32(127.5) - np.float32(1)
        return colors, bent[:, None].astype(np.float32)

    def decode(self, image: np.ndarray, height: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """To uint8 (n, h, w, 3) and float32 (n, h, w) metres. Encoded values come back within float32 rounding."""
        colors = np.clip(np.rint((np.moveaxis(image, 1, -1) + np.float32(1)) * np.float32(127.5)), 0, 255)
        metres = self.bend * np.sinh(np.asarray(height, np.float64)[:, 0] * self.reach)
        return colors.astype(np.uint8), metres.astype(np.float32)

    def metres(self, height: Tensor) -> Tensor:
        """Heights in -1..1 to metres, with gradients."""
        return self.bend * torch.sinh(height.float() * self.reach)

    def to_dict(self) -> dict[str, Any]:
        """The JSON values that `config.json` keeps."""
        return {"kind": "color_height", **asdict(self)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> ColorHeightEncoding:
        """The encoding from the values of `to_dict`; ValueError if they describe another kind."""
        values = dict(values)
        kind = values.pop("kind", None)
        if kind != "color_height":
            raise ValueError(f"encoding {kind!r} does not paint; wanted: color_height")
        return cls(**values)
