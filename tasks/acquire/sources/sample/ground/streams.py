"""Where water runs: every cell of a height grid drains to a neighbour, and streams are lines of enough water."""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heapify, heappop, heappush

import numpy as np
from scipy.ndimage import gaussian_filter1d

from tasks.acquire.sources.sample.ground.noise import point_noise


@dataclass(frozen=True)
class Stream:
    """A line (n, 2) of (column, row) in cells, from its spring down, and the cells that drain through each point."""

    line: np.ndarray
    cells: np.ndarray


def drainage(height: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each cell of `height` (h, w) the number of cells that drain through it (h, w), and the next cell down.

    Hollows fill up from the edge of the grid and from the sea (Barnes, Lehman & Mulla 2014, priority-flood). A cell
    drains to the neighbour from which the flood reached it. The next cell of an outlet is the cell itself.
    """
    rows, cols = height.shape
    flat = height.ravel().tolist()
    outlet = height <= 0
    outlet[[0, -1]] = outlet[:, [0, -1]] = True
    down = [-1] * len(flat)
    queue = []
    for cell in np.flatnonzero(outlet).tolist():
        down[cell] = cell
        queue.append((flat[cell], cell))
    heapify(queue)
    order = []
    steps = ((-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (-1, 1), (1, -1), (1, 1))
    while queue:
        level, cell = heappop(queue)
        order.append(cell)
        row, col = divmod(cell, cols)
        for dr, dc in steps:
            r, c = row + dr, col + dc
            near = r * cols + c
            if 0 <= r < rows and 0 <= c < cols and down[near] < 0:
                down[near] = cell
                heappush(queue, (max(level, flat[near]) + 1e-4, near))
    cells = [1] * len(flat)
    for cell in reversed(order):
        if down[cell] != cell:
            cells[down[cell]] += cells[cell]
    return np.array(cells).reshape(rows, cols), np.array(down).reshape(rows, cols)


def streams(height: np.ndarray, least: int, smooth: float = 1.5) -> list[Stream]:
    """Streams through which at least `least` cells drain, the largest first. Lines are smooth over `smooth` cells."""
    cells, down = drainage(height)
    cols = height.shape[1]
    count, next_ = cells.ravel(), down.ravel()
    wet = (count >= least) & (height.ravel() > 0)
    fed = np.zeros(len(wet), bool)
    sources = np.flatnonzero(wet)
    fed[next_[sources[next_[sources] != sources]]] = True
    springs = sources[~fed[sources]]
    # A spring's own water decides who keeps the name at a confluence: the stream with more water behind it.
    taken = np.zeros(len(wet), bool)
    found = []
    for spring in springs[np.argsort(-_length(springs, next_), kind="stable")].tolist():
        path = [spring]
        while not taken[path[-1]] and next_[path[-1]] != path[-1]:
            taken[path[-1]] = True
            path.append(int(next_[path[-1]]))
        if len(path) < 4:
            continue
        at = np.array(path)
        line = np.stack([at % cols, at // cols], axis=1).astype(np.float64)
        middle = gaussian_filter1d(line, smooth, axis=0, mode="nearest")
        middle[0], middle[-1] = line[0], line[-1]
        found.append(Stream(middle, np.minimum.accumulate(count[at][::-1])[::-1]))
    return found


def meander(line: np.ndarray, reach: float, swing: float, seed: int) -> np.ndarray:
    """A line (n, 2) with bends: four points for each of its own, moved by up to `swing`; bends are about `reach` long.

    The bend belongs to the place and not to the line, so that lines that meet still meet.
    """
    at = np.arange(4 * len(line) - 3) / 4
    dense = np.stack([np.interp(at, np.arange(len(line)), line[:, axis]) for axis in (0, 1)], axis=1)
    x, y = dense[:, 0] / reach, dense[:, 1] / reach
    bend = [point_noise(x, y, seed + k) + 0.5 * point_noise(2.1 * x, 2.1 * y, seed + k + 2) for k in (0, 1)]
    return dense + swing * np.stack(bend, axis=1)


def _length(springs: np.ndarray, next_: np.ndarray) -> np.ndarray:
    """Cells from each spring to the end of its water."""
    length, at = np.zeros(len(springs), np.int64), springs.copy()
    while True:
        onward = next_[at]
        moving = onward != at
        if not moving.any():
            return length
        length += moving
        at = onward
