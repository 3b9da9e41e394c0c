"""A rate limit for each host, shared by every thread and process of this checkout."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

from filelock import FileLock

_STALE = 3600.0  # seconds; a turn further ahead than this is a clock that was set back


class Throttle:
    """Gives each request to a host its turn. The next free moment of each host stands in a small file."""

    def __init__(self, folder: Path, per_second: float):
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._gap = folder, 1 / per_second

    def wait(self, host: str) -> None:
        """Sleep until it is this request's turn."""
        file, lock = self._files(host)
        with lock:
            now = time.time()
            turn = max(now, self._next(file, now))
            file.write_text(repr(turn + self._gap))
        time.sleep(max(0.0, turn - now))

    def hold(self, host: str, seconds: float) -> None:
        """Block requests to this host for `seconds`, as its answer asked."""
        file, lock = self._files(host)
        with lock:
            now = time.time()
            file.write_text(repr(max(self._next(file, now), now + seconds)))

    def _files(self, host: str) -> tuple[Path, FileLock]:
        name = hashlib.sha256(host.encode()).hexdigest()[:16]
        return self._folder / f"{name}.next", FileLock(self._folder / f"{name}.lock")

    @staticmethod
    def _next(file: Path, now: float) -> float:
        try:
            moment = float(file.read_text())
        except (FileNotFoundError, ValueError):
            return 0.0
        return moment if moment < now + _STALE else 0.0
