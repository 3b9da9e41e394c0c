"""OBJ, GLB and STL, written by trimesh; this file sets what trimesh leaves open: materials, samplers, axes.

OBJ and GLB have y up, as glTF demands and as programs that read OBJ expect: x to the east, z to the south. STL has z
up, as slicers do, and is in millimetres.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import trimesh
from PIL import Image
from trimesh.exchange.gltf import export_glb
from trimesh.exchange.obj import export_obj
from trimesh.visual import TextureVisuals
from trimesh.visual.material import PBRMaterial, SimpleMaterial

from tasks.generate.terrain.mesh import Surface

WHITE, BLACK = (255, 255, 255, 255), (0, 0, 0, 255)
CLAMP, LINEAR, MIPMAP, VERTICES, INDICES = 33071, 9729, 9987, 34962, 34963  # glTF's numbers


def write_obj(folder: Path, name: str, surface: Surface, texture: np.ndarray, note: str) -> None:
    """Write `<name>.obj`, `<name>.mtl` and `<name>.texture.png` (uint8 (H, W, 3))."""
    # White times the texture is the texture; trimesh's own grey would darken it in every renderer.
    material = SimpleMaterial(Image.fromarray(texture), diffuse=WHITE, ambient=WHITE, specular=BLACK)
    material.name = f"{name}.texture"
    text, files = export_obj(
        _yup(surface, material), include_normals=True, return_texture=True, mtl_name=f"{name}.mtl", header=note
    )
    (folder / f"{name}.obj").write_text(text.rstrip("\n") + "\n")
    for file, content in files.items():
        (folder / file).write_bytes(content)


def write_glb(path: Path, surface: Surface, texture: np.ndarray, extras: dict[str, Any]) -> None:
    """Write one GLB with the texture (uint8 (H, W, 3)) inside; `extras` stand beside its version."""
    material = PBRMaterial(baseColorTexture=Image.fromarray(texture), metallicFactor=0.0, roughnessFactor=1.0)

    def finish(tree: dict[str, Any]) -> None:
        tree["asset"] |= {"generator": "Landloom", "extras": extras}
        # Without a sampler textures repeat, and the west edge bleeds into the east.
        tree["samplers"] = [{"magFilter": LINEAR, "minFilter": MIPMAP, "wrapS": CLAMP, "wrapT": CLAMP}]
        tree["textures"][0]["sampler"] = 0
        (primitive,) = tree["meshes"][0]["primitives"]
        for target, accessors in ((VERTICES, primitive["attributes"].values()), (INDICES, [primitive["indices"]])):
            for accessor in accessors:
                tree["bufferViews"][tree["accessors"][accessor]["bufferView"]]["target"] = target

    scene = trimesh.Scene({"terrain": _yup(surface, material)})
    path.write_bytes(export_glb(scene, include_normals=True, tree_postprocessor=finish))


def write_stl(path: Path, solid: Surface) -> None:
    """Write a binary STL."""
    path.write_bytes(trimesh.Trimesh(solid.vertices, solid.faces, process=False).export(file_type="stl"))


def _yup(surface: Surface, material: SimpleMaterial | PBRMaterial) -> trimesh.Trimesh:
    vertices = surface.vertices[:, [0, 2, 1]] * [1, 1, -1]
    visual = TextureVisuals(uv=surface.uv, material=material)
    # Without `process=False` trimesh merges and reorders vertices, and the order of the grid is lost.
    return trimesh.Trimesh(vertices, surface.faces, visual=visual, process=False)
