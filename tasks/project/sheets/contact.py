"""Contact sheets of all scans with their keys, for the check by eye that writes `project.drop`."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from tasks.project.sheets.survey import THUMB, Found

_COLUMNS, _ROWS = 8, 5
_GAP, _LINES, _LINE = 10, 4, 13  # pixels between cells, lines of text below a thumbnail, pixels a line
_WIDE = 36  # letters in a line
_REFUSED, _TAKEN = (176, 30, 30), (40, 40, 40)


def contact_sheets(found: Sequence[Found]) -> Iterator[tuple[str, np.ndarray]]:
    """Name and picture, uint8 (H, W, 3), of each page. A scan without squares is faded, with the reason below."""
    font = ImageFont.truetype(
        Path(matplotlib.get_data_path()) / "fonts/ttf/DejaVuSans.ttf", 10, layout_engine=ImageFont.Layout.BASIC
    )
    each = _COLUMNS * _ROWS
    for start in range(0, len(found), each):
        yield f"contact_{start // each + 1:03d}", _page(found[start : start + each], font)


def _page(found: Sequence[Found], font: ImageFont.FreeTypeFont) -> np.ndarray:
    cell_w, cell_h = THUMB + _GAP, THUMB + _GAP + _LINES * _LINE
    rows = -(-len(found) // _COLUMNS)
    page = Image.new("RGB", (_COLUMNS * cell_w + _GAP, rows * cell_h + _GAP), "white")
    draw = ImageDraw.Draw(page)
    for index, item in enumerate(found):
        left, top = _GAP + index % _COLUMNS * cell_w, _GAP + index // _COLUMNS * cell_h
        thumb = Image.open(io.BytesIO(item.thumb))
        if not item.squares:
            thumb = Image.blend(thumb, Image.new("RGB", thumb.size, "white"), 0.6)
        page.paste(thumb, (left, top + THUMB - thumb.height))
        key = item.scan.key
        lines = [key[start : start + _WIDE] for start in range(0, len(key), _WIDE)]
        draw.multiline_text((left, top + THUMB + 2), "\n".join(lines[:_LINES]), fill=_TAKEN, font=font, spacing=2)
        if item.refused and len(lines) < _LINES:
            told = textwrap.wrap(item.refused, _WIDE)[: _LINES - len(lines)]
            at = (left, top + THUMB + 2 + len(lines) * _LINE)
            draw.multiline_text(at, "\n".join(told), fill=_REFUSED, font=font, spacing=2)
    return np.asarray(page)
