"""The interface of a finished model, by product. Code outside `models` depends only on `product`.

| product | the model makes |
|---|---|
| `heights` | heights in metres, from noise and conditions |
| `painting` | texture, shaded terrain and heights, from class maps |
| `image` | RGB pictures, from noise and conditions |
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

Conditions = Mapping[str, np.ndarray]
"""Name to array, one entry per sample along the first axis; see `models.core.conditions`."""


class FinishedModel(Protocol):
    """The attributes of every finished model.

    Attributes:
        config: `config.json`.
        product: `heights`, `painting` or `image`.
        px: side of a sample in pixels.
        gsd: metres per pixel; None if the data has no scale on the ground.
        classes: classes of its input maps, each {id, name, red, green, blue}, ids from 0; empty if it takes no maps.
        conditions: names of the conditions that it takes.
    """

    config: dict[str, Any]
    product: str
    px: int
    gsd: float | None
    classes: list[dict[str, Any]]
    conditions: tuple[str, ...]


class HeightsModel(FinishedModel, Protocol):
    """A model that makes heights.

    Attributes:
        evaluations: numbers of network evaluations that it can sample with, ascending.
    """

    evaluations: tuple[int, ...]

    def sample(
        self, indices: Sequence[int] | np.ndarray, seed: int, steps: int = 1, conditions: Conditions | None = None
    ) -> np.ndarray:
        """Heights of the samples `indices` of `seed`, float32 (n, px, px) metres.

        A sample depends on the model, the seed, its index, `steps` and its own conditions. It does not depend on other
        samples.

        Raises:
            ValueError: `steps` is not one of `evaluations`, a condition is unknown or has a wrong shape, or an index is
                negative.
        """
        ...


class ImageModel(FinishedModel, Protocol):
    """A model that makes pictures.

    Attributes:
        evaluations: as in `HeightsModel`.
    """

    evaluations: tuple[int, ...]

    def sample(
        self, indices: Sequence[int] | np.ndarray, seed: int, steps: int = 1, conditions: Conditions | None = None
    ) -> np.ndarray:
        """Pictures of the samples `indices` of `seed`, uint8 (n, px, px, 3) sRGB; else as `HeightsModel.sample`."""
        ...


@dataclass(frozen=True)
class Painted:
    """Paintings of n class maps.

    Attributes:
        texture: uint8 (n, h, w, 3), without light and shadow.
        shaded: uint8 (n, h, w, 3), the texture with the light and shadow of the training data.
        height: float32 (n, h, w) metres.
    """

    texture: np.ndarray
    shaded: np.ndarray
    height: np.ndarray


class PaintingModel(FinishedModel, Protocol):
    """A model that paints class maps of any size.

    Attributes:
        stride: both sides of a map must be multiples of it.
    """

    stride: int

    def paint(self, labels: np.ndarray, seed: int, noise: float = 1.0) -> Painted:
        """Paint class maps, uint8 (n, h, w), 255 for no class.

        Args:
            noise: factor on the noise of each pixel; with 0 the painting has no noise per pixel.
        Raises:
            ValueError: a side is not a multiple of `stride`, or a map has a class that the model does not have.
        """
        ...
