"""What a stage needs no more once its outputs are safe: days of training must not hang on the seconds between the end
of a stage and DVC's taking its outputs.

A stage marks such a folder when its outputs are written. It goes when a stage that reads the outputs starts, because
DVC has them by then; on a machine that may vanish it goes when they were pushed.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Collection
from pathlib import Path

from tasks.core.files import write_json

_MARKS = Path(".landloom", "spent")


def mark(root: Path, folder: Path, out: str) -> None:
    """`folder` may go once `out`, a path as `dvc.yaml` has it, is safe."""
    name = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]
    write_json(root / _MARKS / f"{name}.json", {"folder": str(folder.resolve()), "out": out})


def clear(root: Path, safe: Collection[str]) -> None:
    """Remove what was needed until the outputs `safe` were."""
    for path in sorted((root / _MARKS).glob("[!.]*.json")):
        marked = json.loads(path.read_text())
        if marked["out"] in safe:
            shutil.rmtree(marked["folder"], ignore_errors=True)
            path.unlink(missing_ok=True)
