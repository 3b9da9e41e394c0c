"""The generated terrains on the page: a preview each, its figures, and its files beside the page."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from tasks.report.data import read_json
from tasks.report.figures import copy_picture

SHOWN = 12
KINDS = {  # those that a terrain has are shown, in this order; OBJ and STL, of many megabytes each, stay where they are
    "tif": "GeoTIFF",
    "heightmap.png": "16-bit PNG",
    "heightmap.r16": "raw r16",
    "unreal.png": "Unreal PNG",
    "unreal.r16": "Unreal r16",
    "unity.raw": "Unity raw",
    "glb": "GLB",
    "texture.png": "texture",
    "labels.png": "drawing",
    "png": "preview",
}


def copy_samples(samples: Path, target: Path) -> dict[str, Any]:
    """Copy the first terrains with all their files to `target/samples`, so that the page can be moved as it is."""
    sidecars = sorted(samples.glob("*.json"))
    shown = []
    for path in sidecars[:SHOWN]:
        sidecar = read_json(path)
        (target / "samples").mkdir(exist_ok=True)
        shutil.copyfile(path, target / "samples" / path.name)
        height, files = sidecar["height"], []
        for kind, words in KINDS.items():
            if kind not in sidecar["files"]:
                continue
            name = sidecar["files"][kind]["name"]
            shutil.copyfile(samples / name, target / "samples" / name)
            files.append((f"samples/{name}", words))
        files.append((f"samples/{path.name}", "JSON"))
        text = f"{sidecar['name']}: generated terrain from {height['low_m']:,.0f} to {height['high_m']:,.0f} m."
        name = sidecar["files"]["png"]["name"]
        picture = copy_picture(samples / name, target / "samples" / name, target, text)
        shown.append({**sidecar, "picture": picture, "links": files})
    return {"shown": shown, "count": len(sidecars)}
