"""Content hashes as DVC writes them into `dvc.lock`, so that a run and the lock can be compared."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

_CHUNK = 1 << 20
_IGNORED = {"__pycache__"}  # with *.pyc, what .dvcignore leaves out of any directory


def file_md5(path: Path) -> str:
    """MD5 of a file's bytes (DVC 3 hashes text and binary files alike)."""
    return _digest(path, hashlib.md5())


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes: what ledgers and sidecars state."""
    return _digest(path, hashlib.sha256())


def _digest(path: Path, digest: hashlib._Hash) -> str:
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def dvc_md5(path: Path) -> str:
    """Hash of a file or a directory (`….dir`) exactly as DVC states it.

    A directory's hash is the MD5 of the JSON list of its files (`md5`, `relpath`), sorted by the path as
    one string ("a-b/x" before "a/x"); compiled Python is left out as `.dvcignore` leaves it out.
    """
    if not path.is_dir():
        return file_md5(path)
    files = {child.relative_to(path): child for child in path.rglob("*") if child.is_file()}
    names = sorted(name.as_posix() for name in files if not _IGNORED & set(name.parts) and name.suffix != ".pyc")
    listing = [{"md5": file_md5(path / name), "relpath": name} for name in names]
    return hashlib.md5(json.dumps(listing, sort_keys=True).encode()).hexdigest() + ".dir"
