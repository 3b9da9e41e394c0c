"""The text of a `.prj` beside a raster. GDAL reads its horizontal part alone; the vertical part follows it."""

from __future__ import annotations

import re
from pathlib import Path

from pyproj import CRS
from pyproj.exceptions import CRSError


def text_of(path: Path) -> str:
    """The `.prj` of a raster, or nothing. `dem.prj` and `dem.asc.prj` belong to `dem.asc`."""
    for item in sorted(path.parent.iterdir()):
        name = item.name.lower()
        if name in (f"{path.stem.lower()}.prj", f"{path.name.lower()}.prj") and item.is_file():
            return item.read_text(encoding="utf-8", errors="replace")[:100_000]
    return ""


def vertical_crs(text: str) -> CRS | None:
    """The vertical CRS in WKT; None where there is none. ValueError where it cannot be read."""
    start = re.search(r"\bVERT(?:CS|_CS|CRS)\s*\[", text)
    if start is None:
        return None
    depth = 0
    for at in range(start.start(), len(text)):
        depth += {"[": 1, "]": -1}.get(text[at], 0)
        if depth == 0 and text[at] == "]":
            try:
                return CRS.from_wkt(text[start.start() : at + 1])
            except CRSError:
                break
    raise ValueError("the vertical part of its .prj cannot be read")


def z_units(text: str) -> str | None:
    """The unit after `Zunits` in a `.prj` of ArcInfo's own form; None where it states none."""
    found = re.search(r"^\s*zunits\s+(\S+)", text, re.IGNORECASE | re.MULTILINE)
    return None if found is None or found[1].lower() in ("no", "none") else found[1]
