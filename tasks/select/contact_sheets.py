"""Contact sheets of dropped pictures, for a check by eye: one for each reason, with what was measured under each tile.

Near-duplicates are shown in pairs: the dropped tile, and the kept tile that it repeats.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import geopandas as gpd
import numpy as np
import pandas as pd
from PIL import Image, ImageDraw, ImageFont

from tasks.formats.tables.scenes import SceneReader
from tasks.formats.tables.tiles import window
from tasks.select.columns import RULE_COLUMNS
from tasks.select.order import shuffled
from tasks.select.stratify import is_picture
from tasks.select.verdict import DUPLICATE, OVER, STRADDLES

ACROSS, MOST = 10, 120  # thumbnails in a row, and on a sheet; of more, a seeded choice is shown
THUMB, GAP, LINE = 128, 8, 13  # pixels
NO_FAULT = (OVER, STRADDLES)  # reasons that say nothing about the picture


def contact_sheets(reader: SceneReader, tiles: gpd.GeoDataFrame, seed: int) -> Iterator[tuple[str, np.ndarray]]:
    """Name and pixels, uint8 (H, W, 3), of a sheet for each reason for which pictures were dropped, sorted by name."""
    pictures = tiles[is_picture(tiles) & ~tiles["keep"] & ~tiles["reason"].isin(NO_FAULT)]
    by_key = tiles.set_index("key", drop=False)
    for reason, group in pictures.groupby("reason", sort=True):
        group = group.sort_values("key")
        chosen = group.iloc[np.sort(shuffled(group["key"].tolist(), seed, "sheet")[:MOST])]
        shown = f"{len(chosen)} of {len(group)} shown" if len(chosen) < len(group) else f"{len(group)}"
        cells = [_cell(reader, tile, by_key, reason) for tile in chosen.itertuples()]
        yield f"dropped {_slug(reason)}", _sheet(f"{reason}: {shown}", cells)


def _slug(reason: str) -> str:
    """The reason as part of a file name: `rgb_std < 6` is `rgb_std below 6`."""
    words = reason.replace("<", "below").replace(">", "above")
    return re.sub(r"[^\w.]+", "-", words).strip("-")


def _cell(reader: SceneReader, tile: tuple, by_key: pd.DataFrame, reason: str) -> tuple[list[np.ndarray], list[str]]:
    """The thumbnails of a cell, and the lines under it."""
    images, lines = [thumbnail(reader, tile)], [tile.key]
    if reason == DUPLICATE:
        other = by_key.loc[tile.duplicate_of]
        images.append(thumbnail(reader, other))
        lines.append(f"of {other.key}")
    measured = [name for name in RULE_COLUMNS if re.search(rf"\b{name}\b", reason)]
    return images, lines + [f"{name} {getattr(tile, name):.3g}" for name in measured]


def thumbnail(reader: SceneReader, tile: tuple | pd.Series) -> np.ndarray:
    """A tile as uint8 (THUMB, THUMB, 3), averaged or enlarged."""
    color = np.moveaxis(reader.color(tile.scene, window(tile))[:3], 0, -1)
    return np.asarray(Image.fromarray(color).resize((THUMB, THUMB), Image.Resampling.BOX))


def _sheet(title: str, cells: list[tuple[list[np.ndarray], list[str]]]) -> np.ndarray:
    """The cells in rows under a title."""
    each, lines = max(len(images) for images, _ in cells), max(len(text) for _, text in cells)
    columns = min(ACROSS // each, len(cells))
    rows = -(-len(cells) // columns)
    wide, tall = each * THUMB + GAP, THUMB + LINE * lines + GAP
    canvas = Image.new("RGB", (max(columns * wide + GAP, 420), rows * tall + 34), "white")
    draw, small = ImageDraw.Draw(canvas), ImageFont.load_default(9)
    draw.text((GAP, 8), title, "black", ImageFont.load_default(15))
    for k, (images, text) in enumerate(cells):
        left, top = GAP + k % columns * wide, 34 + k // columns * tall
        for n, image in enumerate(images):
            canvas.paste(Image.fromarray(image), (left + n * THUMB, top))
        for n, line in enumerate(text):
            draw.text((left, top + THUMB + LINE * n), _short(line, small, each * THUMB), "#555555", small)
    return np.asarray(canvas)


def _short(line: str, font: ImageFont.FreeTypeFont, wide: int) -> str:
    """The end of a line that fits, because keys differ at their ends."""
    while font.getlength(line) > wide:
        line = "…" + line[2:]
    return line
