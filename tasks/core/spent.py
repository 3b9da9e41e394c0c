"""Deferred deletion of folders that a stage needs only until its outputs are safe, such as checkpoints.

A stage can be killed after its end and before DVC caches its outputs. Deleting checkpoints at the end of the stage
could therefore lose days of training. Instead, the stage marks the folder after it wrote its outputs. `clear` deletes
the folder when a stage that reads the outputs starts, because DVC has cached them by then. On a machine that can
disappear, the caller of `clear` waits until the outputs are pushed.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from collections.abc import Collection
from pathlib import Path

from tasks.core.files import write_json

_MARKS = Path(".landloom", "spent")


def mark(root: Path, folder: Path, out: str) -> None:
    """Mark `folder` for deletion once the output `out` (a path as in `dvc.yaml`) is safe."""
    place, here = folder.resolve(), root.resolve()
    # Relative inside the checkout: a copy of the checkout must never delete folders of the original.
    text = str(place.relative_to(here) if place.is_relative_to(here) else place)
    name = hashlib.sha256(text.encode()).hexdigest()[:16]
    write_json(root / _MARKS / f"{name}.json", {"folder": text, "out": out})


def clear(root: Path, safe: Collection[str]) -> None:
    """Delete the marked folders whose output is in `safe`, and their marks."""
    for path in sorted((root / _MARKS).glob("[!.]*.json")):
        marked = json.loads(path.read_text())
        if marked["out"] in safe:
            folder = root / marked["folder"]
            shutil.rmtree(folder, ignore_errors=True)
            if folder.exists():  # busy or read-only: the mark stays for the next stage
                print(f"warning: {folder} is no longer needed and cannot be deleted", file=sys.stderr)
            else:
                path.unlink(missing_ok=True)
