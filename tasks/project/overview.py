"""A picture of the stage's result: a map of the scenes and a contact sheet."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tasks.formats.tables.scenes import SceneReader
from tasks.relief.shade.coast import draw_coast
from tasks.relief.shade.hillshade import VOID, shaded_relief

_SHOWN, _COLUMNS, _THUMB = 24, 6, 240  # scenes on the sheet, scenes in a row, pixels of a scene's side


def overview(scenes: gpd.GeoDataFrame, folder: Path) -> Figure:
    """A world map of all scenes above a contact sheet of up to 24, evenly picked in name order.

    Args:
        scenes: the scene table, sorted. folder: `data/<dataset>`.
    """
    scenes = scenes.set_index("scene", drop=False)
    placed = scenes[scenes.geometry.notna()]
    picks = scenes.index[np.unique(np.linspace(0, len(scenes) - 1, min(_SHOWN, len(scenes))).astype(int))]
    rows = -(-len(picks) // _COLUMNS)
    map_height = 5.2 if len(placed) else 0.01
    figure = Figure(figsize=(14, map_height + 2.7 * rows), layout="constrained")
    above, below = figure.subfigures(2, 1, height_ratios=[map_height, 2.7 * rows])
    if len(placed):
        _maps(above, placed, len(scenes))
    with SceneReader(folder, scenes) as reader:
        axes = below.subplots(rows, _COLUMNS, squeeze=False).ravel()
        for axis in axes:
            axis.axis("off")
        for axis, name in zip(axes, picks, strict=False):
            _scene(axis, scenes.loc[name], reader)
    return figure


def _maps(figure: Figure, placed: gpd.GeoDataFrame, total: int) -> None:
    world, near = figure.subplots(1, 2, width_ratios=[1.6, 1])
    for axis in (world, near):
        axis.set_facecolor("#e8eef2")
        axis.grid(color="white", linewidth=0.8)
        axis.set_axisbelow(True)
    boxes = placed.geometry.bounds
    world.set(xlim=(-180, 180), ylim=(-90, 90), xticks=range(-180, 181, 30), yticks=range(-90, 91, 30), aspect=1)
    world.set_title(f"{total} scenes", fontsize=10, loc="left")
    placed.boundary.plot(ax=world, color="#c0392b", linewidth=0.8)
    middle = ((boxes["minx"] + boxes["maxx"]) / 2, (boxes["miny"] + boxes["maxy"]) / 2)
    # A scene across 180° or at a pole has no centre in these coordinates; its outline is enough.
    narrow = boxes["maxx"] - boxes["minx"] < 180
    world.scatter(middle[0][narrow], middle[1][narrow], s=14, color="#c0392b", zorder=3)
    first = placed[narrow.to_numpy()] if narrow.any() else placed
    _neighbourhood(near, first)
    for axis in (world, near):
        axis.set(xlabel="", ylabel="")
        if not placed["procedural"].all():  # a computed planet has other coasts
            draw_coast(axis)


def _neighbourhood(axis: Axes, placed: gpd.GeoDataFrame) -> None:
    """The area with the most scenes, enlarged, so that single outlines are visible."""
    centres = np.column_stack([placed.geometry.representative_point().x, placed.geometry.representative_point().y])
    close = (np.abs(centres[:, None] - centres[None]) <= 2.0).all(axis=2).sum(axis=1)
    lon, lat = centres[int(close.argmax())]
    half = max(1.5, 1.2 * (placed.geometry.bounds.iloc[int(close.argmax())].pipe(lambda b: b["maxy"] - b["miny"])))
    stretch = 1 / max(np.cos(np.radians(lat)), 0.1)
    placed.plot(ax=axis, facecolor="#c0392b22", edgecolor="#c0392b", linewidth=1)
    axis.set(xlim=(lon - half * stretch, lon + half * stretch), ylim=(lat - half, lat + half), aspect=stretch)
    axis.locator_params(nbins=5)
    axis.set_title("where they are densest", fontsize=10, loc="left")


def _scene(axis: Axes, row: object, reader: SceneReader) -> None:
    pictures = []
    step = max(1, -(-max(row.cols, row.rows) // _THUMB))
    for layer in reader.layers(row.scene):
        if layer == "height":
            # Takes every step-th pixel and no mean, so that voids stay sharp.
            height = reader.height(row.scene)[::step, ::step]
            pictures.append(shaded_relief(height, (row.gsd or 30.0) * step))
        else:
            *rgb, mask = reader.color(row.scene)[:, ::step, ::step]
            void = np.multiply(VOID, 255).astype(np.uint8)
            pictures.append(np.where(mask[..., None] > 0, np.stack(rgb, axis=-1), void))
    picture = np.concatenate(pictures, axis=1)
    axis.imshow(picture)
    size = f"{row.cols}×{row.rows} px" + (f" of {row.gsd:g} m" if row.gsd else "")
    holes = f"void {row.void_share:.1%}, filled {row.filled_share:.2%}" if row.void_share or row.filled_share else ""
    axis.set_title(f"{row.scene[:28]}\n{size}\n{holes}", fontsize=7)
