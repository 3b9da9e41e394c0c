"""Known-bad controls for pictures, made of held-out pictures: each keeps something real and breaks the rest."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

BLUR_PX = 2.0  # standard deviation; takes what is finer than a few pixels, leaves the composition
BLOCK_PX = 8  # side of the blocks that are shuffled
CAST = 35.0  # standard deviation of each band's shift, in byte values: a colour cast that anybody sees


def controls(real: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    """All controls of uint8 (N, S, S, 3) pictures, row by row of the same shape, by name."""
    return {
        "noise": noise(real, np.random.default_rng([seed, 1])),
        "blur": blur(real),
        "colors": cast(real, np.random.default_rng([seed, 2])),
        "blocks": shuffle(real, BLOCK_PX, np.random.default_rng([seed, 3])),
        "shuffle": shuffle(real, 1, np.random.default_rng([seed, 4])),
    }


def noise(real: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Noise with each picture's own spectrum and mean colour.

    All bands of a picture are turned by the same random phases, so that they go together as they did.
    """
    bands = np.moveaxis(real, -1, 1).astype(np.float64)
    mean = bands.mean(axis=(2, 3), keepdims=True)
    white = np.fft.rfft2(rng.standard_normal((len(real), 1, *real.shape[1:3])))
    turned = np.fft.rfft2(bands - mean) * white / np.maximum(np.abs(white), 1e-12)
    return _bytes(np.moveaxis(np.fft.irfft2(turned, real.shape[1:3]) + mean, 1, -1))


def blur(real: np.ndarray) -> np.ndarray:
    """Gaussian blur: what a model that averages over what it is unsure of gives."""
    return _bytes(gaussian_filter(real.astype(np.float64), (0, BLUR_PX, BLUR_PX, 0), mode="reflect"))


def cast(real: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A colour cast of its own for each picture; every edge stays in its place."""
    return _bytes(real + rng.normal(0, CAST, (len(real), 1, 1, 3)))


def shuffle(real: np.ndarray, block: int, rng: np.random.Generator) -> np.ndarray:
    """Blocks of `block` pixels a side, each picture's in an order of its own; every colour stays, no place does.

    Where the side is no multiple of `block` the largest divisor below it is taken.
    """
    count, side = real.shape[:2]
    block = max(size for size in range(1, block + 1) if side % size == 0)
    per = side // block
    blocks = real.reshape(count, per, block, per, block, 3).swapaxes(2, 3).reshape(count, per * per, -1)
    order = np.argsort(rng.random((count, per * per)), axis=1)
    blocks = np.take_along_axis(blocks, order[..., None], axis=1)
    return blocks.reshape(count, per, per, block, block, 3).swapaxes(2, 3).reshape(real.shape)


def _bytes(values: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(values, 0, 255)).astype(np.uint8)
