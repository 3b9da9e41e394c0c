"""River lines of a terrain: where the water of many pixels runs together.

The water flows as in `tasks.relief.drainage`. A river starts where `cells` pixels drain through one, and a line of it
ends at the next confluence, at the sea or at the border.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tasks.relief.drainage import accumulate, flow


@dataclass(frozen=True)
class River:
    """A line of the network, from its upper to its lower end.

    Attributes:
        pixels: int64 (k, 2), row and column of each pixel. upstream: number of pixels that drain through its lower end.
        order: Strahler's order: 1 without tributaries; one more where two of one order meet.
    """

    pixels: np.ndarray
    upstream: int
    order: int


def rivers(height: np.ndarray, cells: int, sea: np.ndarray | None = None) -> list[River]:
    """The river lines of (H, W) metres, upper lines before lower ones.

    Args:
        cells: upstream area in pixels at which a river starts. sea: bool (H, W), where rivers end; None for no sea.

    Raises:
        ValueError: a height is not finite.
    """
    surface = np.ascontiguousarray(height, np.float64)
    if not np.isfinite(surface).all():
        raise ValueError("rivers: heights hold values that are not numbers")
    cols = surface.shape[1]
    filled, order, receiver = flow(surface)
    area, _ = accumulate(order, receiver, cols)
    wet = (area >= cells) & ~(np.zeros(area.shape, bool) if sea is None else np.asarray(sea, bool).ravel())
    sources = np.bincount(receiver[wet & (receiver >= 0)], minlength=len(area))
    ranks = _strahler(order[::-1][wet[order[::-1]]], receiver, wet)
    lines = []
    for here in order[::-1]:  # each pixel comes before its receiver
        if not wet[here] or sources[here] == 1:
            continue
        line, to = [here], receiver[here]
        while to >= 0 and wet[to] and sources[to] == 1:
            line.append(to)
            to = receiver[to]
        upstream = int(area[line[-1]])
        if to >= 0:  # the confluence, or the first pixel of the sea
            line.append(to)
        if len(line) > 1:
            pixels = np.array(line)
            lines.append(River(np.stack([pixels // cols, pixels % cols], axis=1), upstream, int(ranks[here])))
    return lines


def _strahler(downward: np.ndarray, receiver: np.ndarray, wet: np.ndarray) -> np.ndarray:
    """Strahler's order of each pixel; `downward` has the pixels of rivers, each before its receiver."""
    rank, equal = np.zeros(len(receiver), np.int64), np.zeros(len(receiver), np.int64)
    for here in downward:
        rank[here] = max(rank[here] + (equal[here] > 1), 1)
        to = receiver[here]
        if to < 0 or not wet[to]:
            continue
        if rank[here] > rank[to]:
            rank[to], equal[to] = rank[here], 1
        elif rank[here] == rank[to]:
            equal[to] += 1
    return rank
