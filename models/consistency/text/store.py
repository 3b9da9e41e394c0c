"""Features of texts on disk, keyed by encoder and text, for encoders that are slow.

One SQLite file for each encoder. A kill leaves whole rows, and several processes may use the file.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Lock

import numpy as np


class Store:
    """Features of one encoder.

    Args:
        folder: created if missing. identity: hash of everything that determines the features.
        shape: of the features of one text, float16.
        compute: from a text to its features (*shape).
    """

    def __init__(self, folder: Path, identity: str, shape: tuple[int, ...], compute: Callable[[str], np.ndarray]):
        folder.mkdir(parents=True, exist_ok=True)
        self._shape, self._compute, self._lock = shape, compute, Lock()
        self._base = sqlite3.connect(folder / f"{identity}.sqlite", timeout=60, check_same_thread=False)
        with self._base:
            self._base.execute("create table if not exists features (text text primary key, value blob)")

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        """Features (n, *shape) float16 of n texts; those that are not there yet are computed and kept."""
        with self._lock:
            keys = [hashlib.sha256(text.encode()).hexdigest() for text in texts]
            found = {key: self._read(key) for key in keys}
            missing = {key: text for key, text in zip(keys, texts, strict=True) if found[key] is None}
            for key, text in missing.items():
                found[key] = self._compute(text).astype(np.float16)
                with self._base:
                    row = (key, found[key].tobytes())
                    self._base.execute("insert or ignore into features values (?, ?)", row)
            return np.stack([found[key] for key in keys]) if keys else np.zeros((0, *self._shape), np.float16)

    def _read(self, key: str) -> np.ndarray | None:
        row = self._base.execute("select value from features where text = ?", (key,)).fetchone()
        return None if row is None else np.frombuffer(row[0], np.float16).reshape(self._shape)
