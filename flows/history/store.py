"""Recorded bytes by their hash: from DVC's cache, else from its remote."""

from __future__ import annotations

import hashlib
import json
from functools import cached_property
from pathlib import Path
from typing import Any

from tasks.core.hashing import file_md5


class Store:
    """Reads single files, also from recorded folders, without a checkout."""

    def __init__(self, root: Path):
        self.root = root

    @cached_property
    def config(self) -> dict[str, Any]:
        """DVC's configuration of this checkout, all levels merged, every path absolute."""
        from dvc.config import Config

        return Config(str(self.root / ".dvc"), validate=False).read()

    @cached_property
    def cache(self) -> Path:
        """The folder of DVC's cache."""
        return Path(str(self.config["cache"].get("dir") or self.root / ".dvc" / "cache"))

    @property
    def has_remote(self) -> bool:
        """Whether there is a default remote."""
        return bool(self.config["core"].get("remote"))

    def read(self, digest: str) -> bytes | None:
        """The bytes with this MD5 (`….dir` is a folder's listing), or None where cache and remote lack them."""
        kept = self.cache / "files" / "md5" / digest[:2] / digest[2:]
        data = kept.read_bytes() if kept.is_file() else None
        if not _good(data, digest) and self.has_remote:
            data = self._remote(digest)
        return data if _good(data, digest) else None

    def listing(self, digest: str) -> dict[str, str] | None:
        """A recorded folder's files: relative path → MD5."""
        data = self.read(digest)
        return None if data is None else {entry["relpath"]: entry["md5"] for entry in json.loads(data)}

    def departs(self, tree: Path, path: str, digest: str) -> str:
        """The files of the folder `path` in `tree` that differ from the recorded ones, as the end of a sentence."""
        listing = self.listing(digest) if digest.endswith(".dir") and (tree / path).is_dir() else None
        if listing is None:
            return ""
        here = {f.relative_to(tree / path).as_posix(): f for f in (tree / path).rglob("*") if f.is_file()}
        wrong = [
            name if name in here and name in listing else f"{name} is {'new' if name in here else 'missing'}"
            for name in sorted(listing.keys() | here.keys())
            if name not in here or file_md5(here[name]) != listing.get(name)
        ]
        return f": {', '.join(wrong[:3])}" + (f" and {len(wrong) - 3} more" if len(wrong) > 3 else "")

    def _remote(self, digest: str) -> bytes | None:
        try:
            return self._objects.fs.cat_file(self._objects.oid_to_path(digest))
        except Exception:  # noqa: BLE001 - each kind of storage raises errors of its own; all mean that the bytes cannot be read
            return None

    @cached_property
    def _objects(self) -> Any:
        from dvc.repo import Repo

        return Repo(str(self.root)).cloud.get_remote_odb()


def _good(data: bytes | None, digest: str) -> bool:
    return data is not None and hashlib.md5(data).hexdigest() == digest.removesuffix(".dir")
