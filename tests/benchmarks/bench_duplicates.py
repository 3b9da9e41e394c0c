"""Near-duplicates of pictures: precision and recall on a set made from real pictures, and what they cost.

Every picture comes as it is, cropped, mirrored, compressed again, resized, with shifted colours, and with all of these
at once. A pair of one picture must be found; a pair of different pictures must not. Pictures of one place in several
years (`SAME_PLACE`) are neither.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from tasks.select.marks import MARK, window_marks
from tasks.select.matches import alike
from tasks.select.params import Params
from tests.benchmarks.real_pictures import square, synthetic
from tests.conftest import REALDATA

PX, SMALL = 256, 64
FOLDERS = ("photos", "photos/distros_DERIVED", "photos/gutenberg_DERIVED", "maps", "maps/gutenberg",
           "imagery/earth_as_art_DERIVED", "imagery/aerial_DERIVED")  # fmt: skip
SUFFIXES = {".jpg", ".jpeg", ".png", ".tif"}
SAME_PLACE = ("naip_nd",)  # beginnings of names
MADE = 40  # made pictures where there are no real ones
MANY = 40_000  # pictures whose time is compared with that of a tenth
TOY = {"FOLDERS": (), "MADE": 5, "MANY": 200}
LEAST_SIDE = 0.55  # of a crop

Change = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def crop(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A square part, 55 to 95 % of the side."""
    side = int(image.shape[0] * rng.uniform(LEAST_SIDE, 0.95))
    top, left = rng.integers(0, image.shape[0] - side + 1, 2)
    return image[top : top + side, left : left + side]


def mirror(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Left for right."""
    return image[:, ::-1]


def recompress(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """JPEG of quality 25 to 60, at the size of a tile."""
    coded = cv2.imencode(".jpg", _sized(image, PX), [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 61))])[1]
    return cv2.imdecode(coded, cv2.IMREAD_COLOR)


def resize(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """To 96 to 200 pixels, and back with the tile."""
    return _sized(image, int(rng.integers(96, 201)))


def recolour(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Another gamma, and another gain and offset of each band."""
    bright = 255 * (image / 255) ** rng.uniform(0.7, 1.5)
    return np.clip(bright * rng.uniform(0.8, 1.15, 3) + rng.uniform(-10, 10, 3), 0, 255).astype(np.uint8)


def everything(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Cropped, mirrored, recoloured and compressed."""
    return recompress(recolour(mirror(crop(image, rng), rng), rng), rng)


CHANGES: dict[str, Change] = {
    "crop": crop, "mirror": mirror, "recompression": recompress, "resize": resize, "colour shift": recolour,
    "all at once": everything,
}  # fmt: skip


def run() -> list[tuple[str, str, str]]:
    """Precision, recall (of all pairs, and of each change), time and growth."""
    names, pictures = _pictures()
    started = time.process_time()
    rng = np.random.default_rng(0)
    tiles, original, change = [], [], []
    for k, picture in enumerate(pictures):
        for number, apply in enumerate((lambda image, rng: image, *CHANGES.values())):
            tiles.append(_luma(apply(picture, rng)))
            original.append(k)
            change.append(number)
    _marks(tiles[0])  # compiles
    started = time.process_time()
    marks = [_marks(tile) for tile in tiles]
    marking = time.process_time() - started
    least = Params().duplicate_marks
    alike(marks[:20], np.arange(20), least)
    started = time.process_time()
    found = alike(marks, np.arange(len(marks)), least)
    matching = time.process_time() - started
    original, change = np.array(original), np.array(change)
    a, b = original[found.first], original[found.second]
    place = np.array([next((p for p in SAME_PLACE if name.startswith(p)), name) for name in names])
    right, wrong = a == b, (a != b) & (place[a] != place[b])
    pairs = len(pictures) * (len(CHANGES) + 1) * len(CHANGES) // 2
    what = f"{len(tiles):,} tiles of {len(pictures)} {'real' if FOLDERS and REALDATA.is_dir() else 'made'} pictures"
    rows = [
        (f"near-duplicates, precision at {least} marks, {what}", f"{right.sum() / max((right | wrong).sum(), 1):.4f} "
         f"({wrong.sum()} of {(right | wrong).sum():,} pairs are of different pictures)", "≥ 0.95"),
        ("near-duplicates, recall of all pairs", f"{right.sum() / pairs:.4f}", "≥ 0.95"),
    ]  # fmt: skip
    for number, name in enumerate(CHANGES, start=1):
        hit = right & (np.minimum(change[found.first], change[found.second]) == 0)
        hit &= np.maximum(change[found.first], change[found.second]) == number
        rows.append(
            (f"near-duplicates, recall of a picture and its {name}", f"{hit.sum() / len(pictures):.4f}", "≥ 0.95")
        )
    small = alike([_marks(_sized(tile, SMALL)) for tile in tiles], np.arange(len(tiles)), least)
    a, b = original[small.first], original[small.second]
    right, wrong = a == b, (a != b) & (place[a] != place[b])
    figures = f"{right.sum() / max((right | wrong).sum(), 1):.4f} and {right.sum() / pairs:.4f}"
    rows.append((f"near-duplicates, precision and recall with tiles of {SMALL}²", figures, "≥ 0.95"))
    size = np.mean([len(part) for part in marks])
    each = 1000 / len(tiles)
    cost = f"{each * marking:.2f} ms to mark, {each * matching:.2f} ms to match, {size:,.0f} bytes"
    return [*rows, ("near-duplicates, cost a tile, seven of each picture", cost, "—"), _growth(marks)]


def _growth(marks: list[bytes]) -> tuple[str, str, str]:
    """Time a picture to match many pictures over that of a tenth; marks of pictures with signatures drawn anew."""
    rng = np.random.default_rng(1)
    many = []
    for k in range(MANY):
        part = np.frombuffer(marks[k % len(marks)], MARK).copy()
        part["signature"] = rng.integers(0, 2**62, len(part), np.uint64) * np.uint64(2)
        many.append(part.tobytes())
    seconds = []
    for count in (MANY // 10, MANY):
        best = np.inf
        for _ in range(2):
            started = time.process_time()
            alike(many[:count], np.arange(count), 8)
            best = min(best, time.process_time() - started)
        seconds.append(best / count)
    ratio = f"{seconds[1] / seconds[0]:.2f}× ({1000 * seconds[1]:.2f} ms a picture)"
    return f"near-duplicates, time a picture with {MANY:,} pictures over {MANY // 10:,}", ratio, "about linear: ≤ 1.5×"


def _pictures() -> tuple[list[str], list[np.ndarray]]:
    """Names and middle squares of the real pictures; made ones where there are none."""
    paths = [path for folder in FOLDERS for path in sorted((REALDATA / folder).glob("*"))] if REALDATA.is_dir() else []
    paths = [path for path in paths if path.suffix.lower() in SUFFIXES]
    if not paths:
        return [f"made{k}" for k in range(MADE)], [synthetic(k, 2 * PX) for k in range(MADE)]
    return [Path(path).name for path in paths], [square(path) for path in paths]


def _sized(image: np.ndarray, side: int) -> np.ndarray:
    return cv2.resize(np.ascontiguousarray(image), (side, side), interpolation=cv2.INTER_AREA)


def _luma(image: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(_sized(image, PX), cv2.COLOR_RGB2GRAY)


def _marks(tile: np.ndarray) -> bytes:
    return window_marks(tile, np.zeros(1, np.int64), np.zeros(1, np.int64), tile.shape[0])[0]
