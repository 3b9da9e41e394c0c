"""Writers of OBJ, GLB and STL. They use trimesh, and set materials, samplers and axes, which trimesh leaves open.

In OBJ and GLB y is up, x is east and z is south. glTF requires this, and readers of OBJ expect it. In STL z is up, as
in slicers, and the unit is the millimetre.
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
    # Renderers multiply the texture by the material's colour. White keeps it; trimesh's default grey darkens it.
    material = SimpleMaterial(Image.fromarray(texture), diffuse=WHITE, ambient=WHITE, specular=BLACK)
    material.name = f"{name}.texture"
    text, files = export_obj(
        _yup(surface, material), include_normals=True, return_texture=True, mtl_name=f"{name}.mtl", header=note
    )
    (folder / f"{name}.obj").write_text(text.rstrip("\n") + "\n")
    for file, content in files.items():
        (folder / file).write_bytes(content)


def write_glb(path: Path, surface: Surface, texture: np.ndarray, extras: dict[str, Any]) -> None:
    """Write one GLB that includes the texture (uint8 (H, W, 3)); `extras` are stored beside its version."""
    material = PBRMaterial(baseColorTexture=Image.fromarray(texture), metallicFactor=0.0, roughnessFactor=1.0)

    def finish(tree: dict[str, Any]) -> None:
        tree["asset"] |= {"generator": "Landloom", "extras": extras}
        # Without a sampler the texture repeats, and colours of the west edge appear at the east edge.
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
