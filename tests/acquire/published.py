"""Pictures for the servers of tests: real scans and photographs where they are, drawn ones otherwise."""

from __future__ import annotations

import io
from functools import cache

import numpy as np
from PIL import Image

from tests.conftest import REALDATA


@cache
def scans(count: int) -> tuple[bytes, ...]:
    """JPEG files of maps, the same ones each time."""
    real = sorted((REALDATA / "maps/gutenberg").glob("*.jp*g"))[:count]
    return tuple([path.read_bytes() for path in real] + [drawn(seed) for seed in range(count - len(real))])


@cache
def photographs(count: int) -> tuple[bytes, ...]:
    """JPEG files of landscapes, the same ones each time."""
    real = sorted((REALDATA / "photos/gutenberg_DERIVED").glob("*.jp*g"))[:count]
    return tuple([path.read_bytes() for path in real] + [drawn(seed, 300) for seed in range(count - len(real))])


@cache
def drawn(seed: int, width: int = 400) -> bytes:
    """A JPEG file of soft colours, `width` by 3/4 of it."""
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 256, (6, 8, 3), np.uint8))
    return encoded(small.resize((width, width * 3 // 4), Image.Resampling.BICUBIC))


def encoded(image: Image.Image) -> bytes:
    """A picture as JPEG."""
    body = io.BytesIO()
    image.convert("RGB").save(body, "JPEG", quality=85)
    return body.getvalue()


def size_of(body: bytes) -> tuple[int, int]:
    """Width and height of an encoded picture."""
    return Image.open(io.BytesIO(body)).size
