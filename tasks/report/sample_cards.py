"""The generated samples on the page. Each has a preview, one line of text, and links to all its files."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from tasks.report.data import read_json
from tasks.report.figures import copy_picture

SHOWN = 12
LARGE = 8_000_000  # bytes; a larger file (an OBJ of a fine mesh) is linked and not copied


def copy_samples(samples: Path, target: Path) -> dict[str, Any]:
    """Copy the first samples with their files to `target/samples`, so that a person can move the page with them.

    Files larger than 8 MB stay in `samples`, beside the folder of the page. The page links to them there.
    """
    index = read_json(samples / "index.json")
    shown, far = [], False
    (target / "samples").mkdir()
    for name in index["samples"][:SHOWN]:
        path = samples / f"{name}.json"
        sidecar = read_json(path)
        shutil.copyfile(path, target / "samples" / path.name)
        links = []
        for entry in sidecar["files"].values():
            original = samples / entry["name"]
            if original.stat().st_size > LARGE:
                links.append((f"../samples/{entry['name']}", entry["title"]))
                far = True
                continue
            shutil.copyfile(original, target / "samples" / entry["name"])
            links.append((f"samples/{entry['name']}", entry["title"]))
        links.append((f"samples/{path.name}", "JSON"))
        preview = sidecar["files"]["png"]["name"]
        picture = copy_picture(samples / preview, target / "samples" / preview, target, sidecar["alt"])
        shown.append({"name": name, "summary": sidecar["summary"], "picture": picture, "links": links})
    explored = [_with_files(part, samples, target) for part in index.get("explored", [])]
    drawn = any("labels.png" in read_json(samples / f"{sample['name']}.json")["files"] for sample in shown)
    return {**index, "shown": shown, "count": len(index["samples"]), "drawn": drawn, "far": far, "explored": explored}


def _with_files(part: dict[str, Any], samples: Path, target: Path) -> dict[str, Any]:
    """A part of the exploration; its files are copied beside the page like those of samples. Films are `films`."""
    links, films = [], []
    for file in part["files"]:
        original, href = samples / file["name"], f"../samples/{file['name']}"
        if original.stat().st_size <= LARGE:
            href = f"samples/{file['name']}"
            (target / href).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(original, target / href)
        links.append((href, file["title"]))
        films += [href] if original.suffix == ".mp4" else []
    return {**part, "links": links, "films": films}
