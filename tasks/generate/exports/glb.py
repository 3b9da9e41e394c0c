"""The surface and its texture in one GLB file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tasks.generate.export import Export, Facts, Order, Show

if TYPE_CHECKING:
    import numpy as np

    from tasks.generate.terrain.terrain import Terrain


def _write(folder: Path, terrain: Terrain, order: Order) -> Facts:
    from tasks.generate.terrain.mesh import FRAME, surface
    from tasks.generate.terrain.meshfiles import write_glb

    ground = surface(terrain.height, terrain.gsd, order.params.scale, order.params.mesh)
    extras = {"gsd_m": terrain.gsd, "frame": FRAME, "scale": order.params.scale.model_dump(), **terrain.facts}
    write_glb(folder / f"{terrain.name}.glb", ground, terrain.skin(), extras)
    return {"frame": FRAME, "vertices": len(ground.vertices)}


def _unfit(terrain: Terrain) -> str | None:
    from tasks.generate.terrain.mesh import no_surface

    return no_surface(terrain.height)


def _draw(folder: Path, name: str) -> np.ndarray:
    from tasks.generate.terrain.glb import read_glb
    from tasks.generate.terrain.render import render

    return render(read_glb(folder / f"{name}.glb"))


EXPORT = Export(
    title="GLB",
    products=("heights", "painting"),
    files={"glb": "GLB"},
    write=_write,
    unfit=_unfit,
    show=Show(
        "preview3d",
        "The first terrain's GLB, drawn from the file: mesh and texture, the sun in the north-west.",
        _draw,
    ),
)
