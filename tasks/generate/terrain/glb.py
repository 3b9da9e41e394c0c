"""Reader of GLB files (glTF 2.0, sections 4.4 and 5). It uses only the bytes, so the preview shows the file itself."""

from __future__ import annotations

import io
import json
import struct
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

COMPONENTS = {5121: "u1", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
WIDTH = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4}


class Glb(NamedTuple):
    """One textured mesh with glTF's axes: y is up, and v of `uv` runs down from the picture's top."""

    positions: np.ndarray  # float32 (n, 3)
    normals: np.ndarray  # float32 (n, 3)
    uv: np.ndarray  # float32 (n, 2)
    faces: np.ndarray  # int64 (m, 3)
    texture: np.ndarray  # uint8 (H, W, 3)
    tree: dict  # the complete JSON


def read_glb(path: Path) -> Glb:
    """The first primitive of a GLB with one tightly packed buffer; ValueError if it is not a GLB."""
    content = path.read_bytes()
    magic, version, length = struct.unpack_from("<4sII", content)
    if magic != b"glTF" or version != 2 or length != len(content):
        raise ValueError(f"{path}: not a whole GLB of version 2")
    size, _ = struct.unpack_from("<I4s", content, 12)
    tree, start = json.loads(content[20 : 20 + size]), 20 + size + 8

    def view(index: int) -> bytes:
        part = tree["bufferViews"][index]
        begin = start + part.get("byteOffset", 0)
        return content[begin : begin + part["byteLength"]]

    def array(index: int) -> np.ndarray:
        accessor = tree["accessors"][index]
        width = WIDTH[accessor["type"]]
        flat = np.frombuffer(
            view(accessor["bufferView"]),
            COMPONENTS[accessor["componentType"]],
            accessor["count"] * width,
            accessor.get("byteOffset", 0),
        )
        return flat.reshape(-1, width)

    primitive = tree["meshes"][0]["primitives"][0]
    positions, normals, uv = (array(primitive["attributes"][key]) for key in ("POSITION", "NORMAL", "TEXCOORD_0"))
    material = tree["materials"][primitive["material"]]["pbrMetallicRoughness"]
    image = tree["images"][tree["textures"][material["baseColorTexture"]["index"]]["source"]]
    texture = np.asarray(Image.open(io.BytesIO(view(image["bufferView"]))).convert("RGB"))
    return Glb(positions, normals, uv, array(primitive["indices"]).reshape(-1, 3).astype(np.int64), texture, tree)
