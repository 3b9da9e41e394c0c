"""How heights in metres become an image a network can learn, and back without loss.

Scaling each tile to 0..1 makes a dune and an Alp the same picture, and one scale for all tiles buries
the plains in the noise that a generator leaves. So a tile is split into what it is made of:

    m = mean height,   s = sqrt(var(h) + floor²),   u = (h - m) / s

and encoded as three channels, the shape u and two constant planes:

    0: sigma_data · u / c              shape; its standard deviation is sigma_data over the train split
    1: plane · (ln s - s_mean) / s_std           absolute relief
    2: plane · (asinh(m / b) - m_mean) / m_std   absolute elevation

A plane is one number spread over px² pixels, which averaging sees through noise that hides everything
else. Its standard deviation is therefore `plane` = sigma_data / 4: at full scale the planes would still
stand out of the noise at sigma_max, where sampling starts from noise alone, and they would take two
thirds of the loss for two numbers.

The inverse averages each plane, and gives the shape exactly the mean and the spread that the planes name.
For the encoding of a tile that changes nothing, because the shape of a tile has mean zero and variance
1 - floor²/s² by definition; for a generated image it decides which of two contradicting channels counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

PLANE = 0.25  # standard deviation of the two planes over sigma_data


@dataclass(frozen=True)
class HeightEncoding:
    """An exactly invertible map between heights (n, px, px) in metres and images (n, 3, px, px).

    Attributes:
        floor: metres; relief below it is nothing (a lake stays a lake, and is no division by zero).
        bend: metres b; elevations well above count by their logarithm, below as they are.
        shape_std, spread_mean, spread_std, mean_mean, mean_std: measured on the train split.
        sigma_data: standard deviation of the encoded shape.
    """

    floor: float
    bend: float
    shape_std: float
    spread_mean: float
    spread_std: float
    mean_mean: float
    mean_std: float
    sigma_data: float

    channels = 3

    @classmethod
    def fit(cls, chunks: Iterable[np.ndarray], sigma_data: float, floor: float = 0.1) -> HeightEncoding:
        """Measure the train split, given in chunks (n, px, px) of metres so that it need not fit in memory.

        Raises:
            ValueError: a height is not finite, or there is no tile.
        """
        parts = [_split(heights, floor)[:2] for heights in chunks]
        if not sum(len(mean) for mean, _ in parts):
            raise ValueError("no tiles to measure")
        mean, spread = (np.concatenate(columns).ravel() for columns in zip(*parts, strict=True))
        bend = max(float(np.median(np.abs(mean))), 1.0)
        bent, logs = np.arcsinh(mean / bend), np.log(spread)
        # Tiles that are all flat or all alike leave no spread to divide by; 1 keeps such a channel at zero.
        shape_std = float(np.sqrt(np.mean(1 - floor**2 / spread**2))) or 1.0
        return cls(
            floor=floor,
            bend=bend,
            shape_std=shape_std,
            spread_mean=float(logs.mean()),
            spread_std=float(logs.std()) or 1.0,
            mean_mean=float(bent.mean()),
            mean_std=float(bent.std()) or 1.0,
            sigma_data=float(sigma_data),
        )

    def encode(self, heights: np.ndarray) -> np.ndarray:
        """(n, px, px) metres to (n, 3, px, px) float32. ValueError where a height is not finite."""
        mean, spread, shape = _split(heights, self.floor)
        image = np.empty((len(shape), self.channels, *shape.shape[1:]), np.float32)
        plane = PLANE * self.sigma_data
        image[:, 0] = shape * (self.sigma_data / self.shape_std)
        image[:, 1] = plane * (np.log(spread) - self.spread_mean) / self.spread_std
        image[:, 2] = plane * (np.arcsinh(mean / self.bend) - self.mean_mean) / self.mean_std
        return image

    def decode(self, image: np.ndarray) -> np.ndarray:
        """(n, 3, px, px) to (n, px, px) float32 metres: of an encoded tile, that tile within rounding."""
        image = np.asarray(image, np.float64)
        shape, logs, bent = image[:, 0], *image[:, 1:].mean(axis=(2, 3), keepdims=True).swapaxes(0, 1)
        plane = PLANE * self.sigma_data
        mean = self.bend * np.sinh(bent * self.mean_std / plane + self.mean_mean)
        spread = np.exp(logs * self.spread_std / plane + self.spread_mean)
        shape = shape - shape.mean(axis=(1, 2), keepdims=True)
        rms = np.sqrt(np.square(shape).mean(axis=(1, 2), keepdims=True))
        std = np.sqrt(np.maximum(np.square(spread) - self.floor**2, 0.0))
        return (mean + std * np.divide(shape, rms, out=np.zeros_like(shape), where=rms > 0)).astype(np.float32)

    def to_dict(self) -> dict[str, Any]:
        """What `config.json` keeps."""
        return {"kind": "height", **asdict(self)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> HeightEncoding:
        """The encoding that `to_dict` described; ValueError where it is of another kind."""
        values = dict(values)
        kind = values.pop("kind", None)
        if kind != "height":
            raise ValueError(f"encoding {kind!r} is not known here; known: height")
        return cls(**values)


def _split(heights: np.ndarray, floor: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean (n, 1, 1), floored spread (n, 1, 1) and shape (n, px, px), in float64."""
    heights = np.asarray(heights, np.float64)
    if not np.isfinite(heights).all():
        raise ValueError("a height is not a finite number; tiles with voids cannot be encoded")
    mean = heights.mean(axis=(1, 2), keepdims=True)
    rest = heights - mean
    rest -= rest.mean(axis=(1, 2), keepdims=True)  # rounding of a mean of thousands of metres, gone
    spread = np.sqrt(np.square(rest).mean(axis=(1, 2), keepdims=True) + floor**2)
    return mean, spread, rest / spread
