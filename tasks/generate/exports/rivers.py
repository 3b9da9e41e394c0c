"""River lines as a GeoPackage, in the coordinate system of the GeoTIFF."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from tasks.core.settings import Strict
from tasks.generate.export import Export, Facts, Order

if TYPE_CHECKING:
    from tasks.generate.terrain.terrain import Terrain


class Settings(Strict):
    """Which streams are rivers."""

    cells: int = Field(64, ge=2)
    """Upstream area in pixels at which a river starts. 64 pixels are 0.5 km² at 90 m."""


def _write(folder: Path, terrain: Terrain, order: Order) -> Facts:
    from tasks.generate.terrain.riverfiles import write_rivers
    from tasks.relief.rivers import rivers
    from tasks.relief.sea import low_sea

    cells = order.settings.cells
    lines = rivers(terrain.height, cells, low_sea(terrain.height[None])[0])
    length = write_rivers(folder / f"{terrain.name}.rivers.gpkg", lines, terrain.height, terrain.gsd, terrain.place)
    return {"lines": len(lines), "length_km": round(length / 1000, 3), "cells": cells}


EXPORT = Export(
    title="Rivers (GeoPackage)",
    products=("heights", "painting"),
    files={"rivers.gpkg": "rivers"},
    write=_write,
    settings=Settings,
    note="Rivers run downhill everywhere with `drain: true`; else a line can cross the pits of the terrain.",
)
