"""How heights in metres become what a network learns, and back without loss.

Scaling each tile to 0..1 makes a dune and an Alp the same picture, and one scale for all tiles buries
the plains in the noise that a generator leaves. So a tile h is split into what it is made of,

    m = mean height,   s = sqrt(var(h) + floor²),   u = (h - m) / s,

and encoded as an image, the shape u times sigma_data / c, and two numbers, the facts of the tile:

    0: (ln s - mean) / std              absolute relief
    1: (asinh(m / bend) - mean) / std   absolute elevation

each with mean 0 and standard deviation 1 over the train split. A network learns the distribution of
images given facts; the two facts' own distribution needs none (`draw`). As channels of the image they
would be its two strongest waves, which a noise process settles at its highest, least trained levels:
tried, a short training gave every terrain one elevation and one relief.

The inverse gives the shape exactly the mean and the spread that the facts name. For the encoding of a
tile that changes nothing, because its shape has mean zero and variance 1 - floor²/s² by definition; a
generated image it makes as high and as steep as it was asked to be.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

KNOWN = 512  # facts of so many train tiles are kept to draw from


@dataclass(frozen=True)
class HeightEncoding:
    """An exactly invertible map between heights (n, px, px) in metres and images (n, 1, px, px) with facts (n, 2).

    Attributes:
        floor: metres; relief below it is nothing (a lake stays a lake, and is no division by zero).
        bend: metres; elevations well above it count by their logarithm, well below as they are.
        shape_std, spread_mean, spread_std, mean_mean, mean_std: measured on the train split.
        known: facts of train tiles, evenly over the split.
        sigma_data: standard deviation of the image.
    """

    floor: float
    bend: float
    shape_std: float
    spread_mean: float
    spread_std: float
    mean_mean: float
    mean_std: float
    known: list[list[float]]
    sigma_data: float

    channels = 1
    facts = 2

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
        logs, bent = np.log(spread), np.arcsinh(mean / bend)
        # Tiles that are all flat or all alike leave no spread to divide by; 1 keeps such a number at zero.
        scales = [float(values.std()) or 1.0 for values in (logs, bent)]
        facts = np.stack([(logs - logs.mean()) / scales[0], (bent - bent.mean()) / scales[1]], axis=1)
        known = facts[np.unique(np.linspace(0, len(facts) - 1, KNOWN).astype(int))]
        return cls(
            floor=floor,
            bend=bend,
            shape_std=float(np.sqrt(np.mean(1 - floor**2 / spread**2))) or 1.0,
            spread_mean=float(logs.mean()),
            spread_std=scales[0],
            mean_mean=float(bent.mean()),
            mean_std=scales[1],
            known=known.round(4).tolist(),
            sigma_data=float(sigma_data),
        )

    def encode(self, heights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(n, px, px) metres to images (n, 1, px, px) and facts (n, 2), float32; ValueError at a void."""
        mean, spread, shape = _split(heights, self.floor)
        image = (shape[:, None] * (self.sigma_data / self.shape_std)).astype(np.float32)
        logs = (np.log(spread) - self.spread_mean) / self.spread_std
        bent = (np.arcsinh(mean / self.bend) - self.mean_mean) / self.mean_std
        return image, np.concatenate([logs, bent], axis=1)[:, :, 0].astype(np.float32)

    def decode(self, image: np.ndarray, facts: np.ndarray) -> np.ndarray:
        """(n, 1, px, px) and (n, 2) to (n, px, px) float32 metres: an encoded tile within rounding."""
        shape, (logs, bent) = np.asarray(image, np.float64)[:, 0], np.asarray(facts, np.float64).T[:, :, None, None]
        mean = self.bend * np.sinh(bent * self.mean_std + self.mean_mean)
        spread = np.exp(logs * self.spread_std + self.spread_mean)
        shape = shape - shape.mean(axis=(1, 2), keepdims=True)
        rms = np.sqrt(np.square(shape).mean(axis=(1, 2), keepdims=True))
        std = np.sqrt(np.maximum(np.square(spread) - self.floor**2, 0.0))
        return (mean + std * np.divide(shape, rms, out=np.zeros_like(shape), where=rms > 0)).astype(np.float32)

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        """Facts (2,) of a terrain that might be: a smoothed bootstrap of the train tiles'.

        A known tile's facts, moved by a Gaussian of the bandwidth h of Silverman's rule and shrunk back so
        that the spread stays what it was (Silverman & Young 1987, Biometrika 74(3), section 2).
        """
        known = np.asarray(self.known)
        h = len(known) ** (-1 / 6)
        moved = known[rng.integers(len(known))] + h * known.std(axis=0) * rng.standard_normal(2)
        centre = known.mean(axis=0)
        return (centre + (moved - centre) / np.sqrt(1 + h**2)).astype(np.float32)

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
    rest -= rest.mean(axis=(1, 2), keepdims=True)  # the rounding of a mean of thousands of metres
    spread = np.sqrt(np.square(rest).mean(axis=(1, 2), keepdims=True) + floor**2)
    return mean, spread, rest / spread
