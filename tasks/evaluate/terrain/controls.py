"""Known-bad controls, made from held-out tiles. A metric that works must put them far from real terrain.

Each control keeps one property of real tiles and breaks the rest, so that this property alone cannot give a low score.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

from tasks.relief.spectrum import FLOOR, detrend, radial_power, spectral_noise

BLUR_PX = 2.0  # standard deviation; removes valleys of a few pixels, keeps mountains and plains
BLOCK_PX = 8  # side of the blocks that are shuffled


def controls(real: np.ndarray, gsd: float, seed: int) -> dict[str, np.ndarray]:
    """All controls by name, of heights (N, S, S) in metres. Row i of a control comes from tile i."""
    return {
        "noise": noise(real, gsd, np.random.default_rng([seed, 1])),
        "noise_tile": noise_tile(real, gsd, np.random.default_rng([seed, 2])),
        "blur": blur(real),
        "blocks": shuffle(real, BLOCK_PX, np.random.default_rng([seed, 3])),
        "shuffle": shuffle(real, 1, np.random.default_rng([seed, 4])),
    }


def noise(real: np.ndarray, gsd: float, rng: np.random.Generator) -> np.ndarray:
    """Random-phase fractal noise with the tiles' average spectrum, and each tile's relief and lowest height.

    A good fractal generator gives such tiles. The average is over logarithms of spectra of equal variance, so
    neither mountains nor a few rough plains dominate it.
    """
    power = _power(real, gsd)
    variance = power.sum(axis=1, keepdims=True)
    shape = np.exp(np.log(power / variance).mean(axis=0))
    return _at_relief(spectral_noise(variance * shape / shape.sum(), gsd, rng), real)


def noise_tile(real: np.ndarray, gsd: float, rng: np.random.Generator) -> np.ndarray:
    """Random-phase noise with each tile's own spectrum, tilt, relief and lowest height.

    This is the best result that spectrum, relief and altitude of every single tile can give. Only the phases are
    random, so the terrain has no drainage, and valleys are ridges upside down. No generator knows this much about
    a tile.
    """
    return _at_relief(real - detrend(real) + spectral_noise(_power(real, gsd), gsd, rng), real)


def _power(real: np.ndarray, gsd: float) -> np.ndarray:
    return radial_power(real, gsd)[1] + (FLOOR * gsd) ** 2


def _at_relief(field: np.ndarray, real: np.ndarray) -> np.ndarray:
    """The field, scaled and shifted to each real tile's lowest and highest height."""
    low, relief = real.min(axis=(1, 2), keepdims=True), np.ptp(real, axis=(1, 2), keepdims=True)
    field = field - field.min(axis=(1, 2), keepdims=True)
    return (low + field * (relief / np.maximum(field.max(axis=(1, 2), keepdims=True), 1e-12))).astype(np.float32)


def blur(real: np.ndarray) -> np.ndarray:
    """Gaussian blur. A model that averages over uncertain details gives such tiles."""
    return gaussian_filter(real, (0, BLUR_PX, BLUR_PX), mode="reflect").astype(np.float32)


def shuffle(real: np.ndarray, block: int, rng: np.random.Generator) -> np.ndarray:
    """Shuffle blocks of `block` pixels a side within each tile. The heights are kept, their places change.

    If the side is not a multiple of `block`, the block is the largest smaller divisor of the side.
    """
    count, side = real.shape[0], real.shape[-1]
    block = max(size for size in range(1, block + 1) if side % size == 0)
    per = side // block
    blocks = real.reshape(count, per, block, per, block).swapaxes(2, 3).reshape(count, per * per, block * block)
    order = np.argsort(rng.random((count, per * per)), axis=1)
    blocks = np.take_along_axis(blocks, order[..., None], axis=1)
    return blocks.reshape(count, per, per, block, block).swapaxes(2, 3).reshape(real.shape)
