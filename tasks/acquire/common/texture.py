"""Whether values lie side by side as heights of ground do. Angles, slopes, classes and noise do not."""

from __future__ import annotations

import numpy as np

_SIDE = 512  # pixels along a side of what is looked at in a block
_BLOCKS = 16  # blocks at most
_CLASSES = 40  # a map of more values is no map of classes
_ENOUGH = 1000  # pairs of neighbours below which nothing is said
_TURNS = ((0.0, 360.0), (-180.0, 180.0), (0.0, 2 * np.pi))
"""Ranges of angles: degrees of a compass, signed degrees, radians."""
_APART = (2, 8)  # pixels between the farther neighbours


class Texture:
    """Neighbours of a sample of a raster's blocks."""

    def __init__(self) -> None:
        self._blocks = 0
        self._low, self._high = np.inf, -np.inf
        self._pairs: list[tuple[np.ndarray, np.ndarray]] = []
        self._values: set[float] = set()
        self._far = {apart: np.zeros(2) for apart in _APART}  # their squared differences: sum and number

    def add(self, block: np.ndarray, void: np.ndarray) -> None:
        """Look at one block (H, W); `void` is true where it has no value."""
        if self._blocks >= _BLOCKS:
            return
        self._blocks += 1
        known = ~void[:_SIDE, :_SIDE]
        part = block[:_SIDE, :_SIDE].astype(np.float64)
        both = known[:, 1:] & known[:, :-1]
        if not both.any():
            return
        self._pairs.append((part[:, :-1][both].astype(np.float32), part[:, 1:][both].astype(np.float32)))
        for apart, sums in self._far.items():
            both = known[:, apart:] & known[:, :-apart]
            sums += ((part[:, apart:] - part[:, :-apart])[both] ** 2).sum(), both.sum()
        values = part[known]
        self._low, self._high = min(self._low, values.min()), max(self._high, values.max())
        if len(self._values) <= _CLASSES:
            self._values.update(np.unique(values)[: _CLASSES + 1].tolist())

    def problem(self, named_slope: bool = False) -> str | None:
        """What the values are instead of heights, or None. `named_slope`: the file's name calls them a slope."""
        if not self._pairs:
            return None
        left, right = (np.concatenate(side).astype(np.float64) for side in zip(*self._pairs, strict=True))
        if left.size < _ENOUGH:
            return None
        said = self._angles(left, right) or self._classes(left, right) or self._noise(left, right)
        said = said or self._slopes(left, right, named_slope)
        return said and f"{said}, not heights (trust: true in its override takes it)"

    def _angles(self, left: np.ndarray, right: np.ndarray) -> str | None:
        for low, high in _TURNS:
            turn = high - low
            flat = -1.0 if low == 0 else low  # some programs write -1 where the ground is flat
            inside = flat - 1e-6 * turn <= self._low and self._high <= high * (1 + 1e-6)
            full = min(self._low, low + 0.03 * turn) == self._low and self._high >= high - 0.03 * turn
            if inside and full and np.mean(np.abs(left - right) > 0.8 * turn) > 1e-3:
                return f"its values go around from {low:g} to {high:.4g} and back: angles"
        return None

    def _classes(self, left: np.ndarray, right: np.ndarray) -> str | None:
        values = np.array(sorted(self._values))
        if values.size > _CLASSES or values.size < 2 or (values != np.floor(values)).any():
            return None
        if values.size == 2 and set(values) == {0.0, 1.0}:
            return "its values are 0 and 1: a mask"
        steps = np.abs(np.searchsorted(values, left) - np.searchsorted(values, right))
        changes = steps > 0
        if values.size < 5 or changes.sum() < 100:
            return None
        # Noise on level ground changes by a few of many values. Codes in no order change by a third of them.
        if np.mean(steps[changes] > 1) > 0.5 and steps[changes].mean() > values.size / 6:
            return f"its {values.size} whole values follow each other in no order: classes or codes"
        return None

    def _noise(self, left: np.ndarray, right: np.ndarray) -> str | None:
        if self._low < 0 or self._high > 100 or left.std() < 1e-9 or right.std() < 1e-9:
            return None
        alike = float(np.corrcoef(left, right)[0, 1])
        if alike < 0.2:
            return f"its neighbours have nothing in common (correlation {alike:.2f}): errors, counts or noise"
        return None

    def _slopes(self, left: np.ndarray, right: np.ndarray, named: bool) -> str | None:
        """Slopes in degrees.

        The squared difference of two heights grows with their distance: of ground alone by d^2H with H from 0.5 to 1,
        and noise adds the same at every distance. So wherever it grows by half from 1 to 2 pixels, it grows to 4.5
        times or more from 1 to 8. Slopes grow by half too, but forget within a few pixels: to 2 to 11 times. What
        grows to less than 4 is taken for a slope if it also ends and thins out at 0 as the steepness of ground does.
        Where the name says slope, 12 is the bound.
        """
        near = float(np.mean((left - right) ** 2))
        if self._low < 0 or not 10 <= self._high <= 90 or near < 1e-9 or self._far[8][1] < _ENOUGH:
            return None
        two, eight = (float(total / number) / near for total, number in self._far.values())
        if named and eight < 12:
            return "its name says slope, and its values are those of slopes, 0 to 90 degrees"
        middle, high = np.percentile(left, (50, 98))
        low = float(np.mean(left < 0.2 * middle))
        thin = 0.01 <= low <= 0.25 and np.mean(left == 0) < 0.1 and self._low <= 0.02 * high
        if near >= 1 and two >= 1.5 and eight < 4 and thin:
            return "its values lie between 0 and 90 and change from pixel to pixel as slopes in degrees do"
        return None
