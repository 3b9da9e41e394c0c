"""Sets of pictures of which everyone knows how good they are, to check a yardstick for the 25 known kinds."""

from __future__ import annotations

import cv2
import numpy as np

from tests.benchmarks.modes import COLORS, PAPER, pictures

MISSING = 7  # the kind that one set leaves out


def right(count: int, seed: int) -> dict[str, np.ndarray]:
    """Sets in which each picture is good."""
    real, kinds = pictures(count, seed)
    clean, _ = pictures(count, seed, noise=0)
    firsts = np.array([real[kinds == kind][0] for kind in np.unique(kinds)])
    return {
        "real": real,
        "real without noise": clean,
        "real, blurred by 0.5 px": blurred(real, 0.5),
        "one kind missing": real[kinds != MISSING],
        "one picture of each kind, repeated": np.resize(firsts, real.shape),
    }


def broken(count: int, seed: int) -> dict[str, np.ndarray]:
    """Sets in which no picture is good; each is made from real ones."""
    real, kinds = pictures(count, seed)
    clean, _ = pictures(count, seed, noise=0)
    rng = np.random.default_rng(seed)
    noise = rng.normal(0, 4, real.shape)
    other = np.array([rng.choice(np.flatnonzero(kinds != kind)) for kind in kinds])  # a picture of another kind
    repainted = (kinds % 5 + rng.integers(1, 5, count)) % 5
    between = ((COLORS[kinds % 5] + COLORS[repainted]) / 2)[:, None, None]
    px = real.shape[1]
    left = np.broadcast_to(np.arange(px) < px / 2, (px, px))
    half = np.array([np.rot90(left, turn) for turn in rng.integers(4, size=count)])[..., None]
    is_shape = (clean != PAPER).any(axis=-1, keepdims=True)
    sets = {
        "half a shape": np.where(half, clean, PAPER),
        "mean of two kinds": (clean.astype(float) + clean[other]) / 2,
        "halves of two kinds": np.where(half, clean, clean[other]),
        "two kinds at once": np.minimum(np.roll(clean, -6, axis=2), np.roll(clean[other], 6, axis=2)),
        "colour between two": np.where(is_shape, between, PAPER),
        "pale": PAPER + 0.6 * (clean - float(PAPER)),
        "noise of 40": clean + 10 * noise,
        "blurred by 2 px": blurred(clean, 2),
        "empty": np.full_like(clean, PAPER),
    }
    return {name: np.clip(found + noise, 0, 255).astype(np.uint8) for name, found in sets.items()}


def blurred(shown: np.ndarray, sigma: float) -> np.ndarray:
    """Pictures after a Gaussian blur."""
    return np.array([cv2.GaussianBlur(picture, (0, 0), sigma) for picture in shown])
