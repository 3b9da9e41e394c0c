"""Atomic writes: write to a temporary path beside the target, then rename. Readers never see a partial file."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from glob import escape
from pathlib import Path
from typing import Any


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path. On success, sync it to disk and rename it to `path`; on failure, delete it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # The suffix stays at the end, because GDAL and matplotlib choose a format by it.
    part = path.with_name(f".{path.stem}.part{os.getpid()}{path.suffix}")
    try:
        yield part
        with part.open("rb+") as stream:
            os.fsync(stream.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def atomic_dir(path: Path) -> Iterator[Path]:
    """Yield an empty temporary directory. On success, it replaces `path`; on failure, it is deleted.

    Leftovers of killed processes are removed. Temporary directories of earlier runs go first, because they can fill
    half a disk. Temporary files of killed workers go at the end, after other workers repeated their work.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(f".{escape(path.name)}.part*"):
        process = left.name.rpartition(".part")[2]
        if process.isdigit() and not _alive(int(process)):
            shutil.rmtree(left, ignore_errors=True)
    part = path.with_name(f".{path.name}.part{os.getpid()}")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    try:
        yield part
        for left in list(part.rglob(".*.part*")):
            shutil.rmtree(left) if left.is_dir() else left.unlink(missing_ok=True)
        shutil.rmtree(path, ignore_errors=True)
        part.replace(path)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _alive(process: int) -> bool:
    """Return whether a process with this id runs on this host."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):  # the process of another user, or not a valid id
        return True
    return True


def write_json(path: Path, value: Any) -> None:
    """Write `value` atomically as indented JSON with sorted keys.

    Raises:
        ValueError: `value` holds NaN or an infinity.
    """
    text = json.dumps(value, indent=2, sort_keys=True, allow_nan=False) + "\n"
    with atomic_file(path) as part:
        part.write_text(text)
