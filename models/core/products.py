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
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

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


class Words(Protocol):
    """The words of a model that takes texts.

    Attributes:
        identity: JSON values that name the encoder of texts and everything that determines its codes.
    """

    identity: dict[str, Any]

    def unknown(self, text: str) -> list[str]:
        """The words of `text` that the model never saw in training; they do not steer, or steer by likeness alone."""
        ...


class HeightsModel(FinishedModel, Protocol):
    """A model that makes heights.

    Attributes:
        evaluations: numbers of network evaluations that it can sample with, ascending.
        words: the words that it knows; None if it takes no texts.
        coarse_px: side of the blocks of the condition `coarse`, in pixels; None if it does not take it.
        most_guidance: largest strength of guidance that it takes; None if it takes any.
    """

    evaluations: tuple[int, ...]
    words: Words | None
    coarse_px: int | None
    most_guidance: float | None

    def sample(
        self,
        indices: Sequence[int] | np.ndarray,
        seed: int,
        steps: int = 1,
        conditions: Conditions | None = None,
        guidance: float = 1.0,
    ) -> np.ndarray:
        """Heights of the samples `indices` of `seed`, float32 (n, px, px) metres.

        A sample depends on the model, the seed, its index, `steps` and its own conditions. It does not depend on other
        samples.

        Args:
            conditions: any subset of the model's `conditions`. Known heights come back unchanged, and the means of
                blocks of coarse heights come back within rounding. Relief and elevation follow texts, coarse and known
                heights.
            guidance: strength of guidance by words, at least 1. With 1, samples are as varied as the training tiles of
                such words; a larger value follows the words more closely.
        Raises:
            ValueError: `steps` is not one of `evaluations`, a condition is unknown or has a wrong shape, the guidance
                is out of range, or an index is negative.
        """
        ...

    def captions_near(
        self,
        indices: Sequence[int] | np.ndarray,
        seed: int,
        conditions: Conditions | None = None,
        guidance: float = 1.0,
    ) -> list[str | None]:
        """The caption of a train tile that each of these samples gets because nothing is asked; else None."""
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


class Plane(Protocol):
    """A picture without end, evaluated in square windows. Rows and columns count from 0.

    Attributes:
        side: pixels of a window. place: pixels from one place with a latent of its own to the next. Places meet at
            the rows and columns that are multiples of it.
    """

    side: int
    place: int

    def window(self, row: int, col: int) -> np.ndarray:
        """The window with its corner at pixel (row · side, col · side), uint8 (side, side, 3).

        It depends on the model, the seed, the truncation, `row` and `col`, and on no other window.
        """
        ...

    def alone(self, row: int, col: int) -> np.ndarray:
        """The plain picture of one place's latent, without its surroundings, uint8 (px, px, 3)."""
        ...


class LatentSpace(Protocol):
    """The space of the latents that a model makes pictures from. A model has it as the attribute `latent`.

    Attributes:
        abilities: what the space supports, see `Config.latent` (`models.core.config`).
        width: numbers of a point. layers: styles of a picture; 1 if the whole picture has one.
        px: side of a picture.
        name: `W` or `z`.
    """

    abilities: tuple[str, ...]
    width: int
    layers: int
    px: int
    name: str

    def points(self, indices: Sequence[int] | np.ndarray, seed: int) -> np.ndarray:
        """The points that the samples `indices` of `seed` are made from, float32 (n, width)."""
        ...

    def mean(self) -> np.ndarray:
        """The mean of all points, float32 (width,)."""
        ...

    def fit(self, points: np.ndarray) -> np.ndarray:
        """Blends of points (…, width), moved to where points of samples lie."""
        ...

    def noise(self, index: int, seed: int) -> list[Tensor]:
        """The noise that sample `index` of `seed` has beside its point; empty if the model has none."""
        ...

    def images(self, points: Tensor, noise: list[Tensor]) -> Tensor:
        """Points (n, layers, width) to pictures (n, 3, px, px), about -1..1, with gradients."""
        ...

    def plane(self, seed: int, truncation: float, places: int, patch: int) -> Plane:
        """A picture without end whose windows have `places` × `places` places; for spaces with `plane`.

        Args:
            patch: places from one independent latent to the next.
        """
        ...


def latent_space(model: FinishedModel) -> LatentSpace | None:
    """The latent space of a model, or None if it has none that can be explored."""
    return getattr(model, "latent", None)
