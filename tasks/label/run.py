"""label: the classes of the pixels. A dataset without labels gets an empty class card and no maps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from tasks.compute.parallel import parallel_map
from tasks.core.errors import LandloomError
from tasks.core.files import atomic_dir, write_json
from tasks.core.stage import Stage
from tasks.formats.tables.classes import empty_classes, write_classes
from tasks.formats.tables.scenes import read_scenes
from tasks.formats.tables.tiles import kept, read_tiles
from tasks.label.classifier import Classifier, read_pinned
from tasks.label.fit import Found, find_classes
from tasks.label.paint import jobs, paint
from tasks.label.params import Params
from tasks.label.pictures import draw_fit, draw_maps, medoids
from tasks.label.traits import traits

SHOWN = ("classes", "labelled_scenes")


def run(stage: Stage[Params]) -> None:
    """Find the classes, or use those of an earlier run; write `labels/`."""
    method = stage.params.method
    if method.name == "none":
        with atomic_dir(stage.dir / "labels") as folder:
            write_classes(empty_classes(), folder)
        stage.metrics({"classes": 0, "labelled_scenes": 0}, shown=SHOWN)
        stage.say("no labels: an empty class card")
        return
    tiles = kept(read_tiles(stage.dir / "tiles.parquet")).reset_index(drop=True)
    scenes, layers, gsd = _scenes(stage, tiles)
    if method.name == "cluster":
        found = find_classes(stage, method, tiles, scenes, layers, gsd)
        classifier = found.classifier
    else:
        found, classifier = None, read_pinned(method, stage.root, "label.method")
        _fits(classifier, layers, gsd)
    with atomic_dir(stage.dir / "labels") as folder:
        counts = _paint(stage, tiles, scenes, classifier, folder)
        write_classes(pd.DataFrame(classifier.classes), folder)
        classifier.write(folder / "classifier.json")
        card = _card(classifier, counts.sum(axis=0), found, tiles)
        write_json(folder / "card.json", card)
    for one in found.evidence if found else []:
        measures = {"k": one.k, "stability": one.stability, "silhouette": one.silhouette, "dbcv": one.dbcv}
        stage.metrics(measures, step=one.k)
    stage.metrics(_summary(card, scenes), shown=SHOWN)
    if found:
        draw_fit(stage, found, card, tiles, scenes)
    draw_maps(stage, tiles, scenes, layers, classifier, counts)
    stage.artifact(stage.dir / "labels" / "card.json")
    stage.say(f"{len(card['classes'])} classes: {', '.join(one['name'] for one in card['classes'])}")


def _scenes(stage: Stage[Params], tiles: gpd.GeoDataFrame) -> tuple[gpd.GeoDataFrame, tuple[str, ...], float | None]:
    """The scenes that have kept tiles, the layers that all of them have, and their one GSD."""
    if not len(tiles):
        raise LandloomError(f"{stage.dir / 'tiles.parquet'}: no tile was kept; loosen select's rules")
    table = read_scenes(stage.dir / "scenes.parquet")
    lost = ~tiles["scene"].isin(table.index)
    if lost.any():
        raise LandloomError(
            f"{stage.dir / 'tiles.parquet'}: tile {tiles['key'][lost].iloc[0]} lies in a scene that scenes.parquet "
            "does not have; run select again"
        )
    scenes = table.loc[np.unique(tiles["scene"])]
    has = {layer: scenes[layer].map(lambda name: isinstance(name, str)) for layer in ("height", "color")}
    for layer, every in has.items():
        if every.any() and not every.all():
            raise LandloomError(
                f"scene {every.idxmin()} has no {layer} layer, scene {every.idxmax()} has one; "
                "classes need the same layers everywhere: drop one kind in acquire or select"
            )
    layers = tuple(layer for layer, every in has.items() if every.all())
    gsd = scenes["gsd"].astype(float).round(3).unique()
    if len(gsd) > 1:
        raise LandloomError(
            f"scene {scenes.index[0]} has {gsd[0]:g} m a pixel, another has {gsd[1]:g}; classes look at surroundings "
            "in pixels and need one GSD: set project.method to local_equal_area"
        )
    if "height" in layers and np.isnan(gsd[0]):
        raise LandloomError(
            f"scene {scenes.index[0]} has heights but no GSD, so its slopes are unknown; give it a CRS in project"
        )
    method = stage.params.method
    if method.name == "cluster" and method.features.lightness == "corrected" and len(layers) < 2:
        raise LandloomError(
            f"label.method.features.lightness: corrected needs heights and colours, and there is only {layers[0]}; "
            "take none, or raw to use lightness as it is"
        )
    return scenes, layers, None if np.isnan(gsd[0]) else float(gsd[0])


def _fits(classifier: Classifier, layers: tuple[str, ...], gsd: float | None) -> None:
    """Raise `LandloomError` where the scenes have other layers or another GSD than the classifier was fitted for."""
    if classifier.layers != layers:
        raise LandloomError(
            f"classifier: it uses {' and '.join(classifier.layers)}, and the scenes have {' and '.join(layers)}"
        )
    if (classifier.gsd is None) != (gsd is None) or (gsd is not None and abs(classifier.gsd / gsd - 1) > 0.05):
        raise LandloomError(f"classifier: it was fitted at {classifier.gsd} m a pixel, and the scenes have {gsd}")


def _paint(
    stage: Stage[Params], tiles: gpd.GeoDataFrame, scenes: gpd.GeoDataFrame, classifier: Classifier, folder: Path
) -> np.ndarray:
    """Write all maps; returns the pixels of each class in each tile, (tiles, 256), in the order of `tiles`."""
    place = tiles[["key", "scene", "row", "col", "px"]].copy()
    # The random share depends on the key alone, so other tiles do not change a tile's smoothing.
    place["share"] = [float(stage.rng("smooth", key).random()) for key in place["key"]]
    place["index"] = np.arange(len(place))
    place = pd.DataFrame(place).sort_values(["scene", "index"])
    work = jobs(scenes, place, stage.dir, folder, classifier, stage.params.method.smoothing)
    painted = list(stage.progress(parallel_map(paint, work, stage.compute), len(work), "batches of scenes"))
    counts = np.empty((len(tiles), 256), np.int64)
    counts[place["index"].to_numpy()] = np.concatenate(painted)
    return counts


def _card(classifier: Classifier, pixels: np.ndarray, found: Found | None, tiles: gpd.GeoDataFrame) -> dict[str, Any]:
    """The full class card: facts of each class, its share of the tiles, and its most typical pixels."""
    total = max(int(pixels[:255].sum()), 1)
    classes = [one | {"share": round(int(pixels[one["id"]]) / total, 6)} for one in classifier.classes]
    card: dict[str, Any] = {"classes": classes, "without_class": round(int(pixels[255]) / int(pixels.sum()), 6)}
    if found is None:
        return card
    means = traits(found.sample.planes, classifier.names, found.sample.color, found.labels, len(classes))
    for one, (_, row), shown in zip(classes, means.iterrows(), medoids(found, len(classes)), strict=True):
        one["means"] = {name: round(float(value), 4) for name, value in row.items()}
        one["medoids"] = [
            {
                "tile": tiles["key"][found.sample.tile[i]],
                "row": int(found.sample.row[i]),
                "col": int(found.sample.col[i]),
            }
            for i in shown
        ]
    chosen = next(one for one in found.evidence if one.k == found.k)
    return card | {
        "k": found.k,
        "stability": round(chosen.stability, 4),
        "silhouette": round(chosen.silhouette, 4),
        "dbcv": round(chosen.dbcv, 4),
        "dense_clusters": found.dense,
        "noise_share": round(float(found.noise.mean()), 4),
        "student_agreement": round(found.agreement, 4),
        "sampled_pixels": len(found.sample),
    }


def _summary(card: dict[str, Any], scenes: gpd.GeoDataFrame) -> dict[str, float]:
    figures = {name: value for name, value in card.items() if isinstance(value, int | float)}
    shares = {f"share_{one['id']:02}": one["share"] for one in card["classes"]}
    return {"classes": len(card["classes"]), "labelled_scenes": len(scenes)} | figures | shares
