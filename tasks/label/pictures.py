"""Pictures of the classes: the embedding, the class card, the evidence for their number, tiles beside their labels."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from tasks.core.stage import Stage
from tasks.formats.tables.classes import NO_CLASS
from tasks.formats.tables.labels import MapReader
from tasks.formats.tables.scenes import SceneReader
from tasks.formats.tables.tiles import window
from tasks.label.classifier import Classifier
from tasks.label.fit import Found
from tasks.relief.shade.hillshade import shaded_relief

PATCH, PATCHES = 48, 6  # side in pixels of a medoid's surroundings, and medoids that are shown for a class
SHOWN = 12  # tiles beside their labels
NOWHERE = (255, 0, 255)  # colour of pixels without a class


def draw_fit(
    stage: Stage, found: Found, card: dict[str, Any], tiles: gpd.GeoDataFrame, scenes: gpd.GeoDataFrame
) -> None:
    """Pictures of a fit: embedding, class card, evidence."""
    stage.picture("embedding", _embedding(found))
    stage.picture("classes", _card(stage, found, card, tiles, scenes))
    stage.picture("evidence", _evidence(found))


def medoids(found: Found, k: int) -> list[np.ndarray]:
    """Indices of the sampled pixels nearest to the centre of each class, best first, each in another tile."""
    chosen = []
    for number in range(k):
        index = np.flatnonzero(found.labels == number)
        middle = np.median(found.scaled[index], axis=0)
        index = index[np.argsort(np.square(found.scaled[index] - middle).sum(axis=1), kind="stable")]
        _, first = np.unique(found.sample.tile[index], return_index=True)
        chosen.append(index[np.sort(first)][:PATCHES])
    return chosen


def draw_maps(
    stage: Stage, tiles: gpd.GeoDataFrame, scenes: gpd.GeoDataFrame, layers: tuple[str, ...], classifier: Classifier,
    counts: np.ndarray,
) -> None:  # fmt: skip
    """Tiles beside their labels: those with the most mixed classes of a random draw."""
    rng = stage.rng("shown")
    share = counts[:, :NO_CLASS] / np.maximum(counts[:, :NO_CLASS].sum(axis=1, keepdims=True), 1)
    mixed = -(share * np.log(np.maximum(share, 1e-12))).sum(axis=1)
    drawn = rng.permutation(len(tiles))[: 4 * SHOWN]
    picked = np.sort(drawn[np.argsort(-mixed[drawn], kind="stable")][:SHOWN])
    lut = _colors(classifier)
    figure = Figure(figsize=(15, 2.6 * -(-len(picked) // 3) + 0.5), facecolor="white")
    axes = figure.subplots(-(-len(picked) // 3), 6, squeeze=False).ravel()
    for axis in axes:
        axis.axis("off")
    ordered = tiles.iloc[picked].sort_values(["scene", "row", "col"])
    with SceneReader(stage.dir, scenes) as reader, MapReader(stage.dir / "labels", scenes) as maps:
        for tile, pair in zip(ordered.itertuples(), axes.reshape(-1, 2), strict=False):
            pair[0].imshow(_picture(reader, tile.scene, window(tile), layers, scenes), interpolation="nearest")
            pair[1].imshow(lut[maps.read(tile)], interpolation="nearest")
            pair[0].set_title(tile.key, fontsize=8, color="0.4", loc="left")
    handles = [Rectangle((0, 0), 1, 1, color=lut[one["id"]] / 255) for one in classifier.classes]
    names = [one["name"] for one in classifier.classes]
    figure.legend(handles, names, loc="lower center", ncols=min(len(names), 10), frameon=False, fontsize=9)
    figure.subplots_adjust(left=0.01, right=0.99, top=0.97, bottom=0.06, wspace=0.04, hspace=0.12)
    stage.picture("tiles", figure)


def _embedding(found: Found) -> Figure:
    """The first two principal axes of the embedding, in the classes' colours; noise small and grey."""
    lut = _colors(found.classifier)
    centred = found.points - found.points.mean(axis=0)
    _, axes = np.linalg.eigh(centred.T.astype(np.float64) @ centred)
    axes = axes[:, ::-1][:, :4]
    axes = axes * np.where(
        axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])] < 0, -1, 1
    )  # fixes the sign, which is arbitrary
    flat = centred @ axes
    pairs = [(0, 1)] if flat.shape[1] < 4 else [(0, 1), (2, 3)]
    figure = Figure(figsize=(7 * len(pairs) + 2, 6.5), facecolor="white", layout="constrained")
    panels = figure.subplots(1, len(pairs), squeeze=False).ravel()
    for panel, (one, other) in zip(panels, pairs, strict=True):
        quiet = found.noise
        panel.scatter(flat[quiet, one], flat[quiet, other], s=2, c="0.75", linewidths=0, rasterized=True)
        solid = ~quiet
        panel.scatter(
            flat[solid, one], flat[solid, other], s=5, c=lut[found.labels[solid]] / 255, linewidths=0, rasterized=True
        )
        panel.set_xlabel(f"principal axis {one + 1} of the embedding")
        panel.set_ylabel(f"principal axis {other + 1}")
        panel.set_facecolor("0.96")
        panel.spines[["top", "right"]].set_visible(False)
    handles = [Rectangle((0, 0), 1, 1, color=lut[one["id"]] / 255) for one in found.classifier.classes]
    handles.append(Rectangle((0, 0), 1, 1, color="0.75"))
    names = [one["name"] for one in found.classifier.classes] + [f"noise ({found.noise.mean():.0%})"]
    figure.legend(handles, names, loc="outside right center", frameon=False)
    figure.suptitle(f"{len(found.points):,} pixels, embedded by UMAP, {found.k} clusters")
    return figure


def _card(
    stage: Stage, found: Found, card: dict[str, Any], tiles: gpd.GeoDataFrame, scenes: gpd.GeoDataFrame
) -> Figure:
    """One row for each class: colour, name, share, means, and the surroundings of its most typical pixels."""
    classes, layers = card["classes"], found.classifier.layers
    lut = _colors(found.classifier)
    figure = Figure(figsize=(15, 1.75 * len(classes) + 0.3), facecolor="white")
    axes = figure.subplots(
        len(classes), PATCHES + 2, squeeze=False, gridspec_kw={"width_ratios": [0.7, 2.2] + [1] * PATCHES}
    )
    with SceneReader(stage.dir, scenes) as reader:
        for one, row, shown in zip(classes, axes, medoids(found, len(classes)), strict=True):
            for axis in row:
                axis.axis("off")
            row[0].add_patch(Rectangle((0, 0), 1, 1, color=lut[one["id"]] / 255, transform=row[0].transAxes))
            row[1].text(
                0, 0.95, f"{one['id']}  {one['name']}", fontsize=14, weight="bold", va="top", transform=row[1].transAxes
            )
            row[1].text(
                0, 0.70, "\n".join(_facts(one)), fontsize=9, va="top", linespacing=1.35, transform=row[1].transAxes
            )
            for axis, index in zip(row[2:], shown, strict=False):
                tile = tiles.iloc[found.sample.tile[index]]
                place, row_px, col_px = _around(tile, found.sample.row[index], found.sample.col[index])
                axis.imshow(_picture(reader, tile.scene, place, layers, scenes), interpolation="nearest")
                axis.plot(col_px, row_px, marker="o", ms=7, mfc="none", mec="white", mew=2.4)
                axis.plot(col_px, row_px, marker="o", ms=7, mfc="none", mec="black", mew=1)
    figure.subplots_adjust(left=0.01, right=0.99, top=0.985, bottom=0.015, wspace=0.06, hspace=0.12)
    return figure


def _facts(one: dict[str, Any]) -> list[str]:
    means = one["means"]
    lines = [f"{one['share']:.1%} of the tiles, {means['pixels']:.0f} sampled pixels"]
    if "height" in means:
        lines += [
            f"height {means['height']:,.0f} m, slope {means['slope']:.2g}°",
            f"relief {means['relief']:,.0f} m, {means['over']:+,.0f} m over surroundings",
        ]
    if "red" in means:
        lines.append(
            "RGB {red:.0f} {green:.0f} {blue:.0f}, greenness {greenness:+.2f}, warmth {warmth:+.2f}".format(**means)
        )
    return lines


def _evidence(found: Found) -> Figure:
    """The three measures over the number of classes; the chosen number is marked."""
    figure = Figure(figsize=(8, 4.5), facecolor="white", layout="constrained")
    axis = figure.subplots()
    ks = [one.k for one in found.evidence]
    for name, label in (
        ("stability", "stability (adjusted Rand, halves of the sample)"),
        ("silhouette", "silhouette"),
        ("dbcv", "DBCV"),
    ):
        axis.plot(ks, [getattr(one, name) for one in found.evidence], marker="o", label=label)
    axis.axvline(found.k, color="0.6", linestyle="--", zorder=0, label=f"taken: {found.k}")
    axis.set_xticks(ks)
    axis.set_xlabel(f"number of classes (dense clusters: {found.dense})")
    axis.set_ylabel("higher is better, 1 at most")
    axis.grid(alpha=0.3)
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(frameon=False)
    return figure


def _around(tile: Any, row: int, col: int) -> tuple[Any, float, float]:
    """A window of the tile around one of its pixels, and the pixel's position in the window."""
    side = min(PATCH, int(tile.px))
    top = int(np.clip(row - side // 2, 0, tile.px - side))
    left = int(np.clip(col - side // 2, 0, tile.px - side))
    return type(window(tile))(tile.col + left, tile.row + top, side, side), row - top, col - left


def _picture(
    reader: SceneReader, scene: str, place: Any, layers: tuple[str, ...], scenes: gpd.GeoDataFrame
) -> np.ndarray:
    """Colours, or shaded heights where there are no colours, uint8 (H, W, 3)."""
    if "color" in layers:
        rgba = reader.color(scene, place)
        return np.where(rgba[3][..., None] > 0, rgba[:3].transpose(1, 2, 0), np.array(NOWHERE, np.uint8))
    return shaded_relief(reader.height(scene, place), float(scenes.gsd[scene]), 0.0, 3000.0)


def _colors(classifier: Classifier) -> np.ndarray:
    """Colour of each label, uint8 (256, 3)."""
    lut = np.tile(np.array(NOWHERE, np.uint8), (256, 1))
    for one in classifier.classes:
        lut[one["id"]] = one["red"], one["green"], one["blue"]
    return lut
