"""Where people live, and the roads between: places on level ground near water, joined by the easiest way."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter, gaussian_filter1d
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import dijkstra, minimum_spanning_tree

from tasks.acquire.sources.sample.ground.noise import grid_noise


def slope_of(height: np.ndarray, spacing: float) -> np.ndarray:
    """Metres a metre, of a grid (h, w) with `spacing` metres between cells."""
    down, across = np.gradient(height.astype(np.float64), spacing)
    return np.sqrt(down * down + across * across)


def settlements(
    height: np.ndarray, spacing: float, water: np.ndarray, count: int, apart: float, seed: int
) -> np.ndarray:
    """Cells (n, 2) of (column, row), the best first: level, low, near `water` (h, w, 1 where a stream runs).

    Args:
        apart: least distance between two, in cells.
    """
    steep = gaussian_filter(slope_of(height, spacing), 1.5)
    near = gaussian_filter(water.astype(np.float64), 3.0)
    low = (height - height.min()) / max(float(np.ptp(height)), 1.0)
    score = np.minimum(near * 12, 1) - 9 * steep - 1.2 * low + 0.5 * grid_noise(height.shape, 9, seed)
    score[height <= 0.5] = -np.inf
    edge = max(3, round(min(height.shape) * 0.06))
    score[:edge] = score[-edge:] = -np.inf
    score[:, :edge] = score[:, -edge:] = -np.inf
    rows, cols = np.mgrid[: height.shape[0], : height.shape[1]]
    found = []
    for _ in range(count):
        best = int(np.argmax(score))
        row, col = divmod(best, height.shape[1])
        if not np.isfinite(score[row, col]):
            break
        found.append((col, row))
        score[(rows - row) ** 2 + (cols - col) ** 2 < apart * apart] = -np.inf
    return np.array(found).reshape(-1, 2)


def roads(height: np.ndarray, spacing: float, ends: np.ndarray, smooth: float = 1.2) -> list[np.ndarray]:
    """Lines (n, 2) of (column, row) that join all `ends`: the easiest ways, and only as many as are needed."""
    if len(ends) < 2:
        return []
    rows, cols = height.shape
    graph = _graph(height, spacing)
    nodes = ends[:, 1] * cols + ends[:, 0]
    cost, back = dijkstra(graph, indices=nodes, return_predecessors=True)
    between = cost[:, nodes]
    between[~np.isfinite(between)] = 0
    tree = minimum_spanning_tree(np.triu(np.round(between, 3))).tocoo()
    lines = []
    for one, other in sorted(zip(tree.row.tolist(), tree.col.tolist(), strict=True)):
        path, at = [], int(nodes[other])
        while at >= 0:
            path.append(at)
            at = int(back[one, at])
        line = np.stack([np.array(path) % cols, np.array(path) // cols], axis=1).astype(np.float64)
        if len(line) > 3:
            middle = gaussian_filter1d(line, smooth, axis=0, mode="nearest")
            middle[0], middle[-1] = line[0], line[-1]
            line = middle
        lines.append(line)
    return lines


def _graph(height: np.ndarray, spacing: float):  # noqa: ANN202 (a sparse matrix)
    """Cost of every step to a neighbour: its length, more where it climbs, and most over the sea."""
    rows, cols = height.shape
    number = np.arange(rows * cols).reshape(rows, cols)
    ones, others, costs = [], [], []
    for dr, dc in ((0, 1), (1, 0), (1, 1), (1, -1)):
        here = number[: rows - dr, max(0, -dc) : cols - max(0, dc)]
        there = number[dr:, max(0, dc) : cols - max(0, -dc)]
        far = spacing * (2**0.5 if dr and dc else 1.0)
        one, other = height.ravel()[here], height.ravel()[there]
        climb = np.abs(one - other) / far
        cost = far * (1 + (climb / 0.05) ** 2) * np.where((one <= 0) | (other <= 0), 30.0, 1.0)
        ones += [here.ravel(), there.ravel()]
        others += [there.ravel(), here.ravel()]
        costs += [cost.ravel(), cost.ravel()]
    size = rows * cols
    return coo_matrix((np.concatenate(costs), (np.concatenate(ones), np.concatenate(others))), (size, size)).tocsr()
