"""A heightmap in a size that Unity's terrain accepts, and the numbers to enter at import."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tasks.core.settings import Strict
from tasks.generate.export import Export, Facts, Order

if TYPE_CHECKING:
    from tasks.generate.terrain.terrain import Terrain

SIZES = (33, 65, 129, 257, 513, 1025, 2049, 4097)


class Settings(Strict):
    """The terrain's size, the byte order and the row order."""

    size: Literal[SIZES] | None = None
    """Vertices of both sides, 2ⁿ + 1 from 33 to 4097. null takes the smallest size that holds every pixel."""
    byte_order: Literal["windows", "mac"] = "windows"
    """Byte order in the terms of Unity's import: `windows` is little-endian, `mac` is big-endian."""
    flip: bool = True
    """Write rows from south to north. Unity's Flip Vertically then stays off."""


def _write(folder: Path, terrain: Terrain, order: Order) -> Facts:
    from tasks.generate.terrain.engines import unity
    from tasks.generate.terrain.rasterfiles import write_raw16

    settings = order.settings
    coded, facts = unity(terrain.height, terrain.gsd, settings, order.params.scale, order.shared)
    write_raw16(folder / f"{terrain.name}.unity.raw", coded.codes, settings.byte_order, settings.flip)
    return facts


EXPORT = Export(
    title="Unity terrain",
    products=("heights", "painting"),
    files={"unity.raw": "Unity raw"},
    write=_write,
    settings=Settings,
    note="The JSON says under unity what to type in at the engine's import.",
)
