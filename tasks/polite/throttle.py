"""A rate and a number of connections for each host, shared by every thread and process that names the same folder."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import cycle
from pathlib import Path

from filelock import FileLock, Timeout

from tasks.polite.limits import limit_of

_AHEAD = 3600.0  # seconds; a turn further ahead than this is a clock that was set back
_POLL = 0.02  # seconds between two looks for a free connection


class Throttle:
    """Gives each request to a host its turn, and each host no more requests at a time than it bears.

    A small file for each host holds two moments: when the next turn is, and until when the host wants no request.
    """

    def __init__(self, folder: Path, per_second: float, connections: int = 16):
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._per_second, self._connections = folder, per_second, connections

    def wait(self, host: str) -> None:
        """Sleep until it is this request's turn and the host is not held."""
        file, lock = self._files(host)
        gap = limit_of(host, self._per_second, self._connections).gap_s
        while True:
            with lock:
                now = time.time()
                turn, held = self._moments(file, now)
                if held <= now:
                    turn = max(now, turn)
                    self._write(file, turn + gap, held)
            time.sleep(max(0.0, (turn if held <= now else held) - now))
            if held <= now and self.held(host) <= 0:  # a hold during the sleep moves the turn back
                return

    @contextmanager
    def connection(self, host: str) -> Iterator[None]:
        """Hold one of the connections that the host bears; wait until one is free. A killed process frees its own."""
        count = limit_of(host, self._per_second, self._connections).connections
        for number in cycle(range(count)):
            slot = FileLock(f"{self._base(host)}.{number}.lock")
            try:
                slot.acquire(timeout=0)
            except Timeout:
                time.sleep(_POLL / count)
                continue
            try:
                yield
            finally:
                slot.release()
            return

    def hold(self, host: str, seconds: float) -> None:
        """Block requests to this host for `seconds`, as its answer asked."""
        file, lock = self._files(host)
        with lock:
            now = time.time()
            turn, held = self._moments(file, now)
            self._write(file, turn, max(held, now + seconds))

    def held(self, host: str) -> float:
        """Seconds for which the host wants no request."""
        now = time.time()
        return max(0.0, self._moments(self._files(host)[0], now)[1] - now)

    def pay(self, host: str, count: int) -> None:
        """Move the next turn back by the time that `count` bytes take at the speed that the host allows."""
        speed = limit_of(host, self._per_second, self._connections).bytes_per_s
        if not speed:
            return
        file, lock = self._files(host)
        with lock:
            now = time.time()
            turn, held = self._moments(file, now)
            self._write(file, max(turn, now) + count / speed, held)

    def _base(self, host: str) -> Path:
        return self._folder / hashlib.sha256(host.encode()).hexdigest()[:16]

    def _files(self, host: str) -> tuple[Path, FileLock]:
        base = self._base(host)
        return Path(f"{base}.next"), FileLock(f"{base}.lock")

    @staticmethod
    def _write(file: Path, turn: float, held: float) -> None:
        file.write_text(f"{turn!r} {held!r} {time.time()!r}")

    @staticmethod
    def _moments(file: Path, now: float) -> tuple[float, float]:
        """The next turn and the end of the hold; zeros where the file was written at a later time than now."""
        try:
            turn, held, written = map(float, file.read_text().split())
        except (FileNotFoundError, ValueError):
            return 0.0, 0.0
        if written > now + 60:
            return 0.0, 0.0
        return (turn if turn < now + _AHEAD else 0.0), held


def told_wait(retry_after: str) -> float | None:
    """Seconds that a server asks to wait, from either form of Retry-After; None where it says nothing usable."""
    value = retry_after.strip()
    if value.isdigit():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None
