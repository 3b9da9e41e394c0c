"""The weights of a model that comes with the repository: as they are, or in half precision if they are too large."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file

from models.core.tensor_file import write_tensors
from tasks.core.errors import LandloomError

MOST = 4_000_000
"""Bytes of weights that a clone of the repository carries for each model."""


@dataclass(frozen=True)
class Written:
    """Facts of the written file: number of weights, bytes, and whether they were rounded to half precision."""

    count: int
    bytes: int
    half: bool


def write_weights(source: Path, target: Path, most: int = MOST) -> Written:
    """Write the weights of `source` to `target`, in half precision if they take more than `most` bytes.

    Raises:
        LandloomError: the file is damaged, holds a number that is not finite, or is too large in half precision too.
    """
    try:
        weights = load_file(source)
    except (SafetensorError, OSError) as error:
        raise LandloomError(f"{source}: not weights that can be read: {error}") from None
    count = sum(value.size for value in weights.values())
    half = source.stat().st_size > most
    if half:
        with np.errstate(over="ignore"):  # an overflow becomes infinite, which is refused below
            weights = {name: _rounded(value) for name, value in weights.items()}
    for name, value in weights.items():
        if np.issubdtype(value.dtype, np.floating) and not np.isfinite(value).all():
            raise LandloomError(f"{source}: {name} holds numbers that are not finite" + " in half precision" * half)
    write_tensors(target, weights)
    size = target.stat().st_size
    if size > most:
        raise LandloomError(
            f"{source}: {count:,} weights take {size:,} bytes in half precision, and a model of the repository has at "
            f"most {most:,}; train fewer channels"
        )
    return Written(count, size, half)


def _rounded(value: np.ndarray) -> np.ndarray:
    return value.astype(np.float16) if value.dtype == np.float32 else value
