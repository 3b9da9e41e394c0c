"""Drawings: class maps as PNG pictures that a person can paint.

A drawing is written with a palette: the index is the class id, and the colour is the colour of the class. It is read
by colour only, because paint programs reorder palettes or save plain RGB. Paint programs also smooth edges. A colour
between the colours of neighbouring classes therefore counts as a blend. The pixel gets the class with the largest
share in the blend, and it is counted. Any other colour is refused, because a guess could turn a road into a lake.
Transparent pixels have no class.
"""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from PIL import Image
from scipy.ndimage import binary_erosion, label, maximum_filter, minimum_filter

from tasks.core.errors import LandloomError
from tasks.core.files import atomic_file
from tasks.formats.tables.classes import NO_CLASS

NEAR = 3  # levels: largest shift of a colour by colour management and rounding
BLEND = 10  # levels: largest distance of a blend from the line (or triangle …) between its colours
REACH = 6  # pixels: largest distance between a blend and its classes (a Lanczos filter rings over three pixels)
PAINT = 5  # pixels: a square of this side in one colour counts as painted and not as blended
OVERSHOOT = 0.15  # share by which sharpening filters exceed the colours on both sides of an edge
LISTED = 12  # most unknown colours that a message lists


class Drawing(NamedTuple):
    """A drawing as read.

    Attributes:
        labels: class ids, uint8 (H, W), 255 for no class.
        changed: number of pixels whose colour was not exactly the colour of a class.
    """

    labels: np.ndarray
    changed: int


def write_drawing(path: Path, labels: np.ndarray, classes: pd.DataFrame) -> None:
    """Write class ids (uint8 (H, W), 255 for no class) as a palette PNG in the classes' colours.

    Raises:
        LandloomError: two classes share a colour, or there are no classes.
        ValueError: `labels` holds an id without a class.
    """
    colors = _colors(classes, path)
    ids = np.unique(labels)
    if len(strangers := ids[(ids != NO_CLASS) & (ids >= len(colors))]):
        raise ValueError(f"{path}: {strangers.tolist()} are no class ids; there are 0 to {len(colors) - 1}")
    none = NO_CLASS in ids
    palette = np.zeros((256 if none else len(colors), 3), np.uint8)
    palette[: len(colors)] = colors
    image = Image.fromarray(np.ascontiguousarray(labels, np.uint8), "L")
    image.putpalette(palette.tobytes())  # turns L into P
    with atomic_file(path) as part:
        image.save(part, "PNG", **({"transparency": NO_CLASS} if none else {}))


def read_drawing(path: Path, classes: pd.DataFrame) -> Drawing:
    """Read a PNG of any size and of any colour mode with 8 bits.

    Raises:
        LandloomError: the file is no PNG, or a colour is neither that of a class nor a blend of neighbouring classes.
    """
    colors = _colors(classes, path)
    rgba = _pixels(path)
    values = rgba[..., :3].astype(np.int16)
    void = rgba[..., 3] < 128
    labels, exact = _nearest(values, colors)
    exact = exact & (rgba[..., 3] == 255)  # pixels at the soft edge of an erased area count as changed
    sure = exact | void
    changed = int((~exact & (rgba[..., 3] > 0)).sum())
    labels[void] = NO_CLASS
    close = ~sure & (_distance(values, colors[np.minimum(labels, len(colors) - 1)]) <= NEAR)
    unsure = ~sure & ~close
    labels[unsure] = NO_CLASS
    if unsure.any():
        refused = unsure & _painted(values, unsure)
        if not refused.any():
            refused = _resolve(labels, values, unsure, colors)
        if refused.any():
            raise LandloomError(f"{path}: {_refusal(values, refused, classes)}")
    return Drawing(labels, changed)


def _colors(classes: pd.DataFrame, path: Path) -> np.ndarray:
    """Return the colours of the classes, int16 (k, 3); row i is class i."""
    if not len(classes):
        raise LandloomError(f"{path}: there are no classes to draw with; this dataset has no labels")
    classes = classes.sort_values("id")
    if classes["id"].tolist() != list(range(len(classes))):
        raise LandloomError(f"{path}: class ids are {classes['id'].tolist()}, and must be 0, 1, 2 … without gaps")
    if (twice := classes.duplicated(["red", "green", "blue"], keep=False)).any():
        raise LandloomError(f"{path}: classes {', '.join(classes['name'][twice])} share one colour: recolour one")
    return classes[["red", "green", "blue"]].to_numpy(np.int16)


def _pixels(path: Path) -> np.ndarray:
    """Return the pixels as RGBA, uint8 (H, W, 4)."""
    try:
        with Image.open(path, formats=("PNG",)) as image:
            if image.mode.startswith("I"):
                raise LandloomError(f"{path}: a 16-bit grey picture has no class colours; save it as RGB or indexed")
            return np.array(image.convert("RGBA"))
    except FileNotFoundError:
        raise LandloomError(f"{path}: there is no such file") from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        reason = " ".join(str(error).split())
        raise LandloomError(
            f"{path}: not a PNG that can be read ({reason}); export the drawing as PNG (JPEG smears the colours)"
        ) from None


def _distance(values: np.ndarray, colors: np.ndarray) -> np.ndarray:
    """Return the largest difference over the channels."""
    return np.abs(values - colors).max(axis=-1)


def _nearest(values: np.ndarray, colors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return for each pixel the class with the nearest colour, uint8, and whether the colour is equal, bool."""
    best = np.full(values.shape[:2], 256, np.int16)
    labels = np.zeros(values.shape[:2], np.uint8)
    for index, color in enumerate(colors):
        distance = _distance(values, color)
        nearer = distance < best
        labels[nearer], best[nearer] = index, distance[nearer]
    return labels, best == 0


def _painted(values: np.ndarray, unsure: np.ndarray) -> np.ndarray:
    """Return the mask of pixels with a painted colour: one that fills an unsure square of PAINT pixels a side."""
    size = (PAINT, PAINT, 1)
    flat = (maximum_filter(values, size, mode="nearest") == minimum_filter(values, size, mode="nearest")).all(axis=2)
    key = values.astype(np.int32) @ np.array([65536, 256, 1], np.int32)
    inside = binary_erosion(unsure, np.ones((PAINT, PAINT)))
    return np.isin(key, np.unique(key[flat & inside]))


def _resolve(labels: np.ndarray, values: np.ndarray, unsure: np.ndarray, colors: np.ndarray) -> np.ndarray:
    """Set each unsure pixel in `labels` to the class with the largest share; return the mask of unresolved pixels."""
    where = np.nonzero(unsure)
    seen = values[where].astype(np.float64)
    around = np.zeros((len(seen), len(colors)), bool)  # classes within REACH
    touching = np.zeros_like(around)  # classes beside the connected unsure area, for brushes wider than REACH
    smears, count = label(unsure, np.ones((3, 3)))
    for index in range(len(colors)):
        mine = labels == index
        around[:, index] = maximum_filter(mine, 2 * REACH + 1, mode="constant")[where]
        beside = smears[maximum_filter(mine, 3, mode="constant")]
        touching[:, index] = np.isin(np.arange(count + 1), beside)[smears[where]]
    found = np.full(len(seen), -1)
    anywhere = np.ones_like(around)  # shapes thinner than the blur have no pixel of their own colour nearby
    for candidates, parts in ((around, 2), (around, 3), (touching, 2), (touching, 3), (anywhere, 2), (around, 4)):
        rest = np.flatnonzero(found < 0)
        found[rest] = _mixture(seen[rest], candidates[rest], colors, parts)
    # At an edge, a colour near one class and far from all others comes from sharpening of that class.
    rest = np.flatnonzero((found < 0) & (around.sum(axis=1) > 1))
    distance = np.abs(seen[rest, None] - colors).max(axis=-1)
    distance[~around[rest]] = np.inf
    clear = distance.min(axis=1, initial=np.inf) < _margin(colors)
    found[rest[clear]] = distance[clear].argmin(axis=1)
    labels[where] = np.where(found < 0, NO_CLASS, found)
    left = np.zeros_like(unsure)
    left[where] = found < 0
    return left


def _mixture(seen: np.ndarray, candidates: np.ndarray, colors: np.ndarray, parts: int) -> np.ndarray:
    """Return for colours (n, 3) the class with the largest share in the best blend of `parts` candidates, or -1.

    Paint programs blend either the stored values or linear light. Both are tried.
    """
    best = np.full(len(seen), float(BLEND))
    found = np.full(len(seen), -1)
    for to_space, back in ((lambda v: v, lambda v: v), (_light, _levels)):
        for group in combinations(range(len(colors)), parts):
            rows = np.flatnonzero(candidates[:, group].all(axis=1))
            if not len(rows):
                continue
            corners = to_space(colors[list(group)].astype(np.float64))
            # Barycentric coordinates: least squares with shares that sum to 1.
            origin, edges = corners[0], corners[1:] - corners[0]
            shares = (to_space(seen[rows]) - origin) @ np.linalg.pinv(edges)
            shares = np.column_stack([1 - shares.sum(axis=1), shares])
            error = np.abs(back(shares @ corners) - seen[rows]).max(axis=1)
            better = (error < best[rows]) & (shares > -OVERSHOOT).all(axis=1)
            best[rows[better]] = error[better]
            found[rows[better]] = np.asarray(group)[shares[better].argmax(axis=1)]
    return found


def _light(levels: np.ndarray) -> np.ndarray:
    """Convert sRGB levels 0..255 to linear light 0..1 (IEC 61966-2-1)."""
    share = levels / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def _levels(light: np.ndarray) -> np.ndarray:
    """Convert linear light 0..1 to sRGB levels 0..255."""
    light = np.clip(light, 0, 1)
    return 255 * np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)


def _margin(colors: np.ndarray) -> float:
    """Return half of the smallest distance between the colours of two classes."""
    return min((float(np.abs(a - b).max()) for a, b in combinations(colors, 2)), default=2.0 * NEAR) / 2


def _refusal(values: np.ndarray, refused: np.ndarray, classes: pd.DataFrame) -> str:
    """Return a message: the unknown colours with counts and positions, and the known colours with names."""
    rows, cols = np.nonzero(refused)
    unknown, first, counts = np.unique(values[refused], axis=0, return_index=True, return_counts=True)
    order = np.lexsort((first, -counts))
    lines = [
        f"#{r:02x}{g:02x}{b:02x} ({n:,} pixel{'s' * (n > 1)}, first at column {cols[at]}, row {rows[at]})"
        for (r, g, b), at, n in zip(*(part[order[:LISTED]].tolist() for part in (unknown, first, counts)), strict=True)
    ]
    more = f" and {len(unknown) - LISTED} more" if len(unknown) > LISTED else ""
    named = classes[["red", "green", "blue", "name"]].itertuples(index=False)
    known = ", ".join(f"#{r:02x}{g:02x}{b:02x} {name}" for r, g, b, name in named)
    return (
        f"{len(unknown)} colour{'s' * (len(unknown) > 1)} of no class: {', '.join(lines)}{more}. "
        f"The classes are {known}. Repaint in these colours, best with a hard brush"
    )
