"""One terrain in all its files: the exports asked for, a preview, and the sidecar that explains them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from tasks.core.errors import LandloomError
from tasks.core.files import write_json
from tasks.core.hashing import file_sha256
from tasks.formats.tables.drawing import write_drawing
from tasks.generate.params import Params
from tasks.generate.terrain.codes import Span, encode
from tasks.generate.terrain.engines import unity, unreal
from tasks.generate.terrain.mesh import block, surface
from tasks.generate.terrain.meshfiles import write_glb, write_obj, write_stl
from tasks.generate.terrain.rasterfiles import write_geotiff, write_png16, write_raw16
from tasks.generate.terrain.terrain import Terrain
from tasks.relief.shade.hillshade import shaded_relief

PREVIEW_PX = 512  # side below which a preview is enlarged, so that small terrains can be looked at
TO_METRES = "height in metres = low_m + code * step_m"
ROWS = "row by row from the north, each row from the west"
FRAME = "metres from the south-west corner, times the scale: x east, y up, -z north; a vertex is a pixel's centre"
Facts = dict[str, Any]


def write_sample(
    folder: Path, terrain: Terrain, params: Params, over: Span | None = None, classes: pd.DataFrame | None = None
) -> Facts:
    """Write `<name>.json` and all that it lists; return it.

    Args:
        over: the range of metres that 16-bit codes span; the terrain's own where None.
        classes: the class card, for the drawing that a terrain was painted from.

    Raises:
        LandloomError: where a height is not a number, or the terrain has no surface; nothing is written then.
    """
    name, height = terrain.name, terrain.height
    if not np.isfinite(height).all():
        raise LandloomError(
            f"{name}: the model gave heights that are not numbers; train it longer or sample it in more steps"
        )
    if min(height.shape) < 2 and {"obj", "glb", "stl"} & set(params.exports):
        raise LandloomError(f"{name}: {height.shape[0]} × {height.shape[1]} pixels have no surface; leave meshes out")
    rows, cols = height.shape
    sidecar: Facts = {
        "name": name,
        "place": "none: generated, no place on Earth",
        **terrain.facts,
        "rows": rows,
        "cols": cols,
        "gsd_m": terrain.gsd,
        "side_m": [rows * terrain.gsd, cols * terrain.gsd],
        "height": {
            "low_m": float(height.min()),
            "high_m": float(height.max()),
            "mean_m": float(height.mean(dtype=np.float64)),
            "unit": "metre",
        },
        "scale": params.scale.model_dump(),
        "range": "its own" if over is None else "shared by all terrains of this folder",
    }
    files = ["png"]
    Image.fromarray(preview(terrain)).save(folder / f"{name}.png")
    if terrain.texture is not None:
        Image.fromarray(terrain.texture).save(folder / f"{name}.texture.png")
        files.append("texture.png")
    if terrain.labels is not None and classes is not None:
        write_drawing(folder / f"{name}.labels.png", terrain.labels, classes)
        files.append("labels.png")
    for export in params.exports:
        kinds, facts = WRITERS[export](folder, terrain, params, over)
        files += [kind for kind in kinds if kind not in files]
        sidecar |= {export: facts} if facts else {}
    sidecar["files"] = {
        kind: {"name": f"{name}.{kind}", "sha256": file_sha256(folder / f"{name}.{kind}")} for kind in files
    }
    write_json(folder / f"{name}.json", sidecar)
    return sidecar


def preview(terrain: Terrain) -> np.ndarray:
    """The lit texture, or the tinted hillshade of the very array; uint8 RGB, enlarged by a whole factor where small."""
    picture = shaded_relief(terrain.height, terrain.gsd) if terrain.shaded is None else terrain.shaded
    rows, cols = picture.shape[:2]
    factor = max(1, PREVIEW_PX // max(rows, cols))
    return np.asarray(Image.fromarray(picture).resize((cols * factor, rows * factor), Image.Resampling.BICUBIC))


def _geotiff(folder: Path, terrain: Terrain, params: Params, over: Span | None) -> tuple[list[str], Facts]:
    tags = {key.upper(): str(value) for key, value in terrain.facts.items()}
    tags |= {"PLACE": "none: generated", "UNIT": "metre"}
    write_geotiff(folder / f"{terrain.name}.tif", terrain.height, terrain.gsd, tags)
    return ["tif"], {}


def _heightmap(folder: Path, terrain: Terrain, params: Params, over: Span | None) -> tuple[list[str], Facts]:
    coded = encode(terrain.height, over)
    write_png16(folder / f"{terrain.name}.heightmap.png", coded.codes)
    write_raw16(folder / f"{terrain.name}.heightmap.r16", coded.codes)
    return ["heightmap.png", "heightmap.r16"], {
        "low_m": coded.low,
        "step_m": coded.step,
        "bits": 16,
        "byte_order": "little-endian in .r16",
        "row_order": ROWS,
        "to_metres": TO_METRES,
    }


def _obj(folder: Path, terrain: Terrain, params: Params, over: Span | None) -> tuple[list[str], Facts]:
    ground = surface(terrain.height, terrain.gsd, params.scale, params.mesh)
    write_obj(folder, terrain.name, ground, terrain.skin(), f"Landloom: {FRAME}")
    return ["obj", "mtl", "texture.png"], {"frame": FRAME, "vertices": len(ground.vertices)}


def _glb(folder: Path, terrain: Terrain, params: Params, over: Span | None) -> tuple[list[str], Facts]:
    ground = surface(terrain.height, terrain.gsd, params.scale, params.mesh)
    extras = {"gsd_m": terrain.gsd, "frame": FRAME, "scale": params.scale.model_dump(), **terrain.facts}
    write_glb(folder / f"{terrain.name}.glb", ground, terrain.skin(), extras)
    return ["glb"], {"frame": FRAME, "vertices": len(ground.vertices)}


def _stl(folder: Path, terrain: Terrain, params: Params, over: Span | None) -> tuple[list[str], Facts]:
    solid, metres = block(terrain.height, terrain.gsd, params.scale, params.mesh, params.stl)
    write_stl(folder / f"{terrain.name}.stl", solid)
    return ["stl"], {
        "unit": "millimetre: x east, y north, z up; the base lies on z = 0",
        "base_mm": params.stl.base_mm,
        "mm_per_m_horizontal": params.scale.horizontal / metres,
        "mm_per_m_vertical": params.scale.vertical / metres,
    }


def _unreal(folder: Path, terrain: Terrain, params: Params, over: Span | None) -> tuple[list[str], Facts]:
    coded, facts = unreal(terrain.height, terrain.gsd, params.unreal, params.scale, over)
    write_png16(folder / f"{terrain.name}.unreal.png", coded.codes)
    write_raw16(folder / f"{terrain.name}.unreal.r16", coded.codes)
    return ["unreal.png", "unreal.r16"], facts


def _unity(folder: Path, terrain: Terrain, params: Params, over: Span | None) -> tuple[list[str], Facts]:
    coded, facts = unity(terrain.height, terrain.gsd, params.unity, params.scale, over)
    write_raw16(folder / f"{terrain.name}.unity.raw", coded.codes, params.unity.byte_order, params.unity.flip)
    return ["unity.raw"], facts


WRITERS: dict[str, Callable[[Path, Terrain, Params, Span | None], tuple[list[str], Facts]]] = {
    "geotiff": _geotiff,
    "heightmap": _heightmap,
    "obj": _obj,
    "glb": _glb,
    "stl": _stl,
    "unreal": _unreal,
    "unity": _unity,
}
