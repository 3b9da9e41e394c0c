"""Terrain from which all water runs off: pits are filled, or drained by a channel, whichever moves less earth.

The flood of Priority-Flood (Barnes, Lehman & Mulla 2014) starts at the border and at the sea, and gives each pixel its
parent: the neighbour from which the flood came. A pool is a connected set of pixels that the flood raised; pools of one
level that lie on each other's way to the outlet count as one. A channel
follows the parents from the bottom of a pool and lowers whatever is higher (Soille 2004, "Optimal removal of spurious
pits in grid digital elevation models"). Lindsay (2016, "Efficient hybrid breaching-filling sink removal methods")
compares the two. Pools are treated in the order of the flood, so that what lies downstream is settled first.
"""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heapify, heappop, heappush

import numpy as np

from tasks.core.compiled import cached


@dataclass(frozen=True)
class Drained:
    """A terrain without pits, and what it took.

    Attributes:
        height: float32 (H, W) metres. Each value is one of the values of the input.
        pools: number of pools. channels: number of pools that got a channel; the others were filled.
        changed_share: share of the pixels that changed. lowered_m, raised_m: the largest changes, in metres.
    """

    height: np.ndarray
    pools: int
    channels: int
    changed_share: float
    lowered_m: float
    raised_m: float


def drained(height: np.ndarray, sea: np.ndarray | None = None) -> Drained:
    """Remove the pits. From each pixel of the result, a path that never rises leads to the border or to the sea.

    Args:
        height: float32 (H, W) metres without NaN, sides of at least 3 pixels.
        sea: bool (H, W), pixels that take water and stay as they are. None if there is no sea.

    Raises:
        ValueError: the shape is wrong, or a height is not finite.
    """
    before = np.ascontiguousarray(height, np.float64)
    if before.ndim != 2 or min(before.shape) < 3:
        raise ValueError(f"drained: heights must be (H, W) of 3 pixels a side or more, not {np.shape(height)}")
    if not np.isfinite(before).all():
        raise ValueError("drained: heights hold values that are not numbers; fill the voids first")
    outlets = np.zeros(before.shape, np.bool_) if sea is None else np.ascontiguousarray(sea, np.bool_)
    filled, order, parent = _flood(before, outlets)
    after, pools, channels = _settle(before, filled, order, parent, outlets)
    change = after - before
    return Drained(
        height=after.astype(np.float32),
        pools=int(pools),
        channels=int(channels),
        changed_share=float((change != 0).mean()),
        lowered_m=float(max(-change.min(), 0.0)),
        raised_m=float(max(change.max(), 0.0)),
    )


@cached()
def _flood(height: np.ndarray, sea: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the surface without pits (H, W), the pixels in the order of the flood, and the parent of each (-1: none).

    Pixels of one level leave the queue in the order in which they entered it, so that the flood crosses level ground on
    short ways.
    """
    rows, cols = height.shape
    filled, parent = height.copy(), np.full(rows * cols, -1, np.int64)
    order, closed = np.empty(rows * cols, np.int64), np.zeros((rows, cols), np.bool_)
    queue = [(0.0, 0, 0) for _ in range(0)]
    for r in range(rows):
        for c in range(cols):
            if sea[r, c] or r == 0 or c == 0 or r == rows - 1 or c == cols - 1:
                closed[r, c] = True
                queue.append((height[r, c], len(queue), r * cols + c))
    heapify(queue)
    count, done = len(queue), 0
    while len(queue):
        level, _, here = heappop(queue)
        order[done] = here
        done += 1
        r, c = here // cols, here % cols
        for dr in range(-1, 2):
            for dc in range(-1, 2):
                nr, nc = r + dr, c + dc
                if nr < 0 or nc < 0 or nr >= rows or nc >= cols or closed[nr, nc]:
                    continue
                closed[nr, nc] = True
                parent[nr * cols + nc] = here
                filled[nr, nc] = max(height[nr, nc], level)
                heappush(queue, (filled[nr, nc], count, nr * cols + nc))
                count += 1
    return filled, order, parent


@cached()
def _settle(
    height: np.ndarray, filled: np.ndarray, order: np.ndarray, parent: np.ndarray, sea: np.ndarray
) -> tuple[np.ndarray, int, int]:
    """Fill each pool or give it a channel; return (heights, number of pools, number of channels)."""
    rows, cols = height.shape
    before, level, outlet = height.ravel(), filled.ravel(), sea.ravel()
    after, pool = before.copy(), np.full(rows * cols, -1, np.int64)
    pools = channels = 0
    members, walked = np.empty(rows * cols, np.int64), np.full(rows * cols, -1, np.int64)
    for first in order:
        if level[first] <= before[first] or pool[first] >= 0:
            continue
        members[0], count, seen = first, 1, 0
        pool[first] = pools
        while seen < count:  # all pixels of the pool, connected and at one level
            r, c = members[seen] // cols, members[seen] % cols
            downstream = parent[members[seen]]
            seen += 1
            while downstream >= 0 and level[downstream] == level[first] and walked[downstream] != pools:
                walked[downstream] = pools
                if pool[downstream] < 0 and level[downstream] > before[downstream]:
                    pool[downstream] = pools
                    members[count] = downstream
                    count += 1
                downstream = parent[downstream]
            for nr in range(max(r - 1, 0), min(r + 2, rows)):
                for nc in range(max(c - 1, 0), min(c + 2, cols)):
                    near = nr * cols + nc
                    if pool[near] < 0 and level[near] > before[near] and level[near] == level[first]:
                        pool[near] = pools
                        members[count] = near
                        count += 1
        pools += 1
        inside = members[:count]
        fill = (level[first] - before[inside]).sum()
        changed, was = [0 for _ in range(0)], [0.0 for _ in range(0)]
        cut, possible = 0.0, True
        for bottom in inside:
            if not _lowest(after, bottom, rows, cols):
                continue
            floor, here = before[bottom], parent[bottom]
            while here >= 0 and after[here] > floor and cut < fill:
                possible = possible and not outlet[here]  # the sea stays; a pool below it is filled
                changed.append(here)
                was.append(after[here])
                cut += after[here] - floor
                after[here] = floor
                here = parent[here]
            possible = possible and cut < fill
            if not possible:
                break
        if possible:
            channels += 1
            continue
        for place in range(len(changed) - 1, -1, -1):
            after[changed[place]] = was[place]
        for here in inside:
            after[here] = max(after[here], level[first])
    return after.reshape(rows, cols), pools, channels


@cached()
def _lowest(height: np.ndarray, here: int, rows: int, cols: int) -> bool:
    """Return whether no neighbour of a pixel is lower."""
    r, c = here // cols, here % cols
    for nr in range(max(r - 1, 0), min(r + 2, rows)):
        for nc in range(max(c - 1, 0), min(c + 2, cols)):
            if height[nr * cols + nc] < height[here]:
                return False
    return True
