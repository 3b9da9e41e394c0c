"""Class maps of scenes and of their tiles: the work of one worker."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import cv2
import geopandas as gpd
import numpy as np
import pandas as pd

from tasks.formats.tables.labels import MapWriter
from tasks.formats.tables.packs import packed
from tasks.formats.tables.scenes import SceneReader, scene_pack
from tasks.label.classifier import Classifier
from tasks.label.params import Smoothing
from tasks.label.smooth import class_map, strength
from tasks.label.views import Views

BLOCK = 512  # side in pixels of the block that is measured at a time
BATCH_PX = 1 << 23  # pixels of the scenes in one job


@dataclass(frozen=True)
class Job:
    """Some scenes, their kept tiles with the `share` of smoothing of each, and the classifier."""

    scenes: gpd.GeoDataFrame
    tiles: pd.DataFrame
    data: Path
    target: Path
    classifier: Classifier
    smoothing: Smoothing


def jobs(
    scenes: gpd.GeoDataFrame, tiles: pd.DataFrame, data: Path, target: Path, classifier: Classifier,
    smoothing: Smoothing,
) -> list[Job]:  # fmt: skip
    """All scenes with tiles, in order, in jobs of about `BATCH_PX` pixels; scenes of one pack stay in one job."""
    sizes = (scenes["rows"] * scenes["cols"]).to_numpy()
    number = pd.Series((np.cumsum(sizes) - sizes) // BATCH_PX)
    packs = pd.Series([scene_pack(scene) or scene.scene for scene in scenes.itertuples()])
    number = number.groupby(packs).transform("first").to_numpy()
    groups = dict(list(tiles.groupby("scene")))
    parts = [scenes[number == value] for value in np.unique(number)]
    return [
        Job(part, pd.concat([groups[name] for name in part.index]), data, target, classifier, smoothing)
        for part in parts
    ]


def paint(job: Job) -> np.ndarray:
    """Write the maps of all scenes of a job; returns (tiles, 256) pixels of each class, in the job's order of tiles."""
    cv2.setNumThreads(1)  # processes already use the cores
    counts = []
    with SceneReader(job.data, job.scenes) as reader:
        views = Views(reader, job.scenes, job.classifier.layers, job.classifier.features)
        for pack, scenes in groupby(job.scenes.itertuples(), scene_pack):
            with packed(job.target, pack) as folder:
                for scene in scenes:
                    counts += _paint_scene(views, job, scene, folder)
    return np.array(counts)


def _paint_scene(views: Views, job: Job, scene: tuple, folder: Path) -> list[np.ndarray]:
    """Write the maps of a scene; (256,) pixels of each class for each of its tiles."""
    probabilities, known = classify(views, job.classifier, scene.scene, int(scene.rows), int(scene.cols))
    tiles = job.tiles[job.tiles["scene"] == scene.scene]
    counts = []
    with MapWriter(folder, scene) as maps:
        for tile in tiles.itertuples():
            drawn = tile_map(probabilities, known, tile, job.smoothing)
            counts.append(np.bincount(drawn.ravel(), minlength=256))
            if len(tiles) == 1 and drawn.shape == known.shape:  # the tile is the whole scene
                maps.whole(drawn)
                return counts
            maps.tile(tile.key, drawn)
        maps.whole(class_map(probabilities, known, strength(job.smoothing, 0.5)))
    return counts


def classify(views: Views, classifier: Classifier, scene: str, rows: int, cols: int) -> tuple[np.ndarray, np.ndarray]:
    """Class probabilities uint8 (k, rows, cols) of a whole scene, and its pixels without voids, bool (rows, cols)."""
    result = np.zeros((len(classifier.classes), rows, cols), np.uint8)
    known = np.zeros((rows, cols), bool)
    for row, col, height, width in _blocks(rows, cols):
        view = views.look(scene, row, col, height, width)
        place = slice(row, row + height), slice(col, col + width)
        known[place] = view.known
        found = classifier.probabilities(view.planes.reshape(len(view.planes), -1)).reshape(-1, height, width)
        result[(slice(None), *place)] = found * view.known
    return result, known


def tile_map(probabilities: np.ndarray, known: np.ndarray, tile: tuple, smoothing: Smoothing) -> np.ndarray:
    """Classes of one tile, with its own smoothing, uint8 (px, px)."""
    how = strength(smoothing, tile.share)
    rows, cols = known.shape
    top, left = max(tile.row - how.margin, 0), max(tile.col - how.margin, 0)
    around = (
        slice(top, min(tile.row + tile.px + how.margin, rows)),
        slice(left, min(tile.col + tile.px + how.margin, cols)),
    )
    drawn = class_map(probabilities[(slice(None), *around)], known[around], how)
    return drawn[tile.row - top :, tile.col - left :][: tile.px, : tile.px]


def _blocks(rows: int, cols: int) -> Iterator[tuple[int, int, int, int]]:
    for row in range(0, rows, BLOCK):
        for col in range(0, cols, BLOCK):
            yield row, col, min(BLOCK, rows - row), min(BLOCK, cols - col)
