"""Whether values lie side by side as heights of ground do. Angles, slopes, classes and noise do not."""

from __future__ import annotations

import numpy as np

_SIDE = 512  # pixels along a side of what is looked at in a block
_BLOCKS = 16  # blocks at most
_CLASSES = 40  # a map of more values is no map of classes
_ENOUGH = 1000  # pairs of neighbours below which nothing is said
_TURNS = ((0.0, 360.0), (-180.0, 180.0), (0.0, 2 * np.pi))
"""Ranges of angles: degrees of a compass, signed degrees, radians."""
_APART = 8  # pixels between the farther neighbours


class Texture:
    """Neighbours of a sample of a raster's blocks."""

    def __init__(self) -> None:
        self._blocks = 0
        self._low, self._high = np.inf, -np.inf
        self._pairs: list[tuple[np.ndarray, np.ndarray]] = []
        self._values: set[float] = set()
        self._far = np.zeros(2)  # the squared differences of the farther neighbours: sum and number

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
        both = known[:, _APART:] & known[:, :-_APART]
        self._far += ((part[:, _APART:] - part[:, :-_APART])[both] ** 2).sum(), both.sum()
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
        return said or (self._slopes(left, right) if named_slope else None)

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

    def _slopes(self, left: np.ndarray, right: np.ndarray) -> str | None:
        """Slopes in degrees whose name says so: their differences grow to less than 12 times from 1 to 8 pixels."""
        near = float(np.mean((left - right) ** 2))
        if self._low < 0 or not 10 <= self._high <= 90 or near < 1e-9 or self._far[1] < _ENOUGH:
            return None
        if self._far[0] / self._far[1] < 12 * near:
            return "its name says slope, and its values are those of slopes, 0 to 90 degrees"
        return None
