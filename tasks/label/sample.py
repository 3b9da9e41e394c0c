"""The sample of pixels to cluster: drawn evenly over regions, slopes and elevations.

A draw by area would be mostly open sea, or mostly plains, and rare ground would get no class. Pixels with the same
features (the sea) are thinned, because many copies of one point would form a cluster of their own in the embedding.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import geopandas as gpd
import numpy as np
import pandas as pd

from tasks.compute.parallel import parallel_map
from tasks.core.errors import LandloomError
from tasks.core.stage import Stage
from tasks.formats.tables.scenes import SceneReader
from tasks.label.params import Features
from tasks.label.params import Sample as SampleParams
from tasks.label.views import Views

BATCH = 256  # tiles in one batch for a worker
SPREAD = 4  # pixels measured for each one that is clustered; the classifier learns from all of them
FEWEST = 8  # fewest pixels to measure in a tile

FINE = 0.2  # standard deviations; pixels nearer than this in every feature are copies


@dataclass
class Pixels:
    """Sampled pixels, one row each.

    Attributes:
        planes: float32 (n, F) features. color: uint8 (n, 3), zeros without colours.
        tile: (n,) index into the table of tiles; row, col: (n,) pixels in the tile.
    """

    planes: np.ndarray
    color: np.ndarray
    tile: np.ndarray
    row: np.ndarray
    col: np.ndarray

    def __len__(self) -> int:
        return len(self.planes)

    def take(self, index: np.ndarray) -> Pixels:
        """Some of the rows."""
        return Pixels(*(getattr(self, name)[index] for name in ("planes", "color", "tile", "row", "col")))


@dataclass(frozen=True)
class Look:
    """Input of a worker that measures pixels of some tiles: rows of the table with a `place` and a `seed`."""

    tiles: pd.DataFrame
    scenes: gpd.GeoDataFrame
    folder: Path
    layers: tuple[str, ...]
    settings: Features
    each: int


def draw_pixels(
    stage: Stage, tiles: pd.DataFrame, scenes: gpd.GeoDataFrame, layers: tuple[str, ...], settings: Features,
    sample: SampleParams,
) -> Pixels:  # fmt: skip
    """Measure `SPREAD` times as many pixels as will be clustered, evenly over the tiles.

    Memory and time depend only on the size of the sample: of very many tiles, some are drawn region by region.
    """
    wanted = SPREAD * sample.pixels
    each = min(sample.per_tile, max(-(-wanted // len(tiles)), min(FEWEST, sample.per_tile)))
    rng = stage.rng("tiles")
    table = pd.DataFrame(
        {"scene": tiles["scene"], "row": tiles["row"], "col": tiles["col"], "px": tiles["px"]}
    ).reset_index(drop=True)
    table["place"] = np.arange(len(table))
    table["seed"] = rng.integers(0, 2**31, len(table))
    shuffled = rng.permutation(len(table))
    turn = pd.Series(shuffled).groupby(tiles["region"].to_numpy()[shuffled]).cumcount().to_numpy()
    first = shuffled[np.argsort(turn, kind="stable")][
        : -(-wanted // each)
    ]  # the first of each region, then the second, and so on
    table = table.loc[np.sort(first)].sort_values(["scene", "row", "col"])
    parts = [table.iloc[start : start + BATCH] for start in range(0, len(table), BATCH)]
    looks = [Look(part, scenes.loc[part["scene"].unique()], stage.dir, layers, settings, each) for part in parts]
    found = list(stage.progress(parallel_map(_look, looks, stage.compute), len(looks), f"batches of {BATCH} tiles"))
    pixels = Pixels(*(np.concatenate([getattr(part, name) for part in found]) for name in Pixels.__annotations__))
    if len(pixels) < 100:
        raise LandloomError(f"label: only {len(pixels)} pixels of the kept tiles have values; classes need more")
    return pixels


def _look(job: Look) -> Pixels:
    """Features of `each` random pixels of every tile, without voids."""
    cv2.setNumThreads(1)  # processes already use the cores
    found = []
    with SceneReader(job.folder, job.scenes) as reader:
        views = Views(reader, job.scenes, job.layers, job.settings)
        for tile in job.tiles.itertuples():
            view = views.look(tile.scene, tile.row, tile.col, tile.px, tile.px)
            known = np.flatnonzero(view.known)
            rng = np.random.default_rng(tile.seed)
            picked = np.sort(rng.choice(known, min(job.each, len(known)), replace=False))
            row, col = np.divmod(picked, tile.px)
            color = np.zeros((len(picked), 3), np.uint8) if view.color is None else view.color[:, row, col].T
            place = np.full(len(picked), tile.place)
            found.append(Pixels(view.planes[:, row, col].T, color, place, row, col))
    return Pixels(*(np.concatenate([getattr(part, name) for part in found]) for name in Pixels.__annotations__))


def choose(scaled: np.ndarray, strata: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Indices of at most `count` pixels, drawn evenly from the strata, without copies.

    Args:
        scaled: (n, F) scaled features. strata: (n,) whole numbers.
    """
    order = rng.permutation(len(scaled))
    cell = FINE * float(
        np.sqrt(scaled.var(axis=0).mean())
    )  # relative to the deviation of a typical feature, for any weights
    alike = np.unique(np.round(scaled / max(cell, 1e-9)).astype(np.int16), axis=0, return_inverse=True)[1].ravel()
    order = order[_turns(alike[order]) < 3]
    # Takes the first of every stratum, then the second, and so on until there are enough.
    order = order[np.argsort(_turns(strata[order]), kind="stable")]
    return np.sort(order[:count])


def strata(planes: np.ndarray, names: list[str], region: np.ndarray, sample: SampleParams) -> np.ndarray:
    """A number for each combination of region, slope and elevation; without heights, of region and greenness."""
    column = {name: planes[:, k] for k, name in enumerate(names)}
    parts = [np.unique(region.astype(str), return_inverse=True)[1]]
    if "height" in column:
        metres = np.copysign(np.expm1(np.abs(column["height"])), column["height"])
        degrees = np.degrees(np.arctan(np.expm1(column["slope"]) / 100))
        parts += [np.digitize(metres, sample.elevation_m), np.digitize(degrees, sample.slope_deg)]
    else:
        green = column["excess_green"]
        parts += [np.digitize(green, np.quantile(green, [0.2, 0.4, 0.6, 0.8]))]
    return np.unique(np.stack(parts, axis=1), axis=0, return_inverse=True)[1].ravel()


def _turns(groups: np.ndarray) -> np.ndarray:
    """For each member, the number of earlier members of its group."""
    order = np.argsort(groups, kind="stable")
    counts = np.bincount(groups)
    turn = np.empty(len(groups), np.int64)
    turn[order] = np.arange(len(groups)) - np.repeat(np.cumsum(counts) - counts, counts)
    return turn
