"""Atomic writes: write to a temporary path beside the target, then rename. Readers never see a partial file."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path
from typing import Any

_FORMER = ".former"  # end of the name of a previous directory while its successor takes its place


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

    The previous directory is renamed, and deleted after the new one is in its place. If a kill comes between the two
    renames, the next call puts the previous directory back.

    Leftovers of killed processes are removed. Temporary directories of earlier runs go first, because they can fill
    half a disk. Temporary files of killed workers go at the end, after other workers repeated their work.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(f".{escape(path.name)}.part*"):
        process = left.name.rpartition(".part")[2].removesuffix(_FORMER)
        # A leftover with this process's id is of an earlier process: containers give the same ids again.
        if not process.isdigit() or (int(process) != os.getpid() and _alive(int(process))):
            continue
        if left.name.endswith(_FORMER) and not path.exists():
            with suppress(FileNotFoundError):  # another process put it back
                left.rename(path)
        shutil.rmtree(left, ignore_errors=True)
    part = path.with_name(f".{path.name}.part{os.getpid()}")
    former = part.with_name(f"{part.name}{_FORMER}")
    part.mkdir()
    try:
        yield part
        for left in list(part.rglob(".*.part*")):
            shutil.rmtree(left) if left.is_dir() else left.unlink(missing_ok=True)
        if path.is_dir() and not path.is_symlink():
            path.rename(former)
        part.replace(path)
    finally:
        if former.exists() and not path.exists():  # an error or an interrupt came between the two renames
            former.rename(path)
        for left in (part, former):
            shutil.rmtree(left, ignore_errors=True)


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
