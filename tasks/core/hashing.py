"""Content hashes of files and folders. MD5 hashes equal those in `dvc.lock`, so a run can be compared with the lock."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

_CHUNK = 1 << 20
_IGNORED = {"__pycache__"}  # .dvcignore excludes these names and *.pyc


def file_md5(path: Path) -> str:
    """Return the MD5 of a file's bytes. DVC 3 hashes text and binary files alike."""
    return _digest(path, hashlib.md5())


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, as ledgers and sidecars record it."""
    return _digest(path, hashlib.sha256())


def _digest(path: Path, digest: hashlib._Hash) -> str:
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def dvc_md5(path: Path) -> str:
    """Return DVC's hash of a file or a directory; the hash of a directory ends in `.dir`.

    The hash of a directory is the MD5 of a JSON list of its files (`md5`, `relpath`). The list is sorted by path
    as one string: "a-b/x" comes before "a/x". Compiled Python files are excluded, as in `.dvcignore`.
    """
    if not path.is_dir():
        return file_md5(path)
    files = {child.relative_to(path): child for child in path.rglob("*") if child.is_file()}
    names = sorted(name.as_posix() for name in files if not _IGNORED & set(name.parts) and name.suffix != ".pyc")
    listing = [{"md5": file_md5(path / name), "relpath": name} for name in names]
    return hashlib.md5(json.dumps(listing, sort_keys=True).encode()).hexdigest() + ".dir"
