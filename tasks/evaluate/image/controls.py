"""Known-bad controls made from held-out pictures. Each control keeps one real property and breaks the rest."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

BLUR_PX = 2.0  # standard deviation; removes details of a few pixels, keeps the composition
BLOCK_PX = 8  # side of the blocks that are shuffled
QUALITY = 10  # of JPEG, of 100: blocks of 8 pixels and coarse colours can be seen
CAST = 35.0  # standard deviation of each band's shift, in byte values: an obvious colour cast


def controls(real: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    """All controls by name, of pictures uint8 (N, S, S, 3). Row i of a control comes from picture i."""
    return {
        "noise": noise(real, np.random.default_rng([seed, 1])),
        "blur": blur(real),
        "jpeg": jpeg(real),
        "colors": cast(real, np.random.default_rng([seed, 2])),
        "blocks": shuffle(real, BLOCK_PX, np.random.default_rng([seed, 3])),
        "shuffle": shuffle(real, 1, np.random.default_rng([seed, 4])),
    }


def noise(real: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Noise with each picture's own spectrum and mean colour.

    The same random phases rotate all bands of a picture, so the correlation between bands is kept.
    """
    bands = np.moveaxis(real, -1, 1).astype(np.float64)
    mean = bands.mean(axis=(2, 3), keepdims=True)
    white = np.fft.rfft2(rng.standard_normal((len(real), 1, *real.shape[1:3])))
    turned = np.fft.rfft2(bands - mean) * white / np.maximum(np.abs(white), 1e-12)
    return _bytes(np.moveaxis(np.fft.irfft2(turned, real.shape[1:3]) + mean, 1, -1))


def blur(real: np.ndarray) -> np.ndarray:
    """Gaussian blur. A model that averages over uncertain details gives such pictures."""
    return _bytes(gaussian_filter(real.astype(np.float64), (0, BLUR_PX, BLUR_PX, 0), mode="reflect"))


def jpeg(real: np.ndarray) -> np.ndarray:
    """Pictures after JPEG of a low quality. A model that learns the artefacts of its data gives such pictures."""
    out = np.empty_like(real)
    for index, picture in enumerate(real):
        stream = io.BytesIO()
        Image.fromarray(picture).save(stream, "JPEG", quality=QUALITY)
        out[index] = np.asarray(Image.open(stream))
    return out


def cast(real: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Shift the colours of each picture by a random cast. The edges do not move."""
    return _bytes(real + rng.normal(0, CAST, (len(real), 1, 1, 3)))


def shuffle(real: np.ndarray, block: int, rng: np.random.Generator) -> np.ndarray:
    """Shuffle blocks of `block` pixels a side within each picture. The colours are kept, their places change.

    If the side is not a multiple of `block`, the block is the largest smaller divisor of the side.
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
