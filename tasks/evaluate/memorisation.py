"""Does the model repeat its training tiles? The search finds copies in every flip and quarter turn.

The search compares thumbnails of at most 16 pixels a side, with their mean removed, in all eight flips and
quarter turns. The distance is

    d²(a, b) = (mean (a - b)² + 2 ε²) / (mean a² + mean b² + 2 ε²)

which is 0 for a copy, 1 for unrelated tiles, and 1 for tiles flatter than ε. Two plains (or two clear skies) that
look alike prove nothing. The medium sets ε. The same search for held-out tiles gives the distances by chance. The
search does not find shifted or stretched copies.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SIDE = 16
TAIL = 0.01  # a generated tile is suspicious below this quantile of the held-out tiles' distances
CHUNK = 4096  # training tiles searched at once


@dataclass(frozen=True)
class Nearest:
    """For each of N tiles: distance to the nearest training tile, row of that training tile, and matching pose.

    `pose(tile, poses[i])` has the orientation of training tile `rows[i]`.
    """

    distances: np.ndarray
    rows: np.ndarray
    poses: np.ndarray


def thumbnails(tiles: np.ndarray) -> np.ndarray:
    """Block means with s pixels a side, minus their mean; s is the largest divisor of S up to 16.

    Args:
        tiles: (N, …, S, S); each entry of the axes between (such as bands) loses its own mean.

    Returns:
        float64 (N, …, s, s) in the tiles' unit.
    """
    *lead, px = tiles.shape[:-1]
    side = max(size for size in range(1, SIDE + 1) if px % size == 0)
    small = tiles.reshape(*lead, side, px // side, side, px // side).mean(axis=(-3, -1), dtype=np.float64)
    return small - small.mean(axis=(-2, -1), keepdims=True)


def pose(tile: np.ndarray, which: int) -> np.ndarray:
    """One of the eight flips and quarter turns of the last two axes; 0 changes nothing."""
    flipped = tile[..., ::-1] if which >= 4 else tile
    return np.rot90(flipped, which % 4, axes=(-2, -1))


def nearest(tiles: np.ndarray, train: np.ndarray, epsilon: float) -> Nearest:
    """Search `train` for each of `tiles`; both are thumbnails, (N, …, s, s) and (M, …, s, s)."""
    turned = np.stack([pose(tiles, which) for which in range(8)], axis=1).reshape(len(tiles) * 8, -1)
    own = (turned**2).mean(axis=1)
    best, rows = np.full(len(turned), np.inf), np.zeros(len(turned), int)
    for start in range(0, len(train), CHUNK):
        part = train[start : start + CHUNK].reshape(len(train[start : start + CHUNK]), -1)
        energy = own[:, None] + (part**2).mean(axis=1)
        apart = energy - 2 * (turned @ part.T) / part.shape[1]
        squared = (np.maximum(apart, 0) + 2 * epsilon**2) / (energy + 2 * epsilon**2)
        at = squared.argmin(axis=1)
        value = squared[np.arange(len(turned)), at]
        nearer = value < best
        best, rows = np.where(nearer, value, best), np.where(nearer, at + start, rows)
    best, rows = best.reshape(-1, 8), rows.reshape(-1, 8)
    poses = best.argmin(axis=1)
    take = np.arange(len(tiles)), poses
    return Nearest(np.sqrt(best[take]), rows[take], poses)


def judge(generated: Nearest, held_out: Nearest) -> dict[str, float | int]:
    """Numbers for one generated set.

    Returns:
        `ratio`: median distance of generated over that of held-out tiles; well below 1 means repetition.
        `suspicious_share`: share of generated tiles nearer than `threshold`, the 1 % quantile of held-out
        distances; `expected_share` is the share by chance. `copies`: number of tiles at less than half the
        distance of the nearest held-out tile.
    """
    threshold = float(np.quantile(held_out.distances, TAIL))
    return {
        "median": float(np.median(generated.distances)),
        "held_out_median": float(np.median(held_out.distances)),
        "ratio": float(np.median(generated.distances) / np.median(held_out.distances)),
        "nearest": float(generated.distances.min()),
        "held_out_nearest": float(held_out.distances.min()),
        "threshold": threshold,
        "suspicious_share": float((generated.distances < threshold).mean()),
        "expected_share": TAIL,
        "copies": int((generated.distances < held_out.distances.min() / 2).sum()),
    }
