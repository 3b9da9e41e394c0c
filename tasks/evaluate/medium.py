"""Description of a kind of pixels for the frame of an evaluation: heights in metres, or RGB pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from tasks.evaluate.spaces import Space


@dataclass(frozen=True)
class Control:
    """A known-bad set made of held-out tiles.

    Attributes:
        title: name of its tiles in sentences: "blurred real tiles". label: short name in plots: "blur".
    """

    title: str
    label: str


@dataclass(frozen=True)
class Medium:
    """A kind of pixels. Arrays are (N, S, S) or (N, S, S, 3), one tile a row.

    Attributes:
        layer: layer of the shards, `height` or `color`. noun: name of real tiles: "terrain", "pictures".
        describe: tiles to descriptors float64 (N, D), all finite, and the D names.
        controls: (held-out tiles, seed) to known-bad tiles by name; row i comes from tile i and has its shape.
        known: a `Control` for each of them, in the same order. baseline: a generator must at least beat this control.
        thumbnails: tiles to small copies, float64 (N, …, s, s), see `memorisation`.
        epsilon: smaller differences of thumbnails prove nothing; in the unit of the pixels.
        images: training tiles to (tiles to uint8 (N, 3, S, S) for an Inception network, facts to keep).
        tiles: sets by name and their labels to a figure of the first tiles of each.
        pairs: (generated, training, distances, threshold) to a figure of generated tiles above their nearest tiles.
        curves: sets by name and their labels to a figure of distributions, or None.
        space: features of a network, or None if descriptors alone compare tiles.
        repeats: largest number of training tiles that the control `collapse` repeats; 0 for none. A collapsed generator
            makes such sets.
        texts: a description by picture name: `tiles`, `nearest`, and `curves` if the medium has curves.
    """

    layer: str
    noun: str
    describe: Callable[[np.ndarray], tuple[np.ndarray, list[str]]]
    controls: Callable[[np.ndarray, int], dict[str, np.ndarray]]
    known: Mapping[str, Control]
    baseline: str
    thumbnails: Callable[[np.ndarray], np.ndarray]
    epsilon: float
    images: Callable[[np.ndarray], tuple[Callable[[np.ndarray], np.ndarray], dict[str, Any]]]
    tiles: Callable[[dict[str, np.ndarray], dict[str, str]], Figure]
    pairs: Callable[[np.ndarray, np.ndarray, np.ndarray, float], Figure]
    curves: Callable[[dict[str, np.ndarray], dict[str, str]], Figure] | None
    texts: Mapping[str, str]
    space: Space | None = None
    repeats: int = 0
