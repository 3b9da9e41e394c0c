"""Elevation and relief where words change over the plane: a gradual transition from those of one text to the next."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from tasks.generate.world.regions import Words
from tasks.generate.world.words import Wanted

BOX, TIMES = 8, 4
"""Coarse pixels of a moving average, and how often it is applied. At a straight border, a text's share rises from 10 %
to 90 % within 12 coarse pixels, which is 8.4 km for 720 m."""
KERNEL = np.ones(1)
for _ in range(TIMES):
    KERNEL = np.convolve(KERNEL, np.ones(BOX))
MARGIN = len(KERNEL) // 2  # coarse pixels around a rectangle whose words reach into it


class Transition:
    """Mean height and relief of the coarse map at each pixel.

    Each text has its own mean and relief over the whole plane (`Wanted`). At a pixel their mean counts, weighted by the
    share that each text has of the pixels around it. The nodes of `Wanted` are too far apart (92 km) to take the words
    at a node: a region between nodes would have no say. All texts lie as near to the height of the first one as their
    words allow, so that a border is no wall where the words say nothing about height.

    Args:
        words: of the plane. factor: pixels of the ground a coarse pixel, each way.
        wanted: what a text asks for, near to a height in metres, or to none.
    """

    def __init__(self, words: Words, factor: int, wanted: Callable[[str, float | None], Wanted]):
        self._words, self._factor, self._wanted = words, factor, wanted
        self._made = {0: wanted(words.texts[0], None)}

    def read(self, row: int, col: int, rows: int, cols: int) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation in metres, float64 (rows, cols) each. They do not depend on the rectangle."""
        mean, logs = np.zeros((rows, cols)), np.zeros((rows, cols))
        for number, share in self._shares(row, col, rows, cols).items():
            if number not in self._made:
                self._made[number] = self._wanted(self._words.texts[number], self._made[0].base)
            own = self._made[number].read(row, col, rows, cols)
            mean += share * own[0]
            logs += share * own[1]
        return mean, np.exp(logs)

    def _shares(self, row: int, col: int, rows: int, cols: int) -> dict[int, np.ndarray]:
        """Number of each text that reaches into the rectangle to its share of each pixel.

        The sums are of whole numbers, so they are exact: a text that no pixel around has, has the share 0, and adding
        it changes no bit.
        """
        places = np.mgrid[row - MARGIN : row + rows + MARGIN, col - MARGIN : col + cols + MARGIN] + 0.5
        high, wide = places.shape[1:]
        found = self._words.at(*(self._factor * places.reshape(2, -1))).reshape(high, wide)
        shares = {}
        for number in np.unique(found).tolist():
            down = sliding_window_view((found == number).astype(np.float64), len(KERNEL), axis=0) @ KERNEL
            shares[number] = sliding_window_view(down, len(KERNEL), axis=1) @ KERNEL / KERNEL.sum() ** 2
        return shares
