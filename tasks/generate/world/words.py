"""Elevation and relief that a text asks for. They vary slowly over the plane where the words leave them open."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tasks.generate.world.noise import generator

BASE, OWN = 0, 1  # last numbers of the keys of chance
WANDER = 4.0  # deviations of a tile; the deviation of SRTM squares eight times larger is 2.3 of them
CHOICES = 64  # draws, of which the one counts that lies nearest to the ground of another text
LEAST = 0.5  # metres; a plain without any relief has no logarithm


class Wanted:
    """Mean height and relief of a coarse map of one text, at each pixel.

    Both are drawn from what the model knows of the words (its distribution of mean and deviation of a tile) at the
    nodes of a square grid, and eased from node to node by sin². The relief is eased as a logarithm. The mean of a node
    lies within `WANDER` deviations of one that is drawn for the whole plane: words leave much open how high ground
    lies, but plains do not rise by a thousand metres to the next plain.

    Args:
        windows: the model's (`models.consistency.windows`). text, guidance: the words, and their strength.
        key: of the chances. apart: pixels between nodes.
        near: metres that the value of the whole plane should be near to, as far as the words allow; None: any value.

    Attributes:
        base: the value of the whole plane, metres.
    """

    def __init__(self, windows: Any, text: str, guidance: float, key: tuple[int, ...], apart: int, near: float | None):
        self._windows, self._text, self._guidance, self._key, self._apart = windows, text, guidance, key, apart
        self._nodes: dict[tuple[int, int], tuple[float, float]] = {}
        drawn = self._drawn((*key, BASE), [(0, k) for k in range(1 if near is None else CHOICES)])
        self.base = min((mean for mean, _ in drawn), key=lambda mean: 0.0 if near is None else abs(mean - near))

    def read(self, row: int, col: int, rows: int, cols: int) -> tuple[np.ndarray, np.ndarray]:
        """Mean, and logarithm of the standard deviation, of metres, float64 (rows, cols) each."""
        down, right = self._eased(row, rows), self._eased(col, cols)
        mean, logs = np.zeros((rows, cols)), np.zeros((rows, cols))
        for i, high in down.items():
            for j, wide in right.items():
                share = high[:, None] * wide[None]
                node = self._node(i, j)
                mean += share * node[0]
                logs += share * node[1]
        return mean, logs

    def _eased(self, first: int, count: int) -> dict[int, np.ndarray]:
        """Node to its share of each pixel."""
        place = (np.arange(first, first + count) + 0.5) / self._apart
        below = np.floor(place)
        rest = np.square(np.sin(0.5 * np.pi * (place - below)))
        return {
            node: np.where(below == node, 1 - rest, 0.0) + np.where(below == node - 1, rest, 0.0)
            for node in range(int(below[0]), int(below[-1]) + 2)
        }

    def _node(self, i: int, j: int) -> tuple[float, float]:
        """Mean, and logarithm of the deviation."""
        if (i, j) not in self._nodes:
            mean, std = self._drawn((*self._key, OWN), [(i, j)])[0]
            most = WANDER * std
            mean = self.base + most * math.tanh((mean - self.base) / most)
            self._nodes[i, j] = mean, math.log(std)
        return self._nodes[i, j]

    def _drawn(self, key: tuple[int, ...], cells: list[tuple[int, int]]) -> list[tuple[float, float]]:
        """Mean and deviation of each cell of chance, metres."""
        dice = [generator(key, i, j) for i, j in cells]
        chances = np.stack([np.concatenate([[rng.random()], rng.standard_normal(2)]) for rng in dice])
        found = self._windows.moments([self._text] * len(cells), chances, self._guidance)
        return [(float(mean), max(float(std), LEAST)) for mean, std in zip(*found, strict=True)]
