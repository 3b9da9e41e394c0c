"""Verification of an unpacked bundle: hashes of all files, and no additional files in the inputs.

This module imports only the standard library.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from flows.bundles.archive import ArchiveError, read_card, sha256
from flows.bundles.layout import BUNDLE_FORMAT, MANIFEST

_SHOWN = 5


def read_manifest(root: Path) -> dict[str, Any]:
    """Return the manifest of the bundle in `root`. Raise ArchiveError if it is missing or damaged."""
    try:
        text, digest = (root / MANIFEST).read_bytes(), (root / f"{MANIFEST}.sha256").read_bytes()
    except OSError as error:
        raise ArchiveError(f"{error.filename}: cannot be read: {error.strerror}; unpack the bundle again") from None
    return read_card(text, digest, MANIFEST, BUNDLE_FORMAT)


def verify(root: Path, manifest: dict[str, Any]) -> None:
    """Raise ArchiveError if files are damaged or missing, or if files were added to the inputs."""
    wrong = [f"{name}: {why}" for name, entry in manifest["files"].items() if (why := _damage(root / name, *entry))]
    wrong += [f"{name}: not part of the bundle, and the stage would read it" for name in _strangers(root, manifest)]
    if wrong:
        more = f" (and {len(wrong) - _SHOWN} more)" if len(wrong) > _SHOWN else ""
        raise ArchiveError(f"the bundle has changed: {'; '.join(wrong[:_SHOWN])}{more}; unpack it again")


def _damage(path: Path, size: int, digest: str) -> str | None:
    try:
        if path.stat().st_size != size:
            return f"{path.stat().st_size} bytes where {size} were packed"
        return None if sha256(path) == digest else "damaged: its content does not match its hash"
    except OSError as error:
        return f"cannot be read: {error.strerror}"


def _strangers(root: Path, manifest: dict[str, Any]) -> list[str]:
    """Return files in input folders that the manifest does not list. DVC would hash them as inputs."""
    found = []
    for dep in sorted({dep for stage in manifest["stages"] for dep in stage["inputs"]}):
        for folder, _, names in os.walk(root / dep):
            place = Path(folder).relative_to(root)
            if "__pycache__" not in place.parts:
                found += [(place / name).as_posix() for name in names if not name.endswith(".pyc")]
    return sorted(set(found) - set(manifest["files"]))
