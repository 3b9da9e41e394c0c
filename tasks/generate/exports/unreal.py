"""A heightmap in a size that Unreal's Landscape accepts, and the numbers to enter at import."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tasks.core.settings import Strict
from tasks.generate.export import Export, Facts, Order

if TYPE_CHECKING:
    from tasks.generate.terrain.terrain import Terrain

# Recommended sides of a Landscape. A side has whole components of 2 × 2 sections. A section has 63 quads a side (127
# in the last size).
SIZES = (127, 253, 505, 1009, 2017, 4033, 8129)


class Settings(Strict):
    """The Landscape's size."""

    size: Literal[SIZES] | None = None
    """Vertices of the longer side: 127, 253, 505, 1009, 2017, 4033 or 8129. null takes the smallest size that holds
    every pixel."""


def _write(folder: Path, terrain: Terrain, order: Order) -> Facts:
    from tasks.generate.terrain.engines import unreal
    from tasks.generate.terrain.rasterfiles import write_png16, write_raw16

    coded, facts = unreal(terrain.height, terrain.gsd, order.settings, order.params.scale, order.shared)
    write_png16(folder / f"{terrain.name}.unreal.png", coded.codes)
    write_raw16(folder / f"{terrain.name}.unreal.r16", coded.codes)
    return facts


EXPORT = Export(
    title="Unreal Landscape",
    products=("heights", "painting"),
    files={"unreal.png": "Unreal PNG", "unreal.r16": "Unreal r16"},
    write=_write,
    settings=Settings,
    note="The JSON says under unreal what to type in at the engine's import.",
)
