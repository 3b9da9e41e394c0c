"""Files of weights from other sources. Their hash is checked before any code reads them."""

from __future__ import annotations

import hashlib
from pathlib import Path

from models.core.config import PinnedFile


def verified(pinned: PinnedFile, root: Path) -> Path:
    """The path of a pinned file whose content has the pinned SHA-256.

    Args:
        root: the folder that `pinned.path` is relative to.
    Raises:
        ValueError: the file cannot be read, or has another SHA-256; the message names it.
    """
    path = root / pinned.path
    try:
        with path.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise ValueError(f"{path}: the file cannot be read: {error.strerror}") from None
    if found != pinned.sha256:
        raise ValueError(
            f"{path}: the file has the SHA-256 {found}, not {pinned.sha256}; restore the file, or name the new hash"
        )
    return path
