"""Pictures of the stage: kept tiles, dropped tiles by reason, statistics before and after, and a map.

Where tiles are pictures without heights, nothing here speaks of metres.
"""

from __future__ import annotations

from textwrap import fill

import geopandas as gpd
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

from tasks.core.stage import Stage
from tasks.formats.tables.scenes import SceneReader
from tasks.formats.tables.tiles import window
from tasks.relief.shade.coast import draw_coast
from tasks.relief.shade.hillshade import shaded_relief
from tasks.select.columns import PICTURE, STATISTICS
from tasks.select.contact_sheets import contact_sheets
from tasks.select.footprints import EARTH_KM
from tasks.select.order import shuffled
from tasks.select.params import Params
from tasks.select.stratify import Scale, scales
from tasks.select.verdict import DUPLICATE, OVER, STRADDLES

ACROSS = 9  # tiles in a row of a sheet
KEPT_ROWS, REASONS = 5, 9  # most rows of a sheet
PANELS = 9  # most panels of the map
APART_KM = 200.0  # scenes nearer than this many kilometres share a panel
LEAST_SPAN = 40.0  # least range of a picture's tints in metres, so that noise on a plain does not look like relief
SHOWN = ("relief", "slope_mean", "roughness", "entropy_height", "sea_share", "h_mean")
SHOWN_OF_COLOR = ("color_mean", "rgb_std", "colorfulness", "sharpness", "blocks", "text_share", "seam")
LOGARITHMIC = {"relief", "roughness"}
HEADROOM = 1.15  # of the height of the bars, for a legend above them
TRAIN, VAL = "train", "val"
COLORS = {
    TRAIN: "#2f7d4f",
    VAL: "#d1495b",
    STRADDLES: "#edae49",
    OVER: "#9fb8c8",
    DUPLICATE: "#7a5c99",
    "a rule": "#dedad4",
}


def draw(stage: Stage[Params], scenes: gpd.GeoDataFrame, tiles: gpd.GeoDataFrame) -> None:
    """Write all pictures of the stage."""
    with SceneReader(stage.dir, scenes) as reader:
        stage.picture("kept", kept_sheet(reader, tiles))
        if not tiles["keep"].all():
            stage.picture("dropped", dropped_sheet(reader, tiles, stage.seed))
        for name, sheet in contact_sheets(reader, tiles, stage.seed):
            stage.picture(name, sheet)
    stage.picture("histograms", histograms(tiles, stage.params))
    if tiles["lat"].notna().any():
        stage.picture("map", tile_map(tiles, stage.params))


def kept_sheet(reader: SceneReader, tiles: gpd.GeoDataFrame) -> Figure:
    """Kept tiles from the least relief (or contrast) to the most, in even steps."""
    kept = tiles[tiles["keep"]]
    by = kept["relief"].fillna(kept["color_std"])
    order = np.argsort(by.to_numpy(), kind="stable")
    places = np.linspace(0, len(kept) - 1, min(KEPT_ROWS * ACROSS, len(kept))).round().astype(int)
    chosen = kept.iloc[order[places]]
    what = "relief" if kept["relief"].notna().any() else "contrast"
    title = f"Kept: {len(chosen)} of {len(kept)} tiles, from the least {what} to the most"
    groups = [("", chosen.iloc[k : k + ACROSS]) for k in range(0, len(chosen), ACROSS)]
    return _sheet(title, groups, reader)


def dropped_sheet(reader: SceneReader, tiles: gpd.GeoDataFrame, seed: int) -> Figure:
    """Some dropped tiles of each reason, the commonest reasons first."""
    dropped = tiles[~tiles["keep"]]
    counts = dropped["reason"].value_counts()
    groups = []
    for reason in sorted(counts.index, key=lambda reason: (-counts[reason], reason))[:REASONS]:
        group = dropped[dropped["reason"] == reason].sort_values("key")
        chosen = group.iloc[np.sort(shuffled(group["key"].tolist(), seed, "sheet")[:ACROSS])]
        groups.append((f"{reason}: {counts[reason]}", chosen))
    return _sheet(f"Dropped: {len(dropped)} of {len(tiles)} tiles", groups, reader)


def _sheet(title: str, groups: list[tuple[str, pd.DataFrame]], reader: SceneReader) -> Figure:
    """A row of tiles for each group with the group's name above, and relief or contrast under each tile."""
    wide, tall = ACROSS * 1.08, sum(1.24 + 0.2 * bool(name) for name, _ in groups)
    figure = Figure(figsize=(13, 13 * tall / wide + 0.45), facecolor="white")
    height = figure.get_figheight()
    axis = figure.add_axes((0.01, 0, 0.98, 1 - 0.45 / height))
    figure.text(0.5, 1 - 0.16 / height, title, fontsize=12, ha="center", va="top")
    axis.axis("off")
    top = 0.0
    for name, tiles in groups:
        top += 0.2 * bool(name)
        axis.text(0, top - 0.04, name, fontsize=10, va="bottom")
        for column, tile in enumerate(tiles.itertuples()):
            left = column * 1.08
            axis.imshow(tile_picture(reader, tile), extent=(left, left + 1, top + 1, top), interpolation="nearest")
            text = f"{tile.relief:,.0f} m" if np.isfinite(tile.relief) else f"contrast {tile.color_std:.0f}"
            text = text if tile.void_share < 1 else "void"
            axis.text(left + 0.5, top + 1.03, text, ha="center", va="top", fontsize=8, color="0.35")
        top += 1.24
    axis.set_xlim(0, wide)
    axis.set_ylim(top, 0)
    return figure


def tile_picture(reader: SceneReader, tile: tuple) -> np.ndarray:
    """A tile as uint8 (px, px, 3) with north up: its colours, or its heights as shaded relief without colours."""
    if "color" in reader.layers(tile.scene):
        return np.moveaxis(reader.color(tile.scene, window(tile))[:3], 0, -1)
    heights = reader.height(tile.scene, window(tile))
    low = tile.h_min if np.isfinite(tile.h_min) else 0.0
    high = tile.h_max if np.isfinite(tile.h_max) else 0.0
    gsd = tile.gsd if np.isfinite(tile.gsd) else 1.0
    return shaded_relief(heights, gsd, low, max(high, low + LEAST_SPAN))


def histograms(tiles: gpd.GeoDataFrame, params: Params) -> Figure:
    """Main statistics of all tiles and of the kept tiles, and the balance of relief before and after the choice."""
    has_heights = tiles["relief"].notna().any()
    shown = [name for name in (SHOWN if has_heights else SHOWN_OF_COLOR) if name in tiles and tiles[name].notna().any()]
    figure = Figure(figsize=(13, 7.2), facecolor="white", layout="constrained")
    axes = figure.subplots(2, 4).ravel()
    for axis in axes:
        axis.axis("off")
    for axis, name in zip(axes, shown, strict=False):
        axis.axis("on")
        _histogram(axis, tiles, name)
    _legend(axes[0])
    for scale in scales(tiles, params)[:1]:
        _balance(axes[len(shown)], tiles, scale)
    return figure


def _histogram(axis: Axes, tiles: gpd.GeoDataFrame, name: str) -> None:
    """Histograms of one statistic for all tiles and for kept tiles, in shares."""
    values = tiles[name].to_numpy()
    known = np.isfinite(values)
    logarithmic = name in LOGARITHMIC and (values[known] > 0).any()
    known &= (values > 0) | (not logarithmic)
    low, high = values[known].min(), values[known].max()
    high = high if high > low else low + 1
    edges = np.geomspace(low, high, 41) if logarithmic else np.linspace(low, high, 41)
    for label, mask, color, kind in (
        ("all tiles", known, "#c9c2b8", "stepfilled"),
        ("kept", known & tiles["keep"].to_numpy(), COLORS[TRAIN], "step"),
    ):
        weights = np.full(mask.sum(), 100 / max(mask.sum(), 1))
        axis.hist(values[mask], edges, weights=weights, histtype=kind, color=color, label=label, linewidth=1.6)
    if logarithmic:
        axis.set_xscale("log")
    axis.set_title(fill((STATISTICS | PICTURE)[name], 46), fontsize=8, loc="left")
    axis.set_xlabel(name, fontsize=8)
    axis.set_ylabel("% of tiles", fontsize=8)
    axis.tick_params(labelsize=7)
    axis.spines[["top", "right"]].set_visible(False)


def _balance(axis: Axes, tiles: gpd.GeoDataFrame, scale: Scale) -> None:
    """Share of each bin among the tiles that no rule dropped, and among the kept tiles."""
    axis.axis("on")
    edges = scale.edges
    passed = tiles["keep"] | tiles["reason"].isin([OVER])
    places = np.arange(len(edges) - 1)
    inner = [-np.inf, *edges[1:-1], np.inf]
    for label, mask, color, shift in (
        ("could be chosen", passed, "#c9c2b8", -0.2), ("kept", tiles["keep"], COLORS[TRAIN], 0.2)
    ):  # fmt: skip
        counts = np.histogram(tiles.loc[mask, scale.column].dropna(), inner)[0]
        axis.bar(places + shift, 100 * counts / max(counts.sum(), 1), 0.4, color=color, label=label)
    names = [f"{low:g}–{high:g}" for low, high in zip(edges, edges[1:], strict=False)]
    axis.set_xticks(places, names, rotation=30, ha="right")
    axis.set_title(fill(f"balance of {scale.column} before and after the quota", 46), fontsize=8, loc="left")
    axis.set_xlabel("relief, metres" if scale.column == "relief" else scale.column, fontsize=8)
    axis.set_ylabel("% of tiles", fontsize=8)
    axis.tick_params(labelsize=7)
    _legend(axis)
    axis.spines[["top", "right"]].set_visible(False)


def _legend(axis: Axes) -> None:
    """A legend in one line, above all bars."""
    axis.set_ylim(0, HEADROOM * axis.get_ylim()[1])
    axis.legend(frameon=False, fontsize=8, ncols=2, loc="upper right", borderaxespad=0.1)


def tile_map(tiles: gpd.GeoDataFrame, params: Params) -> Figure:
    """Maps of the tiles by verdict: a panel for each of the areas with the most tiles."""
    placed = tiles[tiles["lat"].notna()]
    area = areas(placed)
    sizes = np.bincount(area)
    shown = np.sort(np.argsort(-sizes, kind="stable")[:PANELS])
    columns = min(len(shown), 3)
    rows = -(-len(shown) // columns)
    figure = Figure(figsize=(4.4 * columns + 0.6, 4.2 * rows + 0.9), facecolor="white", layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis in axes[len(shown) :]:
        axis.axis("off")
    verdict = placed["split"].fillna(placed["reason"].where(placed["reason"].isin(list(COLORS)), "a rule"))
    for axis, number in zip(axes, shown, strict=False):
        _panel(axis, placed[area == number], verdict[area == number], params)
    names = {TRAIN: "kept, train", VAL: "kept, val", "a rule": "dropped by a rule"}
    handles = [Patch(color=color, label=names.get(name, name)) for name, color in COLORS.items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=6 if columns > 1 else 2, frameon=False, fontsize=9)
    more = f" ({len(sizes) - len(shown)} more areas not shown)" if len(sizes) > len(shown) else ""
    figure.suptitle(f"Tiles by verdict; a square is the middle of a tile{more}", fontsize=11)
    return figure


def areas(tiles: pd.DataFrame) -> np.ndarray:
    """Number of the area of each tile: scenes less than `APART_KM` apart (centre to centre) make one."""
    lat, lon = np.radians(tiles["lat"]), np.radians(tiles["lon"])
    points = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)
    names, scene = np.unique(tiles["scene"].to_numpy(str), return_inverse=True)
    centres = np.stack([np.bincount(scene, points[:, k]) for k in range(3)], axis=1)
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    near = KDTree(centres).query_pairs(APART_KM / EARTH_KM, output_type="ndarray")
    graph = coo_array((np.ones(len(near)), (near[:, 0], near[:, 1])), shape=(len(names), len(names)))
    return connected_components(graph, directed=False)[1][scene]


def _panel(axis: Axes, tiles: pd.DataFrame, verdict: pd.Series, params: Params) -> None:
    """Draw the tiles of one area as squares with a side of one stride, in degrees."""
    lat, lon = tiles["lat"].to_numpy(), tiles["lon"].to_numpy()
    middle = np.degrees(np.angle(np.exp(1j * np.radians(lon)).mean()))
    lon = middle + (lon - middle + 180) % 360 - 180  # unwrapped, without a jump at 180°
    half = np.degrees(min(params.stride, params.px) * tiles["gsd"].to_numpy() / 2 / 6371008.8)
    wide = half / np.cos(np.radians(np.clip(lat, -89, 89)))
    corners = ((-1, -1), (1, -1), (1, 1), (-1, 1))
    squares = np.stack([np.stack([lon + x * wide, lat + y * half], axis=-1) for x, y in corners], axis=1)
    colors = [COLORS[name] for name in verdict]
    axis.add_collection(
        PolyCollection(squares, facecolors=colors, edgecolors=colors, linewidths=0.3, antialiaseds=False)
    )
    axis.set_xlim(squares[..., 0].min(), squares[..., 0].max())
    axis.set_ylim(squares[..., 1].min(), squares[..., 1].max())
    shrink = np.cos(np.radians(np.clip(lat.mean(), -85, 85)))
    axis.set_aspect(1 / shrink)
    axis.set_title(f"{_place(lat.mean(), middle)}: {len(tiles)} tiles", fontsize=9, loc="left")
    axis.locator_params(axis="y", nbins=5)
    slim = shrink * np.ptp(axis.get_xlim()) / np.ptp(axis.get_ylim())  # width of the panel over its height
    axis.locator_params(axis="x", nbins=int(np.clip(4 * slim, 1, 3)))  # labels can have many digits
    if slim < 0.25:
        axis.set_xticks([round(float(middle), 3)])
    axis.ticklabel_format(useOffset=False)
    axis.tick_params(labelsize=7)
    if not tiles["procedural"].all():  # a computed planet has other coasts
        draw_coast(axis)
    axis.set_xlabel("longitude, degrees", fontsize=7)
    axis.set_ylabel("latitude, degrees", fontsize=7)


def _place(lat: float, lon: float) -> str:
    """A point as text, such as 46.5° N 8.5° E."""
    return f"{abs(lat):.1f}° {'N' if lat >= 0 else 'S'} {abs(lon):.1f}° {'E' if lon >= 0 else 'W'}"
