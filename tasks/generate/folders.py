"""Output folders for people. A folder is complete or absent. Existing files are never overwritten."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from itertools import count
from pathlib import Path

from tasks.core.errors import LandloomError
from tasks.core.hashing import dvc_md5


def fill(wanted: Path, write: Callable[[Path], None]) -> Path:
    """Let `write` fill an empty folder, then rename it to `wanted`, or to `wanted-2`, … if that name is taken.

    If a folder already holds the same bytes, it is kept and no folder is added. Returns the folder's path.

    Raises:
        LandloomError: the folder cannot be made there.
    """
    try:
        wanted.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f".{wanted.name}.part", dir=wanted.parent))
    except OSError as error:
        raise LandloomError(f"{wanted}: no folder can be made here: {error.strerror}") from None
    try:
        part.chmod(0o755)  # mkdtemp gives access only to the owner
        write(part)
        made = dvc_md5(part)
        for number in count(1):
            path = wanted if number == 1 else wanted.with_name(f"{wanted.name}-{number}")
            if path.is_dir() and any(path.iterdir()) and dvc_md5(path) == made:
                return path
            if not path.exists() or (path.is_dir() and not any(path.iterdir())):
                part.replace(path)
                return path
    finally:
        shutil.rmtree(part, ignore_errors=True)
    raise AssertionError("unreachable: count() never ends")
