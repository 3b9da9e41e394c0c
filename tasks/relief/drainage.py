"""Drainage of terrain: pits, stream network, and the power laws of rivers.

Priority-Flood (Barnes, Lehman & Mulla 2014, algorithm 1) fills the pits. Water then flows from each pixel to the
neighbour with the steepest descent (D8: O'Callaghan & Mark 1984). In filled pits and on level ground, water flows in
the direction from which the flood came. Therefore every pixel drains over the edge of the raster.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush

import numpy as np

from tasks.core.compiled import cached

STREAM_CELLS = 32
"""Upstream area at which a stream starts, in pixels (0.26 km² at 90 m). A 64² tile then has a few streams, and few
of the stream pixels are hillslopes, which would disturb the fits."""


def drainage(height: np.ndarray, gsd: float, stream_cells: int = STREAM_CELLS) -> dict[str, np.ndarray]:
    """Measure the drainage of each tile under even rain and without inflow from outside.

    Args:
        height: (N, H, W) metres without NaN, sides of at least 3 pixels.
        gsd: metres a pixel.
        stream_cells: upstream area in pixels from which a pixel belongs to a stream.

    Returns:
        float64 arrays (N,):
        `pit_fraction`: share of the inner pixels that are below all eight neighbours;
        `sink_fraction`: share of the pixels that were raised to let water drain (flooded pits);
        `stream_density`: length of streams over area, km/km² (level ground, such as sea, has no streams);
        `concavity`: θ of Flint's law S = k A^-θ over the stream pixels (rivers: about 0.4 to 0.6);
        `hack_exponent`: h of Hack's law L = c A^h, L the longest flow path to a stream pixel (rivers: about 0.57);
        `largest_catchment`: the largest share of the tile that drains through one pixel.
        The two exponents are NaN if there are fewer than three stream pixels or only one value of the area.

    Raises:
        ValueError: the shape is wrong, or a height is NaN. Fill or drop voids first.
    """
    h = np.ascontiguousarray(height, np.float64)
    if h.ndim != 3 or min(h.shape[1:]) < 3:
        raise ValueError(f"drainage: heights must be (N, H, W) of 3 pixels a side or more, not {np.shape(height)}")
    if not np.isfinite(h).all():
        raise ValueError("drainage: heights hold NaN; fill the voids or leave such tiles out")
    rows = np.empty((len(h), 6))
    for tile, row in zip(h, rows, strict=True):
        filled, order, receiver = flow(tile)
        area, longest = accumulate(order, receiver, tile.shape[1])
        row[:] = _describe(tile, filled, receiver, area, longest, gsd, stream_cells)
    names = ("pit_fraction", "sink_fraction", "stream_density", "concavity", "hack_exponent", "largest_catchment")
    return dict(zip(names, rows.T, strict=True))


@cached()
def flow(height: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Fill pits and find the receiver of the water of each pixel.

    Args:
        height: float64 (H, W) metres, no NaN.

    Returns:
        filled: float64 (H, W), the surface without pits.
        order: int64 (H·W,), flat pixel indices; each pixel comes after its receiver.
        receiver: int64 (H·W,), the pixel to which each pixel drains; -1 if its water leaves the raster.
    """
    rows, cols = height.shape
    filled = height.copy()
    order = np.empty(rows * cols, np.int64)
    receiver = np.full(rows * cols, -1, np.int64)
    closed = np.zeros((rows, cols), np.bool_)
    queue = [(0.0, 0) for _ in range(0)]
    for r in range(rows):
        for c in range(cols):
            if r == 0 or c == 0 or r == rows - 1 or c == cols - 1:
                closed[r, c] = True
                queue.append((height[r, c], r * cols + c))
    heapify(queue)
    for done in range(rows * cols):
        level, here = heappop(queue)
        order[done] = here
        r, c = here // cols, here % cols
        for dr in range(-1, 2):
            for dc in range(-1, 2):
                nr, nc = r + dr, c + dc
                if nr < 0 or nc < 0 or nr >= rows or nc >= cols or closed[nr, nc]:
                    continue
                closed[nr, nc] = True
                receiver[nr * cols + nc] = here
                filled[nr, nc] = max(height[nr, nc], level)
                heappush(queue, (filled[nr, nc], nr * cols + nc))
    # The queue yields pixels from low to high, so a strictly lower neighbour always comes earlier in `order`. `order`
    # therefore stays valid when the steepest descent replaces the direction of the flood.
    for r in range(1, rows - 1):
        for c in range(1, cols - 1):
            steepest = 0.0
            for dr in range(-1, 2):
                for dc in range(-1, 2):
                    fall = (filled[r, c] - filled[r + dr, c + dc]) / max(1.0, np.sqrt(dr * dr + dc * dc))
                    if fall > steepest:
                        steepest = fall
                        receiver[r * cols + c] = (r + dr) * cols + c + dc
    return filled, order, receiver


@cached()
def accumulate(order: np.ndarray, receiver: np.ndarray, cols: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the number of pixels that drain through each pixel, itself included, and the longest flow path to it.

    Both are float64 (H·W,), in pixels. `order` and `receiver` are those of `flow`; `cols` is the width W.
    """
    area, longest = np.ones(len(order)), np.zeros(len(order))
    for here in order[::-1]:
        to = receiver[here]
        if to >= 0:
            area[to] += area[here]
            longest[to] = max(longest[to], longest[here] + _step(here, to, cols))
    return area, longest


@cached()
def _step(here: int, to: int, cols: int) -> float:
    """Return the distance between two neighbouring pixels in pixels."""
    return 1.0 if here // cols == to // cols or here % cols == to % cols else np.sqrt(2.0)


@cached()
def _describe(
    height: np.ndarray,
    filled: np.ndarray,
    receiver: np.ndarray,
    area: np.ndarray,
    longest: np.ndarray,
    gsd: float,
    stream_cells: int,
) -> tuple[float, float, float, float, float, float]:
    rows, cols = height.shape
    pits = sinks = 0
    for r in range(rows):
        for c in range(cols):
            sinks += filled[r, c] > height[r, c]
            if 0 < r < rows - 1 and 0 < c < cols - 1:
                lowest = np.inf
                for dr in range(-1, 2):
                    for dc in range(-1, 2):
                        if dr != 0 or dc != 0:
                            lowest = min(lowest, height[r + dr, c + dc])
                pits += height[r, c] < lowest
    surface, ravelled = filled.ravel(), height.ravel()
    length = 0.0
    channel_area, channel_slope = [0.0 for _ in range(0)], [0.0 for _ in range(0)]
    stream_area, stream_length = [0.0 for _ in range(0)], [0.0 for _ in range(0)]
    for here in range(rows * cols):
        to = receiver[here]
        if area[here] < stream_cells or to < 0:
            continue
        step = _step(here, to, cols)
        fall, ground = surface[here] - surface[to], surface[here] == ravelled[here]
        if ground and fall == 0:  # level ground (sea or a lake), where only the flood determines the network
            continue
        length += step
        stream_area.append(area[here])
        stream_length.append(longest[here])
        if ground and fall > 0:  # the slope of a filled pit is not that of the ground
            channel_area.append(area[here])
            channel_slope.append(fall / (step * gsd))
    return (
        pits / ((rows - 2) * (cols - 2)),
        sinks / (rows * cols),
        (length * gsd / 1000) / (rows * cols * gsd**2 / 1e6),
        -_power(channel_area, channel_slope),
        _power(stream_area, stream_length),
        area.max() / (rows * cols),
    )


@cached()
def _power(x: list, y: list) -> float:
    """Return the exponent b of y = a x^b by least squares on logarithms; NaN if no line can be fitted."""
    if len(x) < 3:
        return np.nan
    lx, ly = np.log(np.array(x)), np.log(np.array(y))
    lx -= lx.mean()
    spread = (lx * lx).sum()
    return (lx * ly).sum() / spread if spread > 1e-12 else np.nan
