"""Heights as 16-bit codes. The range of metres is a terrain's own, or shared by several terrains."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

TOP = 65535  # the largest 16-bit code


class Span(NamedTuple):
    """A range of heights in metres."""

    low: float
    high: float


class Codes(NamedTuple):
    """A 16-bit heightmap: height in metres = `low` + code · `step`."""

    codes: np.ndarray  # uint16 (H, W)
    low: float
    step: float  # metres; 0 where the terrain is flat

    def metres(self) -> np.ndarray:
        """Heights as float64, within half a step of the encoded heights."""
        return self.low + self.codes * self.step


def span(heights: Iterable[np.ndarray]) -> Span:
    """The range of all `heights` together. Terrains with one range join without a step in an engine."""
    ends = [(float(height.min()), float(height.max())) for height in heights]
    return Span(min(low for low, _ in ends), max(high for _, high in ends))


def encode(height: np.ndarray, over: Span | None = None) -> Codes:
    """Spread the range `over` (None: the terrain's own) over all 65,536 codes. The step of a flat terrain is 0.

    Raises:
        ValueError: a height lies outside the range.
    """
    own = span([height])
    low, high = over or own
    if own.low < low or own.high > high:
        raise ValueError(f"heights from {own.low} to {own.high} m do not fit a range from {low} to {high} m")
    step = (high - low) / TOP
    if step == 0:
        return Codes(np.zeros(height.shape, np.uint16), low, 0.0)
    # float64: float32 resolves 8,000 m to half a millimetre, and the step of a plain is finer than that.
    return Codes(np.rint((height.astype(np.float64) - low) / step).astype(np.uint16), low, step)
