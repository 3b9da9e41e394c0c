"""Converts heights in metres to images for a network, and back without loss.

If each tile were scaled to 0..1, a dune and a high mountain would give the same picture. With one scale for all
tiles, the relief of plains would be smaller than the error of a generator. So a tile h is split into its mean m, its
standard deviation s and its shape. Mean and deviation become two numbers, the facts of the tile:

    0: (ln √(s² + floor²) - mean) / std    absolute relief
    1: (asinh(m / bend) - mean) / std      absolute elevation

each with mean 0 and standard deviation 1 over the train split, and the shape becomes an image of standard
deviation sigma_data, E (h - m) scaled. A network learns the distribution of images given facts. The
distribution of the two facts themselves needs no network (`draw`). As channels of the image they would be its
two strongest waves. Diffusion determines strong waves at the highest noise levels, which training visits least.
In an experiment, a short training gave every terrain the same elevation and relief.

E multiplies the wave of k half periods a side (a term of the cosine transform, which has no jump at the
edges) by (1 + k)^emphasis. The amplitude of terrain falls about as k^-2, that of photographs as k^-1. Published
noise levels and losses were tuned on photographs. An emphasis of 1 gives terrain the spectrum of photographs.
Decoding divides the generator's errors in the finest waves by the same factor. The finest waves determine slopes
and streams.

The inverse undoes E and gives the shape exactly the mean and the deviation in the facts. The scale of
the image itself carries no information, so a generated terrain has exactly the requested elevation and relief.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.fft import dctn, idctn

KNOWN = 512  # number of train tiles whose facts `draw` uses
SMOOTHING = (
    0.1  # standard deviations: new facts differ from those of every tile, and their distribution stays nearly the same
)


def known_tiles(count: int) -> np.ndarray:
    """Which of `count` train tiles an encoding keeps as `known`: at most `KNOWN`, evenly spread."""
    return np.unique(np.linspace(0, count - 1, KNOWN).astype(int))


@dataclass(frozen=True)
class HeightEncoding:
    """An exactly invertible map between heights (n, px, px) in metres and images (n, 1, px, px) with facts (n, 2).

    Attributes:
        floor: metres; smaller relief counts as zero relief, so that a flat lake causes no division by zero.
        emphasis: exponent of the filter E.
        bend: metres; much larger elevations are scaled logarithmically, much smaller ones linearly.
        spread_mean, spread_std, mean_mean, mean_std: measured on the train split.
        known: facts of train tiles, evenly spread over the split.
        sigma_data: standard deviation of the image.
    """

    floor: float
    emphasis: float
    bend: float
    spread_mean: float
    spread_std: float
    mean_mean: float
    mean_std: float
    known: list[list[float]]
    sigma_data: float

    channels = 1
    facts = 2

    @classmethod
    def fit(
        cls, chunks: Iterable[np.ndarray], sigma_data: float, floor: float = 0.1, emphasis: float = 1.0
    ) -> HeightEncoding:
        """Measure the train split, given in chunks (n, px, px) of metres, so that it may be larger than memory.

        Raises:
            ValueError: a height is not finite, or there is no tile.
        """
        parts = [_split(heights)[:2] for heights in chunks]
        if not sum(len(mean) for mean, _ in parts):
            raise ValueError("no tiles to measure")
        mean, std = (np.concatenate(columns).ravel() for columns in zip(*parts, strict=True))
        bend = max(float(np.median(np.abs(mean))), 1.0)
        logs, bent = np.log(np.hypot(std, floor)), np.arcsinh(mean / bend)
        # If all tiles are flat or equal, the deviation is zero. Division by 1 then keeps the number at zero.
        scales = [float(values.std()) or 1.0 for values in (logs, bent)]
        facts = np.stack([(logs - logs.mean()) / scales[0], (bent - bent.mean()) / scales[1]], axis=1)
        known = facts[known_tiles(len(facts))]
        return cls(
            floor=floor,
            emphasis=emphasis,
            bend=bend,
            spread_mean=float(logs.mean()),
            spread_std=scales[0],
            mean_mean=float(bent.mean()),
            mean_std=scales[1],
            known=known.round(4).tolist(),
            sigma_data=float(sigma_data),
        )

    def encode(self, heights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(n, px, px) metres to images (n, 1, px, px) and facts (n, 2), float32; ValueError if a height is a void."""
        mean, std, shape = _split(heights)
        image = _scaled(_filter(shape, self.emphasis), self.sigma_data)[:, None].astype(np.float32)
        logs = (np.log(np.hypot(std, self.floor)) - self.spread_mean) / self.spread_std
        bent = (np.arcsinh(mean / self.bend) - self.mean_mean) / self.mean_std
        return image, np.concatenate([logs, bent], axis=1)[:, :, 0].astype(np.float32)

    def decode(self, image: np.ndarray, facts: np.ndarray) -> np.ndarray:
        """(n, 1, px, px) and (n, 2) to (n, px, px) float32 metres. An encoded tile comes back within rounding."""
        shape, (logs, bent) = np.asarray(image, np.float64)[:, 0], np.asarray(facts, np.float64).T[:, :, None, None]
        mean = self.bend * np.sinh(bent * self.mean_std + self.mean_mean)
        spread = np.exp(logs * self.spread_std + self.spread_mean)
        std = np.sqrt(np.maximum(np.square(spread) - self.floor**2, 0.0))
        shape = _filter(shape, -self.emphasis)
        shape -= shape.mean(axis=(1, 2), keepdims=True)
        return (mean + _scaled(shape, std)).astype(np.float32)

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        """Facts (2,) of a new terrain: a smoothed bootstrap of the facts of train tiles."""
        return self.draw_near(rng)[1]

    def draw_near(self, rng: np.random.Generator) -> tuple[int, np.ndarray]:
        """A number of `known`, and facts (2,) of a new terrain near to it.

        The facts of a known tile plus a small random change, scaled so that the variance stays the same (Silverman &
        Young 1987, Biometrika 74(3), section 2).
        """
        known = np.asarray(self.known)
        chosen = int(rng.integers(len(known)))
        moved = known[chosen] + SMOOTHING * known.std(axis=0) * rng.standard_normal(2)
        centre = known.mean(axis=0)
        return chosen, (centre + (moved - centre) / np.sqrt(1 + SMOOTHING**2)).astype(np.float32)

    def to_dict(self) -> dict[str, Any]:
        """The JSON values that `config.json` keeps."""
        return {"kind": "height", **asdict(self)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> HeightEncoding:
        """The encoding from the values of `to_dict`; ValueError if they describe another kind."""
        values = dict(values)
        kind = values.pop("kind", None)
        if kind != "height":
            raise ValueError(f"encoding {kind!r} is not known here; known: height")
        return cls(**values)


def _split(heights: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean (n, 1, 1), standard deviation (n, 1, 1) and the rest (n, px, px), in float64."""
    heights = np.asarray(heights, np.float64)
    if not np.isfinite(heights).all():
        raise ValueError("a height is not a finite number; tiles with voids cannot be encoded")
    mean = heights.mean(axis=(1, 2), keepdims=True)
    rest = heights - mean
    rest -= rest.mean(axis=(1, 2), keepdims=True)  # removes the rounding error of a mean of thousands of metres
    return mean, np.sqrt(np.square(rest).mean(axis=(1, 2), keepdims=True)), rest


def _scaled(shape: np.ndarray, std: np.ndarray | float) -> np.ndarray:
    """(n, h, w) with the root mean square `std` for each image; an all-zero shape stays zero."""
    rms = np.sqrt(np.square(shape).mean(axis=(1, 2), keepdims=True))
    return shape * np.divide(std, rms, out=np.zeros_like(rms), where=rms > 0)


def _filter(shape: np.ndarray, exponent: float) -> np.ndarray:
    """Multiply every wave of (n, h, w) by (1 + k)^exponent, k = √(i² + j²) half periods a side."""
    k = np.hypot(*np.meshgrid(*map(np.arange, shape.shape[1:]), indexing="ij"))
    waves = dctn(shape, axes=(1, 2), norm="ortho")
    waves *= (1 + k) ** exponent
    return idctn(waves, axes=(1, 2), norm="ortho")
