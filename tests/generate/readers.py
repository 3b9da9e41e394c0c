"""Readers of mesh files written from the formats' own definitions, knowing nothing of what wrote the files."""

from __future__ import annotations

import io
import json
import struct
from pathlib import Path

import numpy as np
from PIL import Image


def read_obj(path: Path) -> dict:
    """Vertices, texture coordinates, normals, faces (corner → 0-based v, vt, vn), materials with their pictures."""
    found: dict = {"v": [], "vt": [], "vn": [], "f": [], "usemtl": [], "mtl": {}}
    for line in path.read_text().split("\n"):
        if not line or line.startswith("#"):
            continue
        assert line == line.strip(), f"white space around {line!r}"
        word, *rest = line.split(" ")
        if word in ("v", "vt", "vn"):
            found[word].append([float(value) for value in rest])
        elif word == "f":
            found["f"].append([[int(index) - 1 for index in corner.split("/")] for corner in rest])
        elif word == "mtllib":
            found["mtl"] |= read_mtl(path.parent / rest[0])
        elif word == "usemtl":
            found["usemtl"].append(rest[0])
        else:
            raise AssertionError(f"what is {line!r}?")
    return {key: np.array(value) if key in ("v", "vt", "vn", "f") else value for key, value in found.items()}


def read_mtl(path: Path) -> dict:
    """Materials by name: colours and the texture's picture."""
    materials: dict = {}
    for line in path.read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        word, *rest = line.split(" ")
        if word == "newmtl":
            current = materials[rest[0]] = {}
        elif word == "map_Kd":
            current["picture"] = np.asarray(Image.open(path.parent / rest[0]).convert("RGB"))
        else:
            current[word] = [float(value) for value in rest]
    return materials


def read_stl(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Corners float32 (n, 3, 3) and facet normals (n, 3) of a binary STL."""
    content = path.read_bytes()
    (count,) = struct.unpack_from("<I", content, 80)
    assert len(content) == 84 + 50 * count
    facet = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("spare", "<u2")])
    facets = np.frombuffer(content, facet, count, 84)
    return facets["corners"], facets["normal"]


def read_gltf(path: Path) -> dict:
    """Positions, normals, texture coordinates, faces, texture and JSON of a GLB with one primitive."""
    content = path.read_bytes()
    assert content[:4] == b"glTF" and struct.unpack_from("<II", content, 4) == (2, len(content))
    length, kind = struct.unpack_from("<I4s", content, 12)
    assert kind == b"JSON" and length % 4 == 0
    tree = json.loads(content[20 : 20 + length])
    size, kind = struct.unpack_from("<I4s", content, 20 + length)
    binary = content[28 + length :]
    assert kind == b"BIN\0" and len(binary) == size == tree["buffers"][0]["byteLength"]

    def part(index: int) -> bytes:
        view = tree["bufferViews"][index]
        return binary[view.get("byteOffset", 0) :][: view["byteLength"]]

    def values(index: int, dtype: str, width: int) -> np.ndarray:
        accessor = tree["accessors"][index]
        assert {"<f4": 5126, "<u4": 5125}[dtype] == accessor["componentType"] and not accessor.get("byteOffset")
        array = np.frombuffer(part(accessor["bufferView"]), dtype).reshape(-1, width)
        assert len(array) * (1 if accessor["type"] != "SCALAR" else width) == accessor["count"]
        if "min" in accessor:
            low, high = np.atleast_1d(accessor["min"]), np.atleast_1d(accessor["max"])
            flat = array if accessor["type"] != "SCALAR" else array.reshape(-1, 1)
            assert np.allclose(low, flat.min(axis=0)) and np.allclose(high, flat.max(axis=0))
        return array

    primitive = tree["meshes"][0]["primitives"][0]
    assert primitive["mode"] == 4
    slots = primitive["attributes"]
    material = tree["materials"][primitive["material"]]["pbrMetallicRoughness"]
    texture = tree["textures"][material["baseColorTexture"]["index"]]
    image = tree["images"][texture["source"]]
    assert image["mimeType"] == "image/png"
    return {
        "positions": values(slots["POSITION"], "<f4", 3),
        "normals": values(slots["NORMAL"], "<f4", 3),
        "uv": values(slots["TEXCOORD_0"], "<f4", 2),
        "faces": values(primitive["indices"], "<u4", 3).astype(int),
        "texture": np.asarray(Image.open(io.BytesIO(part(image["bufferView"]))).convert("RGB")),
        "material": material,
        "sampler": tree["samplers"][texture["sampler"]],
        "tree": tree,
    }
