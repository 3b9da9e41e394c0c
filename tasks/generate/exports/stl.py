"""A closed block for 3D printing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from tasks.core.settings import Strict
from tasks.generate.export import Export, Facts, Order

if TYPE_CHECKING:
    from tasks.generate.terrain.terrain import Terrain


class Settings(Strict):
    """The block's size."""

    side_mm: float = Field(150.0, gt=0)
    """Length of the longer side. 150 mm fits the beds of small printers."""
    base_mm: float = Field(3.0, gt=0)
    """Thickness below the lowest point. A base of 3 mm does not break."""


def _write(folder: Path, terrain: Terrain, order: Order) -> Facts:
    from tasks.generate.terrain.mesh import block
    from tasks.generate.terrain.meshfiles import write_stl

    scale, settings = order.params.scale, order.settings
    solid, metres = block(terrain.height, terrain.gsd, scale, order.params.mesh, settings)
    write_stl(folder / f"{terrain.name}.stl", solid)
    return {
        "unit": "millimetre: x east, y north, z up; the base lies on z = 0",
        "base_mm": settings.base_mm,
        "mm_per_m_horizontal": scale.horizontal / metres,
        "mm_per_m_vertical": scale.vertical / metres,
    }


def _unfit(terrain: Terrain) -> str | None:
    from tasks.generate.terrain.mesh import no_surface

    return no_surface(terrain.height)


EXPORT = Export(
    title="STL",
    products=("heights", "painting"),
    files={"stl": "STL"},
    write=_write,
    settings=Settings,
    unfit=_unfit,
)
