"""Judges pictures of the 25 known kinds by the formulas that made the real ones.

Sets with known modes are judged by the distance of each sample to its nearest mode (25 Gaussians: Srivastava et al.
2017, arXiv 1705.07761, section 4.1). Here a mode is a family of pictures: one shape in one colour, at any position and
of any radius that `tests.benchmarks.modes.pictures` draws. A picture is fitted by the shape, position, radius and two
colours that leave the least squares. Three distances remain:

- `wrong`: the squares that are left, divided by those of the shape on its paper. It is the share of the shape's area
  that is wrong.
- `color` and `paper`: distance of the fitted colours from the nearest of COLORS, and from PAPER.

A picture is good if all three are within their tolerance. The tolerances follow from the set and not from any sample.
`wrong` may be that of half the way (a quarter of the squares) to the other shape that fits best. A colour may be off by
a quarter of the distance between the two nearest colours. So no picture is good for two kinds.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import combinations

import numpy as np

from tests.benchmarks.modes import COLORS, JITTER, PAPER, RADIUS, SIZES, shape

SHAPES, KINDS, QUARTERS = 5, 25, 4
COARSE, FINE = 0.25, 0.0625  # steps of position and radius in 32nds of the side: of the first search, around its best
ENOUGH = 0.2  # share of its fair share of the samples from which a kind counts as found
COLOR = min(float(np.linalg.norm(one - other)) for one, other in combinations(COLORS, 2)) / 4


@dataclass(frozen=True)
class Fits:
    """The best fit of each of n pictures.

    Attributes:
        kinds: 0 to 24: 5 · shape + colour. places: down, right and radius in pixels (n, 3).
        wrong, color, paper: the three distances (n,). good: whether all are within their tolerance.
    """

    kinds: np.ndarray
    places: np.ndarray
    wrong: np.ndarray
    color: np.ndarray
    paper: np.ndarray
    good: np.ndarray

    def figures(self, px: int = 32) -> dict[str, float]:
        """Shares from 0 to 1.

        precision: share of good pictures. recall: share of the kinds that have at least ENOUGH of their fair share of
        good pictures. parts: the same for the 100 parts that the quarters of all positions make of the kinds, because
        25 pictures would be enough for `recall`. evenness: exp(entropy) of the kinds of good pictures, of 25.
        """
        kinds, places = self.kinds[self.good], self.places[self.good]
        quarters = 2 * (places[:, 0] > px / 2) + (places[:, 1] > px / 2)
        of_kind = np.bincount(kinds, minlength=KINDS)
        of_part = np.bincount(QUARTERS * kinds + quarters, minlength=QUARTERS * KINDS)
        shares = of_kind[of_kind > 0] / max(of_kind.sum(), 1)
        return {
            "precision": float(self.good.mean()),
            "recall": float((of_kind >= ENOUGH * len(self.kinds) / KINDS).mean()),
            "parts": float((of_part >= ENOUGH * len(self.kinds) / KINDS / QUARTERS).mean()),
            "evenness": float(np.exp(-(shares * np.log(shares)).sum()) / KINDS) if len(shares) else 0.0,
        }


def judged(pictures: np.ndarray) -> Fits:
    """Fit pictures uint8 (n, px, px, 3), and judge the fits."""
    kinds, places, wrong, color, paper = _fitted(pictures, range(SHAPES))
    good = (wrong <= tolerances(pictures.shape[1])[kinds // SHAPES]) & (color <= COLOR) & (paper <= COLOR)
    return Fits(kinds, places, wrong, color, paper, good)


@cache
def tolerances(px: int) -> np.ndarray:
    """Largest `wrong` of a good picture of each shape."""
    found = []
    for number in range(SHAPES):
        mask = _masks(number, np.array([[px / 2, px / 2, RADIUS * px]]), px).reshape(1, px, px, 1)
        picture = np.where(mask > 0, COLORS[0], PAPER).astype(np.uint8)
        others = [other for other in range(SHAPES) if other != number]
        found.append(float(_fitted(picture, others)[2][0]) / 4)
    return np.array(found)


def _fitted(pictures: np.ndarray, shapes: range | list[int]) -> list[np.ndarray]:
    """Columns of `Fits` up to `paper`, with these shapes only."""
    px = pictures.shape[1]
    flat = pictures.reshape(len(pictures), -1, 3).astype(np.float32) - PAPER
    left, places = np.full((SHAPES, len(flat)), np.inf), np.zeros((SHAPES, len(flat), 3))
    for number in shapes:
        grid, masks = _grid(number, px)
        squares = _left(flat, masks)
        best = squares.argmin(axis=1)
        left[number], places[number] = squares[np.arange(len(flat)), best], grid[best]
    # Two shapes can be nearly as good on the coarse grid, so both are searched again.
    nearest = left.argsort(axis=0)[:2].T
    rows = [_closer(flat[row], nearest[row], places[:, row], px) for row in range(len(flat))]
    return [np.array(column) for column in zip(*rows, strict=True)]


def _closer(picture: np.ndarray, shapes: np.ndarray, places: np.ndarray, px: int) -> tuple:
    """Columns of one picture (px², 3), from a search around the coarse places (SHAPES, 3) of these shapes."""
    found = []
    for number in shapes:
        grid = _within(places[number] + _around(px), px)
        masks = _masks(number, grid, px)
        squares = _left(picture[None], masks)[0]
        best = int(squares.argmin())
        found.append((squares[best], number, grid[best], masks[best] > 0))
    squares, number, place, mask = min(found, key=lambda each: each[0])
    inside, outside = picture[mask].mean(axis=0), picture[~mask].mean(axis=0)
    whole = max(float(((inside - outside) ** 2).sum() * mask.sum()), 1e-9)
    apart = np.linalg.norm(inside + PAPER - COLORS, axis=1)
    return SHAPES * int(number) + int(apart.argmin()), place, squares / whole, apart.min(), np.linalg.norm(outside)


def _left(flat: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Squares (n, m) that pictures (n, px², 3) leave after a fit by two colours, one within and one outside a mask."""
    size, pixels = masks.sum(axis=1), masks.shape[1]
    total = (flat**2).sum(axis=(1, 2))[:, None]
    for channel in range(3):
        values = np.ascontiguousarray(flat[:, :, channel])
        inside = values @ masks.T
        outside = values.sum(axis=1)[:, None] - inside
        total = total - inside**2 / size - outside**2 / (pixels - size)
    return total


@cache
def _grid(number: int, px: int) -> tuple[np.ndarray, np.ndarray]:
    """Places (m, 3) and masks (m, px²) of a shape."""
    step = COARSE * px / 32
    shifts = np.arange(-JITTER * px / 32, JITTER * px / 32 + step / 2, step) + px / 2
    radii = np.arange(RADIUS * px * SIZES[0], RADIUS * px * SIZES[1] + step / 2, step)
    grid = _within(np.stack(np.meshgrid(shifts, shifts, radii, indexing="ij"), axis=-1).reshape(-1, 3), px)
    return grid, _masks(number, grid, px)


@cache
def _around(px: int) -> np.ndarray:
    steps = np.arange(-COARSE / 2, COARSE / 2 + FINE / 2, FINE) * px / 32
    return np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)


def _within(places: np.ndarray, px: int) -> np.ndarray:
    """Places moved to the nearest ones that real pictures can have."""
    shift, radius = JITTER * px / 32, RADIUS * px
    low = [px / 2 - shift, px / 2 - shift, radius * SIZES[0]]
    return np.clip(places, low, [px / 2 + shift, px / 2 + shift, radius * SIZES[1]])


def _masks(number: int, places: np.ndarray, px: int) -> np.ndarray:
    y, x = np.mgrid[:px, :px]
    down, right, radius = (places[:, i, None, None] for i in range(3))
    return shape(number, (y - down) / radius, (x - right) / radius).reshape(len(places), -1).astype(np.float32)
