"""The surface as OBJ with its material and texture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tasks.generate.export import Export, Facts, Order

if TYPE_CHECKING:
    from tasks.generate.terrain.terrain import Terrain


def _write(folder: Path, terrain: Terrain, order: Order) -> Facts:
    from tasks.generate.terrain.mesh import FRAME, surface
    from tasks.generate.terrain.meshfiles import write_obj

    ground = surface(terrain.height, terrain.gsd, order.params.scale, order.params.mesh)
    write_obj(folder, terrain.name, ground, terrain.skin(), f"Landloom: {FRAME}")
    return {"frame": FRAME, "vertices": len(ground.vertices)}


def _unfit(terrain: Terrain) -> str | None:
    from tasks.generate.terrain.mesh import no_surface

    return no_surface(terrain.height)


EXPORT = Export(
    title="OBJ",
    products=("heights", "painting"),
    files={"obj": "OBJ", "mtl": "MTL", "texture.png": "texture"},
    write=_write,
    unfit=_unfit,
)
